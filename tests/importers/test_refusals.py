"""Models that cannot be: each says which node, why, and what to write instead; never a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import convc
from convc.importers.onnx import UnsupportedModel, import_model
from importers.models import agrees, kinds, model, normal


def told(proto: object, **options: object) -> str:
    with pytest.raises(convc.ConvcError) as caught:
        import_model(proto, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_every_unsupported_node_is_listed() -> None:
    body = """
        a = Relu (x)
        i = ArgMax (a)
        q, s, z = DynamicQuantizeLinear (a)
        y = com.acme.Magic (a)
    """
    parsed = model(body)
    parsed.opset_import.append(onnx.helper.make_opsetid("com.acme", 1))
    with pytest.raises(UnsupportedModel) as caught:
        import_model(parsed)
    assert [(item.node, item.op) for item in caught.value.refusals] == [
        ("i", "ArgMax"), ("q", "DynamicQuantizeLinear"), ("y", "Magic"),
    ]  # fmt: skip
    text = str(caught.value)
    assert "3 nodes cannot be imported" in text
    assert "numpy.argmax" in text
    assert "quantised networks are not compiled yet" in text
    assert "belongs to `com.acme`" in text


def test_weights_alone_may_be_quantised() -> None:
    """They are numbers of the model, and become f32; what quantises while the network runs is refused, node by node."""
    scales = {"s": np.float32(0.25), "z": np.int8(3)}
    weights = {"w": np.arange(-54, 54, dtype=np.int8).reshape(4, 3, 3, 3), **scales}
    imported = agrees(model("v = DequantizeLinear (w, s, z) y = Conv (x, v)", opset=19, **weights))
    assert kinds(imported) == ["conv"]
    import_model(model("v = DequantizeLinear (w, s, z) y = Conv (x, v)", opset=13, **weights))
    text = told(model("q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)", opset=13, **scales))
    assert "2 nodes cannot be imported" in text
    assert text.count("quantised networks are not compiled yet; give the float model") == 2


def test_an_unsupported_node_behind_another_is_listed_too() -> None:
    text = told(model("a = NonZero (x) b = Cast <to = 1> (a) y = GridSample (b, b)"))
    assert "NonZero" in text
    assert "GridSample" in text
    assert "Cast" not in text


def test_an_open_shape() -> None:
    proto = model("y = Relu (x)", "float[n,3,h,w] x")
    text = told(proto)
    assert "leaves extents of [n, 3, h, w] open for its input `x`" in text
    assert 'shapes={"x": (1, 3, 224, 224)}, or --shape x=1,3,224,224' in text
    assert agrees(proto, shapes={"x": (2, 3, 4, 5)}).graph.inputs[0].type.shape == (2, 3, 4, 5)
    assert "input `x` is [n, 3, h, w], which [2, 4, 4, 5] does not fit" in told(proto, shapes={"x": (2, 4, 4, 5)})
    assert "has no input `z`; its inputs: `x`" in told(proto, shapes={"z": (1,)})


@pytest.mark.parametrize("equation", ["ii->i", "ijkl->i", "ij,jk,kl->il"])
def test_sums_that_are_not_taken(equation: str) -> None:
    operands = ", ".join("x" for _ in equation.split(","))
    assert "Einsum" in told(model(f'y = Einsum <equation = "{equation}"> ({operands})', "float[3,3] x"))


def test_one_extent_in_two_inputs() -> None:
    proto = model("y = Add (x, z)", "float[n] x, float[n] z")
    assert "`n` is 3 here and 2 in another input" in told(proto, shapes={"x": (2,), "z": (3,)})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = Conv (x, w)", "2 per group x 1 groups = 2, the input has 3"),
        ("y = Relu (z)", "not a valid ONNX model"),
        ("y = Relu (y)", "not a valid ONNX model"),
        ("a = Relu (x) a = Relu (a) y = Relu (a)", "not a valid ONNX model"),
        ("y = Softmax <axis = 7> (x)", "axis 7 does not exist"),
        ("y = Flatten <axis = 5> (x)", "axis 5 of 4 dimensions"),
        ("y = Conv <nonsense = 1> (x, w)", "nonsense"),
        ('y = Conv <strides = "two"> (x, w)', "not a valid ONNX model"),
        ("y = Loop (n, c, x) <body = b (int64 i, bool k, float[n] a) => (bool k2, float[n] e) "
         "{ k2 = Identity (k) e = Relu (a) }>", "Loop): unroll it before the export"),
    ],
)  # fmt: skip
def test_faults_of_a_node(body: str, message: str) -> None:
    assert message in told(model(body, w=normal(4, 2, 3, 3), n=np.int64(2), c=np.array(True)))


def test_what_would_be_too_large_is_not_made() -> None:
    shape = np.array([1 << 20, 1 << 20], np.int64)
    assert "at most 134217728 are folded" in told(model("y = ConstantOfShape (s)", s=shape))
    limit = {"a": np.int64(0), "b": np.int64(1 << 40), "c": np.int64(1)}
    assert "are folded" in told(model("y = Range (a, b, c)", **limit))
    wide = {"c": np.zeros((1, 1, 64, 64), np.float32), "w": np.zeros((40000, 1, 1, 1), np.float32)}
    assert "are folded" in told(model("y = Conv (c, w)", **wide))


def test_the_operator_set() -> None:
    assert kinds(agrees(model("y = Relu (x)", opset=6))) == ["relu"]  # brought to 7 by ONNX's converter
    assert "cannot bring it there" in told(model("y = Nonsense (x)", opset=5))
    assert "upgrade it" in told(model("y = Relu (x)", opset=999))


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello", b"\xff" * 64, b"{}" * 1000])
def test_bytes_that_are_no_model(data: bytes) -> None:
    assert "not an ONNX model" in told(data)


def test_no_such_file(tmp_path: Path) -> None:
    assert "cannot read the model" in told(tmp_path / "none.onnx")
    assert "cannot read the model" in told(tmp_path)


def test_weights_that_lie_about_themselves() -> None:
    proto = model("y = Mul (x, w)", w=normal(3, 1, 1))
    proto.graph.initializer[0].raw_data = b"\x00" * 5
    assert "tensor `w` of shape [3, 1, 1] cannot be read" in told(proto)
    proto.graph.initializer[0].dims[0] = -3
    assert "the shape [-3, 1, 1]" in told(proto)
    proto.graph.initializer.append(proto.graph.initializer[0])
    assert "two weights are called `w`" in told(proto)


def test_without_the_onnx_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "pip install 'convc[onnx]'" in told(b"")


# External data


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A model in tmp/model whose weight `w` lies in tmp/model/data.bin; tmp/secret.bin lies outside."""
    folder = tmp_path / "model"
    folder.mkdir()
    proto = model("y = Mul (x, w)", w=np.arange(3, dtype=np.float32).reshape(3, 1, 1))
    (folder / "data.bin").write_bytes(b"HEAD" + proto.graph.initializer[0].raw_data)
    (tmp_path / "secret.bin").write_bytes(b"\0" * 64)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "data.bin"), ("offset", "4"), ("length", "12")):
        tensor.external_data.add(key=key, value=value)
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    return folder / "m.onnx"


def changed(path: Path, key: str, value: str) -> Path:
    proto = onnx.load(path, load_external_data=False)
    for entry in proto.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_is_read(outside: Path) -> None:
    assert import_model(outside).arrays["w"].ravel().tolist() == [0, 1, 2]
    assert "a model given as bytes has no folder" in told(outside.read_bytes())


@pytest.mark.parametrize("location", [
    "../secret.bin", "/etc/passwd", "a/../../secret.bin", "..\\secret.bin", "", "C:secret.bin", "data.bin\0",
])  # fmt: skip
def test_external_data_stays_in_the_folder(outside: Path, location: str) -> None:
    assert "outside the model's folder" in told(changed(outside, "location", location))


def test_links_out_of_the_folder(outside: Path) -> None:
    (outside.parent / "link.bin").symlink_to(outside.parent.parent / "secret.bin")
    assert "which is a link" in told(changed(outside, "location", "link.bin"))
    (outside.parent / "door").symlink_to(outside.parent.parent)
    assert "which is a link" in told(changed(outside, "location", "door/secret.bin"))
    os.link(outside.parent.parent / "secret.bin", outside.parent / "hard.bin")
    assert "a hard link" in told(changed(outside, "location", "hard.bin"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("length", "16", "its data has 16 bytes, float32[3, 1, 1] takes 12"),
        ("offset", "8", "lies at 8 to 20 of data.bin, which has 16 bytes"),
        ("offset", "-4", "not a whole number"),
        ("offset", "9" * 18, "lies at"),
        ("offset", "9" * 60, "not a whole number"),
        ("location", "none.bin", "there is no such file"),
    ],
)
def test_external_data_fits(outside: Path, key: str, value: str, message: str) -> None:
    assert message in told(changed(outside, key, value))


# Damage


def test_damaged_models_never_end_in_a_traceback() -> None:
    body = """
        c = Conv <pads = [1, 1, 1, 1]> (x, w, b)
        s = Shape (c)
        r = Reshape (c, s)
        p = MaxPool <kernel_shape = [2, 2]> (r)
        y = Clip (p, low)
    """
    whole = model(body, w=normal(2, 3, 3, 3), b=normal(2), low=np.float32(0)).SerializeToString()
    random = np.random.default_rng(0)
    survived = 0
    for number in range(300):
        data = bytearray(whole[: random.integers(1, len(whole))] if number % 3 == 0 else whole)
        for place in random.integers(0, len(data), random.integers(1, 4)):
            data[place] = random.integers(256)
        try:
            import_model(bytes(data), shapes=None)
            survived += 1
        except convc.ConvcError:
            pass
    assert 0 < survived < 300
