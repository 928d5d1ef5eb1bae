"""The ONNX project's own tests on convc: some by default, all of them in the sweep (and in `make conformance`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from importers.models import model, normal

import convc
from conformance import suite
from convc.onnx_backend import ConvcBackend, Unsupported

#: Files of the suite whose data is made quickly, and what of them and of the recorded models is run by default.
MODULES = (
    "conv", "batch_normalization", "softmax", "clip", "transpose", "concat", "gemm", "where", "equal", "relu",
    "hardswish",
)  # fmt: skip
QUICK = [
    "test_gemm_all_attributes", "test_gemm_transposeB", "test_LogSoftmax", "test_operator_addmm", "test_operator_mm",
    "test_operator_reduced_mean",
    "test_basic_conv_with_padding", "test_conv_with_strides_and_asymmetric_padding", "test_batchnorm_epsilon",
    "test_softmax_axis_1", "test_softmax_large_number", "test_clip", "test_clip_default_inbounds",
    "test_clip_example", "test_clip_splitbounds", "test_transpose_all_permutations_3", "test_transpose_default",
    "test_concat_3d_axis_1", "test_concat_1d_axis_negative_1",
    "test_where_example", "test_equal", "test_relu", "test_hardswish", "test_hardswish_expanded",
    "test_AvgPool2d", "test_AvgPool2d_stride", "test_BatchNorm2d_eval", "test_ConstantPad2d", "test_Conv2d",
    "test_Conv2d_depthwise", "test_Conv2d_dilated", "test_Conv2d_groups", "test_Conv2d_no_bias",
    "test_Conv2d_padding", "test_Conv2d_strided", "test_ELU", "test_Embedding", "test_GLU", "test_LeakyReLU",
    "test_Linear", "test_Linear_no_bias", "test_MaxPool2d", "test_PReLU_1d_multiparam",
    "test_PixelShuffle", "test_ReLU", "test_SELU", "test_Sigmoid", "test_Softmax", "test_Softsign", "test_Tanh",
    "test_ZeroPad2d", "test_operator_basic",
    "test_operator_chunk", "test_operator_clip", "test_operator_concat2", "test_operator_conv",
    "test_operator_flatten", "test_operator_maxpool", "test_operator_params",
    "test_operator_permute2", "test_operator_view", "test_single_relu_model",
]  # fmt: skip


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CONVC_CACHE", str(tmp_path_factory.getbasetemp() / "conformance-cache"))
    monkeypatch.setenv("CONVC_CFLAGS", "-Werror -O1")  # small networks: the compiler's time is all there is
    monkeypatch.setenv("ONNX_MODELS", str(tmp_path_factory.getbasetemp() / "onnx-models"))
    yield


@pytest.mark.parametrize("name", QUICK)
def test_quick(name: str) -> None:
    verdict = suite.run(name, MODULES)
    assert verdict.status == "passed", verdict.reason


@pytest.mark.sweep
def test_all() -> None:
    verdicts = [suite.run(name) for name in suite.cases()]
    failed = [f"{verdict.case}: {verdict.reason}" for verdict in verdicts if verdict.status == "failed"]
    assert not failed, "\n".join(failed)


# The interface


def test_run_model_and_prepare() -> None:
    proto = model("y = Mul (x, w)", "float[2,3] x", w=normal(2, 3))
    x = normal(2, 3, seed=1)
    (y,) = ConvcBackend.run_model(proto, [x])
    wanted = x * normal(2, 3)
    np.testing.assert_array_equal(y, wanted)
    prepared = ConvcBackend.prepare(proto, "CPU", threads=1)
    for inputs in (x, [x], {"x": x}):
        np.testing.assert_array_equal(prepared.run(inputs)[0], wanted)
    assert prepared.run(x)["y"].dtype == np.float32


def test_run_node_converts_at_the_boundary() -> None:
    node = onnx.helper.make_node("Greater", ["a", "b"], ["y"])
    a, b = np.array([1, 5, 3], np.int64), np.array([2, 2, 3], np.int64)
    (y,) = ConvcBackend.run_node(node, [a, b])
    assert y.dtype == np.bool_
    assert y.tolist() == [False, True, False]
    with pytest.raises(Unsupported, match="f32 does not hold exactly"):
        ConvcBackend.run_node(node, [a << 40, b])


def test_a_shape_that_comes_with_the_call() -> None:
    node = onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])
    x = normal(2, 6)
    for shape in ([3, 4], [12], [-1, 2]):
        (y,) = ConvcBackend.run_node(node, [x, np.array(shape, np.int64)])
        np.testing.assert_array_equal(y, x.reshape(shape))


def test_devices_and_what_is_unsupported(tmp_path: Path) -> None:
    assert ConvcBackend.supports_device("CPU")
    assert not ConvcBackend.supports_device("CUDA:1")
    with pytest.raises(convc.ConvcError, match="CUDA"):
        ConvcBackend.prepare(model("y = Relu (x)"), "CUDA")
    with pytest.raises(Unsupported, match="NonZero"):
        ConvcBackend.run_node(onnx.helper.make_node("NonZero", ["x"], ["y"]), [normal(3)])
    with pytest.raises(convc.ConvcError, match="takes 1 inputs, not 2"):
        ConvcBackend.run_model(model("y = Relu (x)"), [normal(1, 3, 8, 8)] * 2)
