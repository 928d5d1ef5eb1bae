"""The three networks, compiled by convc for the shapes they are called with.

They come in the wheel of rapidocr-onnxruntime, of which no code is used: ONNX files of PP-OCR by PaddlePaddle.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

import convc

DETECTION = "ch_PP-OCRv4_det_infer.onnx"
DIRECTION = "ch_ppocr_mobile_v2.0_cls_infer.onnx"
RECOGNITION = "ch_PP-OCRv4_rec_infer.onnx"
PACKAGE = "rapidocr_onnxruntime"


def folder() -> Path:
    """Where the models lie.

    Raises:
        FileNotFoundError: The package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError("the models are not installed: pip install --no-deps -r examples/ocr/requirements.txt")
    return Path(found.origin).parent / "models"


@functools.cache
def compiled(model: str, shape: tuple[int, ...]) -> convc.Kernel:
    """The network for inputs of this shape; built once, then in convc's cache."""
    return convc.compile(convc.from_onnx(folder() / model, shapes={"x": shape}))


def run(model: str, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Its only output for one input."""
    result = compiled(model, image.shape)(image)
    assert isinstance(result, np.ndarray)
    return result


@functools.cache
def characters() -> tuple[str, ...]:
    """What each class of the recognition network stands for; the first, a blank, for nothing."""
    import onnx

    model = onnx.load(str(folder() / RECOGNITION))
    (listed,) = (entry.value for entry in model.metadata_props if entry.key == "character")
    return ("", *listed.splitlines(), " ")
