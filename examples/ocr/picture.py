"""Pictures as arrays: loaded, sampled between pixels, brought to the form the networks take.

A picture is float32 [height, width, 3] of 0 to 1, blue first as these networks were trained.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating]


def load(path: Path) -> Picture:
    """The picture in a file of any format Pillow reads."""
    with Image.open(path) as image:
        red_first = np.asarray(image.convert("RGB"), np.float32)
    picture: Picture = red_first[..., ::-1] / np.float32(255)
    return picture


def sample(picture: Picture, x: Floats, y: Floats) -> Picture:
    """Bilinear between pixels, whose centres are whole numbers; outside, the border goes on."""
    height, width = picture.shape[:2]
    left = np.clip(np.floor(x), 0, width - 1).astype(int)
    top = np.clip(np.floor(y), 0, height - 1).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across = np.clip(x - left, 0, 1)[..., None]
    down = np.clip(y - top, 0, 1)[..., None]
    above = picture[top, left] * (1 - across) + picture[top, right] * across
    below = picture[bottom, left] * (1 - across) + picture[bottom, right] * across
    result: Picture = (above * (1 - down) + below * down).astype(np.float32)
    return result


def resize(picture: Picture, height: int, width: int) -> Picture:
    """Bilinear, half-pixel centres."""
    y = (np.arange(height) + 0.5) * picture.shape[0] / height - 0.5
    x = (np.arange(width) + 0.5) * picture.shape[1] / width - 0.5
    return sample(picture, *np.meshgrid(x, y))


def as_input(picture: Picture, width: int = 0) -> Picture:
    """[1, 3, height, width] of -1 to 1, filled up with zeros on the right where `width` is larger."""
    channels_first = (2 * picture - 1).transpose(2, 0, 1)[None]
    fill = max(0, width - picture.shape[1])
    return np.pad(channels_first, ((0, 0), (0, 0), (0, 0), (0, fill)))
