"""Reads the text in a photograph: every network in it is compiled and run by convc.

    python examples/ocr/read_text.py [PICTURE]

Three networks: where is text, is a line upside down, what does it say. Between them only NumPy.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import networks
import numpy as np
from lines import Line, find_lines
from picture import Floats, Picture, as_input, load, resize

import convc

HERE = Path(__file__).parent
HEIGHT = 48  # of a line, as the networks were trained
PIECE = 192  # width of what the direction network looks at
LONGEST, SHORTEST = 1280, 640  # sides of the picture as the detection network sees it
TURN = 0.5  # how sure the network must be that a line is upside down


@dataclass(frozen=True)
class Found:
    """A line of text with where it stands in the picture, and how sure the network is of its characters."""

    text: str
    confidence: float
    line: Line


def read(picture: Picture) -> list[Found]:
    """The lines of text in a picture, in reading order."""
    lines = detect(picture)
    cuts = [upright(line.cut(picture, HEIGHT)) for line in lines]
    if not cuts:
        return []
    width = rounded(max(cut.shape[1] for cut in cuts), 160)  # one library for all lines of the picture
    said = (recognise(cut, width) for cut in cuts)
    return [Found(text, sure, line) for line, (text, sure) in zip(lines, said, strict=True) if text]


def detect(picture: Picture) -> list[Line]:
    """Where lines of text are. The picture is brought to a size the network knows, its sides multiples of 32."""
    sides = np.array(picture.shape[:2])
    scale = min(max(1.0, SHORTEST / sides.min()), LONGEST / sides.max())
    height, width = (rounded(side * scale, 32) for side in sides)
    (probabilities,) = networks.run(networks.DETECTION, as_input(resize(picture, height, width)))[0]
    back = picture.shape[1] / width, picture.shape[0] / height
    return [line.scaled(*back) for line in find_lines(probabilities)]


def upright(cut: Picture) -> Picture:
    """The line turned by half a circle where the network says of its pieces, on the whole, that it is upside down."""
    pieces = [cut[:, start : start + PIECE] for start in range(0, cut.shape[1], PIECE)]
    whole = [piece for piece in pieces if 2 * piece.shape[1] >= PIECE] or pieces[:1]
    scores = np.mean([networks.run(networks.DIRECTION, as_input(piece, PIECE))[0] for piece in whole], axis=0)
    return cut[::-1, ::-1] if scores[1] > TURN else cut


def recognise(cut: Picture, width: int) -> tuple[str, float]:
    """The text of a line and the mean confidence in its characters."""
    (steps,) = networks.run(networks.RECOGNITION, as_input(cut, width))
    return decode(steps, networks.characters())


def decode(steps: Floats, characters: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest class of each step, repeats and blanks left out (connectionist temporal classification)."""
    best = steps.argmax(axis=1)
    new = (best != 0) & (np.diff(best, prepend=0) != 0)
    text = "".join(characters[number] for number in best[new])
    return text, float(steps.max(axis=1)[new].mean()) if text else 0.0


def rounded(length: float, unit: int) -> int:
    """Up to the next multiple, at least one."""
    return max(1, int(np.ceil(length / unit))) * unit


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "page.png"
    picture = load(path)
    read(picture)  # builds the libraries, or finds them in the cache
    start = time.perf_counter()
    found = read(picture)
    seconds = time.perf_counter() - start
    for item in found:
        print(f"{item.confidence:4.0%}  {item.text}")
    print(f"{len(found)} lines in {seconds * 1e3:.0f} ms")


if __name__ == "__main__":
    try:
        main()
    except (convc.ConvcError, OSError) as error:
        sys.exit(f"error: {error}")
