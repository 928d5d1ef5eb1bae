"""What models become: the ops, the names, the numbers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import convc
from convc.importers.onnx import import_model
from convc.ir.verify import violations
from importers.models import agrees, interpret, kinds, model, normal


def names(imported: object) -> list[str]:
    return [node.name for node in imported.graph.nodes]  # type: ignore[attr-defined]


def test_a_network_of_layers() -> None:
    body = """
        c = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, w, b)
        n = BatchNormalization (c, s, t, m, v)
        r = Relu (n)
        p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
        f = Flatten (p)
        y = Gemm <transB = 1> (f, fw, fb)
    """
    weights = {
        "w": normal(4, 3, 3, 3), "b": normal(4), "s": normal(4), "t": normal(4), "m": normal(4),
        "v": np.abs(normal(4)), "fw": normal(5, 16), "fb": normal(5),
    }  # fmt: skip
    imported = agrees(model(body, **weights))
    assert kinds(imported) == ["conv", "batchnorm", "relu", "maxpool", "flatten", "linear"]
    assert set(imported.arrays) == set(weights)
    assert list(violations(imported.graph)) == []


def test_shape_arithmetic_vanishes() -> None:
    body = """
        s = Shape (x)
        zero = Constant <value_int = 0> ()
        n = Gather (s, zero)
        axes = Constant <value_ints = [0]> ()
        one = Unsqueeze (n, axes)
        minus = Constant <value_ints = [-1]> ()
        shape = Concat <axis = 0> (one, minus)
        y = Reshape (x, shape)
    """
    imported = agrees(model(body))
    assert kinds(imported) == ["flatten"]


def test_nothing_is_left_of_a_graph_of_constants() -> None:
    imported = agrees(model("s = Shape (x) f = Cast <to = 1> (s) y = Mul (f, f)"))
    assert kinds(imported) == []
    assert imported.arrays["y"].tolist() == [1, 9, 64, 64]


def test_scopes_come_from_the_names_of_nodes() -> None:
    parsed = model("""
        a = Conv (x, onnx__Conv_7)
        r = Relu (a)
        b = Conv (r, w)
        c = Add (b, a)
        q = Relu (c)
        y = Sigmoid (q)
    """, onnx__Conv_7=normal(3, 3, 1, 1), w=normal(3, 3, 1, 1))  # fmt: skip
    paths = ["layer1/layer1.0/conv1/Conv", "layer1/layer1.0/relu/Relu", "layer1/layer1.0/conv2/Conv",
             "layer1/layer1.0/Add", "layer1/layer1.0/relu/Relu_1", "0/Sigmoid"]  # fmt: skip
    for node, path in zip(parsed.graph.node, paths, strict=True):
        node.name = f"/{path}"
    parsed.graph.initializer[0].name = parsed.graph.node[0].input[1] = "onnx::Conv_7"
    parsed.graph.initializer[1].name = parsed.graph.node[2].input[1] = "0.weight"
    imported = agrees(parsed)
    assert names(imported) == ["layer1.0.conv1", "layer1.0.relu", "layer1.0.conv2", "layer1.0.add",
                               "layer1.0.relu_2", "layer0"]  # fmt: skip
    assert list(imported.arrays) == ["layer1.0.conv1.weight", "layer0.weight"]


def test_names_are_unique_and_legal() -> None:
    parsed = model("a = Relu (x) b = Relu (a) y = Relu (b)")
    for node in parsed.graph.node:
        node.name = "network"
    imported = agrees(parsed)
    assert names(imported) == ["network_", "network__2", "network__3"]


def test_a_weight_in_two_forms_is_two_weights() -> None:
    imported = agrees(model("a = Gemm <transB = 1> (x, w) y = Gemm (a, w)", "float[2,4] x", w=normal(4, 4)))
    assert set(imported.arrays) == {"w", "w_2"}


@pytest.mark.parametrize("attributes", [
    "alpha = 0.5, beta = 2.0", "transB = 1, alpha = 3.0", "beta = 0.0",
])  # fmt: skip
@pytest.mark.parametrize("shape", [(5,), (1, 5), (1,), ()])
def test_gemm(attributes: str, shape: tuple[int, ...]) -> None:
    wide = (5, 4) if "transB" in attributes else (4, 5)
    agrees(model(f"y = Gemm <{attributes}> (x, w, c)", "float[2,4] x", w=normal(*wide), c=normal(*shape)))


@pytest.mark.parametrize("rule", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_padding_rules(rule: str) -> None:
    body = f'y = Conv <auto_pad = "{rule}", strides = [2, 3], kernel_shape = [3, 4]> (x, w)'
    agrees(model(body, w=normal(2, 3, 3, 4)))


@pytest.mark.parametrize(("bounds", "op"), [((0, 6), "relu6"), ((0, None), "relu")])
def test_clip_is_a_relu_where_it_is_one(bounds: tuple[float | None, ...], op: str) -> None:
    low, high = bounds
    weights = {k: np.float32(n) for k, n in (("low", low), ("high", high)) if n is not None}
    assert kinds(agrees(model(f"y = Clip (x, {', '.join(weights)})", **weights))) == [op]


def test_an_old_operator_set() -> None:
    parsed = model("y = Clip <min = 0.0, max = 6.0> (x)", opset=7)
    assert kinds(agrees(parsed)) == ["relu6"]


def test_softmax_over_all_axes_from_one_on() -> None:
    """Before operator set 13; ONNX's reference implementation knows the newer rule only."""
    assert kinds(import_model(model("y = Softmax (x)", "float[2,3,1,1] x", opset=11))) == ["softmax"]
    imported = import_model(model("y = Softmax (x)", opset=11))
    assert kinds(imported) == ["reshape", "softmax", "reshape"]
    (result,) = interpret(imported, {"x": normal(1, 3, 8, 8)})
    powers = np.exp(normal(1, 3, 8, 8).astype(np.float64))
    np.testing.assert_allclose(result, powers / powers.sum(), rtol=1e-6)


def test_a_branch_with_a_known_condition() -> None:
    parsed = model(
        "y = If (c) <then_branch = g () => (float[n] a) { a = Relu (x) }, "
        "else_branch = h () => (float[n] b) { b = Tanh (x) }>", c=np.array(False),
    )  # fmt: skip
    assert kinds(agrees(parsed)) == ["tanh"]


def test_double_weights_become_f32_and_it_is_said() -> None:
    parsed = model("y = Relu (x)")
    parsed.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(2), "w"))
    with pytest.warns(UserWarning, match="1 weight of type double became f32"):
        convc.from_onnx(parsed.SerializeToString())


def test_from_onnx_compiles(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path))
    parsed = model("c = Conv (x, w) r = Relu (c) y = GlobalAveragePool (r)", w=normal(8, 3, 3, 3))
    network = convc.from_onnx(parsed.SerializeToString())
    x = normal(1, 3, 8, 8)
    (wanted,) = onnx.reference.ReferenceEvaluator(parsed).run(None, {"x": x})
    np.testing.assert_allclose(convc.compile(network, threads=1)(x), wanted, rtol=1e-4, atol=1e-5)


def test_dropout_does_nothing_at_inference() -> None:
    imported = import_model(model("a, mask = Dropout (x) y = Relu (a)", opset=9))
    assert kinds(imported) == ["relu"]
    with_mask = import_model(model("y, mask = Dropout (x)", outputs="float[n] y, bool[m] mask"))
    assert with_mask.outputs[1].array is not None and with_mask.outputs[1].array.all()


@pytest.mark.parametrize(("equation", "shapes"), [
    ("bchw,dc->bdhw", ((2, 3, 4, 5), (6, 3))), ("bhid,bhjd->bhij", ((2, 2, 3, 4), (2, 2, 5, 4))),
    ("...ij,...jk->...ik", ((2, 3, 4, 5), (2, 3, 5, 2))), ("bij->ji", ((2, 3, 4),)), ("ij,kj", ((3, 4), (5, 4))),
    ("abc,cd->ab", ((2, 3, 4), (4, 5))), ("i,j->ij", ((3,), (4,))), ("ij,ij->", ((3, 4), (3, 4))),
])  # fmt: skip
def test_einstein_sums(equation: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    named = ", ".join(f"float{list(shape)} {name}" for name, shape in zip("xz", shapes, strict=False))
    operands = "x, z" if len(shapes) > 1 else "x"
    imported = agrees(model(f'y = Einsum <equation = "{equation}"> ({operands})', named))
    assert kinds(imported).count("matmul") == len(shapes) - 1


@pytest.mark.parametrize("attributes", ["", "<reverse = 1>", "<exclusive = 1>", "<exclusive = 1, reverse = 1>"])
@pytest.mark.parametrize("axis", [1, -1])
def test_cumulative_sums(attributes: str, axis: int) -> None:
    agrees(model(f"y = CumSum {attributes} (x, axis)", "float[2,3,4] x", axis=np.array(axis)))


def test_a_constant_per_channel_is_the_bias() -> None:
    """Behind every kind of layer and on either side, but not where the sum before it is read as well."""
    body = """
        a = Conv <kernel_shape = [1, 1]> (x, w)
        b = Add (p, a)
        c = ConvTranspose (b, t)
        d = Add (c, q)
        e = Conv (d, w4)
        f = Add (e, r)
        g = Add (e, f)
        h = MatMul (g, m)
        y = Add (h, s)
    """
    weights = {
        "w": normal(4, 3, 1, 1), "p": normal(1, 4, 1, 1), "t": normal(4, 4, 2, 2), "q": normal(4, 1, 1, seed=1),
        "w4": normal(4, 4, 1, 1), "r": normal(1, 4, 1, 1, seed=2), "m": normal(9, 5), "s": normal(5, seed=3),
    }  # fmt: skip
    imported = agrees(model(body, **weights))
    assert kinds(imported) == ["conv", "conv_transpose", "conv", "add", "add", "linear"]
    assert [node.op.bias for node in imported.graph.nodes if hasattr(node.op, "bias")] == [True, True, False, True]
    assert set(imported.arrays) == {"w", "a.bias", "t", "c.bias", "w4", "r", "m", "h.bias"}
    assert list(violations(imported.graph)) == []


def test_what_is_no_bias_stays_a_sum() -> None:
    """A constant over the map, over the batch, or behind a layer that has a bias."""
    body = "a = Conv (x, w) b = Add (a, p) c = Conv (b, v, s) y = Add (c, q)"
    weights = {
        "w": normal(4, 3, 1, 1), "p": normal(4, 8, 8), "v": normal(4, 4, 1, 1), "s": normal(4), "q": normal(4, 1, 1)
    }  # fmt: skip
    assert kinds(agrees(model(body, **weights))) == ["conv", "add", "conv", "add"]


def test_a_convolution_of_constants_is_a_constant() -> None:
    """As where positions are encoded by waves and projected (EdgeNeXt)."""
    known = {"c": normal(1, 4, 8, 8), "w": normal(3, 4, 3, 3), "b": normal(3)}
    assert kinds(agrees(model("p = Conv <pads = [1, 1, 1, 1]> (c, w, b) y = Add (x, p)", **known))) == ["add"]
