"""Resizing as ONNX writes it: by sizes and scales, along any of the last axes, in old sets and new."""

from __future__ import annotations

import numpy as np
import pytest

from convc.importers.onnx import import_model
from importers.models import agrees, inputs_of, interpret, kinds, model


def floats(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize(
    "rule", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"]
)
def test_by_scales(mode: str, rule: str) -> None:
    body = f'y = Resize <mode = "{mode}", coordinate_transformation_mode = "{rule}"> (x, , scales)'
    imported = agrees(model(body, opset=19, scales=floats(1, 1, 1.5, 0.625)))
    assert kinds(imported) == ["resize"]


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_by_sizes_of_some_axes(policy: str) -> None:
    body = f'y = Resize <mode = "linear", axes = [2, 3], keep_aspect_ratio_policy = "{policy}"> (x, , , sizes)'
    agrees(model(body, opset=18, sizes=np.array([12, 6])))


def test_other_axes_become_an_image() -> None:
    imported = agrees(model("y = Resize (x, , scales)", inputs="float[4,6] x", opset=13, scales=floats(2, 1.5)))
    assert kinds(imported) == ["reshape", "resize", "reshape"]
    agrees(model("y = Resize (x, , scales)", opset=13, scales=floats(1, 2, 2, 2)))


def test_antialias_and_what_lies_outside() -> None:
    body = 'y = Resize <mode = "cubic", antialias = 1, exclude_outside = 1, cubic_coeff_a = -0.5f> (x, , scales)'
    agrees(model(body.replace("-0.5f", "-0.5"), opset=18, scales=floats(1, 1, 0.5, 0.5)))


def test_upsample_repeats_pixels() -> None:
    imported = import_model(model("y = Upsample (x, scales)", opset=9, scales=floats(1, 1, 2, 3)))
    inputs = inputs_of(imported)
    (result,) = interpret(imported, inputs)
    np.testing.assert_array_equal(result, inputs["x"].repeat(2, 2).repeat(3, 3))


def test_nothing_to_resize_is_nothing() -> None:
    imported = agrees(model("z = Resize (x, , scales) y = Relu (z)", opset=13, scales=floats(1, 1, 1, 1)))
    assert kinds(imported) == ["relu"]


def test_dilated_averages_and_norms() -> None:
    windows = "kernel_shape = [2, 2], dilations = [2, 3], pads = [1, 0, 1, 0], strides = [2, 1]"
    agrees(model(f"y = AveragePool <{windows}, count_include_pad = 1> (x)", opset=19))
    agrees(model(f"y = LpPool <{windows}, p = 3> (x)", opset=18))
