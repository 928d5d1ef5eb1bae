"""Resizing against numbers worked out by hand, ONNX's reference and torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from convc.ops import Resize
from ops.helpers import Array, call, normal, refused, told

MODES = ("nearest", "linear", "cubic")
COORDINATES = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners", "asymmetric")


def row(*numbers: float) -> Array:
    return np.array(numbers, float).reshape(1, 1, -1)


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("scale = 2", row(1, 2), row(1, 1, 2, 2)),
        ("size = 3, coordinates = asymmetric, rounding = floor", row(1, 2, 3, 4, 5), row(1, 2, 4)),
        ("size = 3, coordinates = asymmetric, rounding = ceil", row(1, 2, 3, 4, 5), row(1, 3, 5)),
        ("scale = 0.5, rounding = round_prefer_floor", row(1, 2, 3, 4), row(1, 3)),
        ("scale = 0.5, rounding = round_prefer_ceil", row(1, 2, 3, 4), row(2, 4)),
        ("scale = 2, mode = linear", row(0, 4), row(0, 1, 3, 4)),
        ("size = 3, mode = linear, coordinates = align_corners", row(0, 4), row(0, 2, 4)),
        ("size = 1, mode = linear, coordinates = pytorch_half_pixel", row(0, 4, 8), row(0)),
        ("size = 1, mode = linear", row(0, 4, 8), row(4)),
        ("scale = 0.5, mode = linear, antialias = true", row(0, 0, 8, 8), row(1, 7)),
        ("scale = 2, mode = cubic, coordinates = asymmetric", row(0, 0, 1, 1),
         row(0, -0.09375, 0, 0.5, 1, 1.09375, 1, 1)),
        ("size = 2, scale = 0.6, coordinates = align_corners, mode = linear", row(0, 1, 2, 3), row(0, 3 / 1.4)),
    ],
)  # fmt: skip
def test_resize(text: str, x: Array, y: Array) -> None:
    np.testing.assert_allclose(call(f"resize(x, {text})", x=x).y, y, atol=1e-12)


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", MODES)
def test_axes_are_resized_one_after_another(mode: str, coordinates: str) -> None:
    x = normal(2, 3, 4, 5, 3)
    rule = f"mode = {mode}, coordinates = {coordinates}"
    together = call(f"resize(x, size = [7, 3, 5], {rule})", x=x).y
    turned = np.moveaxis(x, 3, 4)
    one = call(f"resize(x, size = [4, 3, 3], {rule})", x=turned).y
    two = call(f"resize(x, size = [7, 5, 3], {rule})", x=one).y
    np.testing.assert_allclose(together, np.moveaxis(two, 3, 4), atol=1e-12)


@pytest.mark.parametrize("geometry", ["size", "scale"])
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        *(("nearest", f"rounding = {rounding}") for rounding in (
            "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")),
        ("linear", ""), ("linear", "antialias = true"),
        ("cubic", ""), ("cubic", "cubic = -0.5, exclude_outside = true"), ("cubic", "antialias = true"),
    ],
)  # fmt: skip
def test_onnx_agrees(mode: str, options: str, coordinates: str, geometry: str) -> None:
    reference = pytest.importorskip("onnx.reference.ops.op_resize")
    given = dict(part.split(" = ") for part in options.split(", ") if part)
    for extent, factor in itertools.product((1, 4, 7), (0.3, 0.6, 1.0, 1.75, 2.0, 3.5)):
        if geometry == "scale" and (extent * factor < 1 or (coordinates == "align_corners" and extent == 1)):
            continue
        x = normal(1, 1, extent)
        out = max(1, round(extent * factor)) if geometry == "size" else int(extent * factor)
        text = f"size = {out}" if geometry == "size" else f"scale = {factor}"
        if out == 1 and coordinates == "pytorch_half_pixel":
            continue  # the text of the specification says position 0, its program -0.5
        ours = call(f"resize(x, {text}, mode = {mode}, coordinates = {coordinates}{', ' + options if options else ''})",
                    x=x).y  # fmt: skip
        theirs = reference.Resize._run(
            None, x, None, *((None, [1, 1, out]) if geometry == "size" else ([1.0, 1.0, factor], None)),
            antialias=int("antialias" in given), coordinate_transformation_mode=coordinates,
            cubic_coeff_a=float(given.get("cubic", -0.75)), exclude_outside="exclude_outside" in given,
            keep_aspect_ratio_policy="stretch", mode=mode, nearest_mode=given.get("rounding", "round_prefer_floor"),
        )[0]  # fmt: skip
        np.testing.assert_allclose(ours, theirs, atol=1e-9, err_msg=f"{extent} -> {text}")


@pytest.mark.torch
@pytest.mark.parametrize("size", [[3, 9], [8, 4], [6, 5], [1, 1], [12, 10]])
@pytest.mark.parametrize(
    ("mode", "options", "align"),
    [
        ("nearest", "coordinates = asymmetric, rounding = floor", None),
        ("nearest-exact", "rounding = round_prefer_ceil", None),
        ("bilinear", "mode = linear", False),
        ("bilinear", "mode = linear, coordinates = align_corners", True),
        ("bicubic", "mode = cubic", False),
        ("bicubic", "mode = cubic, coordinates = align_corners", True),
    ],
)
def test_torch_agrees(mode: str, options: str, align: bool | None, size: list[int]) -> None:
    torch = pytest.importorskip("torch")
    x = normal(2, 3, 6, 5)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(x), size, mode=mode, align_corners=align)
    np.testing.assert_allclose(call(f"resize(x, size = {size}, {options})", x=x).y, theirs.numpy(), atol=1e-10)


def test_a_dump_holds_size_and_scale() -> None:
    op = call("resize(x, size = [3, 8])", x=normal(1, 1, 6, 4)).node.op
    assert isinstance(op, Resize)
    assert (op.size, op.scale) == ((3, 8), (0.5, 2.0))
    op = call("resize(x, scale = [0.4, 2])", x=normal(1, 1, 6, 4)).node.op
    assert isinstance(op, Resize)
    assert (op.size, op.scale) == ((2, 8), (0.4, 2.0))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("resize(x)", "E0402", ["`size` or `scale`"]),
        ("resize(x, scale = 0)", "E0341", ["scale is [0.0, 0.0]"]),
        ("resize(x, scale = 0.1)", "E0341", ["cannot be resized to 0 x 0", "the input has 4 x 6"]),
        ("resize(x, size = [4, 0])", "E0341", ["4 x 0"]),
        ("resize(x, size = 4, scale = 3)", "E0341", ["the size is 4 x 4, the input times scale is 12 x 18"]),
        ("resize(x, size = [4, 4, 4])", "E0405", ["a number or a list of 2"]),
        ("resize(x, scale = true)", "E0405", ["a number or a list of them"]),
        ("resize(x, scale = [2, 2, 2])", "E0405", ["a number or a list of 2"]),
        ("resize(x, scale = 2, mode = \"bilinear\")", "E0405", ["`nearest`, `linear`, `cubic`"]),
        ("resize(flatten(x), scale = 2)", "E0301", ["f32[1, 48]"]),
    ],
)
def test_resizing_refuses(text: str, code: str, words: list[str]) -> None:
    diagnostic = refused(text, x=(1, 2, 4, 6))
    assert diagnostic.code == code
    assert all(word in told(diagnostic) for word in words), told(diagnostic)


def test_resizing_cost() -> None:
    assert call("resize(x, scale = 2)", x=normal(1, 4, 9, 7)).cost.flops == 0
    assert call("resize(x, scale = 2, mode = linear)", x=normal(1, 4, 9, 7)).cost.flops == 2 * 4 * 4 * 18 * 14
