"""Laws that hold for every op, and the demand that every op has its tests."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pytest

from convc import ops
from convc.frontend.formatter import KEYWORDS
from convc.ir import Op
from convc.ops.signature import REQUIRED, Kind
from ops.helpers import call, normal

#: A call of each op over x [1, 4, 6, 6], v [1, 4] and their doubles y, w.
EXAMPLES = {
    "conv": "conv(x, 8, 3, groups = 2)",
    "conv_transpose": "conv_transpose(x, 8, 3, stride = 2, groups = 2)",
    "deform_conv": "deform_conv(x, conv(x, 18, 3, pad = 1), 8, 3, pad = 1, groups = 2)",
    "resize": "resize(x, scale = [1.5, 2], mode = linear)",
    "maxpool": "maxpool(x, 2, ceil = true)",
    "avgpool": "avgpool(x, 3, pad = 1)",
    "lppool": "lppool(x, 3, stride = 2)",
    "adaptive_avgpool": "adaptive_avgpool(x, [4, 3])",
    "adaptive_maxpool": "adaptive_maxpool(x, 4)",
    "linear": "linear(v, 3)",
    "softmax": "softmax(v)",
    "add": "add(x, y)",
    "sub": "sub(x, y)",
    "mul": "mul(v, 0.1)",
    "div": "div(x, 3)",
    **{name: f"{name}(x, y)" for name in (
        "minimum", "maximum", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
        "logical_or", "logical_xor",
    )},
    "pow": "pow(mul(x, x), y)",
    "mod": "mod(x, 0.3, fmod = true)",
    "where": "where(x, y, 1.0)",
    "sqrt": "sqrt(mul(x, x))",
    "log": "log(mul(x, x))",
    "asin": "asin(sin(x))",
    "acos": "acos(sin(x))",
    "atanh": "atanh(tanh(x))",
    "acosh": "acosh(add(1, abs(x)))",
    "matmul": "matmul(x, y)",
    "group_norm": "group_norm(x, 2)",
    "transpose": "transpose(x, [0, 2, 3, 1])",
    "slice": "slice(x, 2, 1, 5, step = 2)",
    "split": "split(x, [1, 3])",
    "pad": "pad(x, 1, mode = reflect)",
    "unsqueeze": "unsqueeze(x, [2])",
    "expand": "expand(x, [2, 4, 6, 6])",
    "tile": "tile(x, [1, 2, 1, 1])",
    "gather": "gather(x, [2, 0], axis = 1)",
    "channel_shuffle": "channel_shuffle(x, 2)",
    "depth_to_space": "depth_to_space(x, 2)",
    "space_to_depth": "space_to_depth(x, 2)",
    "reduce_log_sum": "reduce_log_sum(mul(x, x))",
    "constant": "constant(0.1)",
    "concat": "concat(x, y)",
    "reshape": "reshape(x, [2, 2, 36])",
    "reorder": "r: f32[1, 4, 6, 6; nChw4c] = reorder(x) return r",
}  # fmt: skip
every_op = pytest.mark.parametrize("op", ops.ALL_OPS, ids=lambda op: op.name)


def test_names_are_unique_and_found() -> None:
    assert len(set(ops.names())) == len(ops.ALL_OPS)
    assert [ops.by_name(name) for name in ops.names()] == list(ops.ALL_OPS)
    assert ops.by_name("conv3d_of_next_year") is None


@every_op
def test_every_op_has_its_tests(op: type[Op]) -> None:
    family = op.__module__.rpartition(".")[2]
    tests = (Path(__file__).parent / f"test_{family}.py").read_text()
    assert f"def test_{op.name}(" in tests


@every_op
def test_every_op_is_documented(op: type[Op]) -> None:
    module = inspect.getmodule(op)
    assert module is not None
    assert op.__doc__ and module.__doc__
    assert op.name in (module.__doc__ + op.__doc__).lower()
    assert all(param.doc for param in op.params)  # type: ignore[attr-defined]


@every_op
def test_attributes_are_parameters_of_the_call(op: type[Op]) -> None:
    params = {param.name: param for param in op.params}  # type: ignore[attr-defined]
    for field in fields(op):  # type: ignore[arg-type]
        assert field.name in params
        default = params[field.name].default
        if field.default is MISSING:
            assert default in (REQUIRED, None)
        else:
            values = set(field.default) if isinstance(field.default, tuple) else {field.default}
            assert values == {default}, "a dump leaves out what a source may leave out"


@every_op
def test_no_parameter_is_called_like_a_keyword(op: type[Op]) -> None:
    """A dump names them, and is read again."""
    assert not {param.name for param in op.params} & KEYWORDS  # type: ignore[attr-defined]


@every_op
def test_operands_are_parameters_of_the_call(op: type[Op]) -> None:
    called = call(EXAMPLES.get(op.name, f"{op.name}(x)"), **_inputs())
    node = called.node
    assert type(node.op) is op
    operands = op.operands(node.op, len(node.inputs))
    assert len(operands) == len(node.inputs)
    kinds = (Kind.TENSOR, Kind.TENSORS, Kind.WEIGHT)
    known = {param.name for param in op.params if param.kind in kinds}  # type: ignore[attr-defined]
    assert set(operands) - {"*"} <= known


@every_op
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inference_and_reference_agree(op: type[Op], dtype: type[np.floating]) -> None:
    called = call(EXAMPLES.get(op.name, f"{op.name}(x)"), dtype, **_inputs())
    inferred = called.node.op.infer(*(value.type for value in called.node.inputs))
    for y, value, type in zip(called.ys, called.node.outputs, inferred, strict=True):
        assert y.shape == value.type.shape
        assert y.dtype == dtype
        assert np.isfinite(y).all()
        assert type.same_logical(value.type) and type.is_plain


@every_op
def test_cost_is_sane(op: type[Op]) -> None:
    cost = call(EXAMPLES.get(op.name, f"{op.name}(x)"), **_inputs()).cost
    assert min(cost.parameters, cost.macs, cost.flops) >= 0
    assert cost.flops >= 2 * cost.macs
    assert len(cost.taps) == len(cost.strides)
    assert len(cost.taps) in (0, 2), "along each spatial axis of x, where it looks further than one element"


@every_op
def test_reference_leaves_its_inputs_alone(op: type[Op]) -> None:
    inputs = _inputs()
    for array in inputs.values():
        array.flags.writeable = False
    call(EXAMPLES.get(op.name, f"{op.name}(x)"), **inputs)


def _inputs() -> dict[str, np.ndarray]:
    x, v = normal(1, 4, 6, 6), normal(1, 4)
    return {"x": x, "y": 2 * x, "v": v, "w": 2 * v}
