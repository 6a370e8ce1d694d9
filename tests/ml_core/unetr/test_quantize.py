"""Quantisation of a graph with the parts of a UNETR: a stem, a dense layer, a decoder, logits."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml_core.unetr.quantize import quantizable, quantize, split_transposed_convolutions

SIDE, CLASSES = 16, 5


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """stem -> tokens -> dense -> doubled, beside the stem -> decoder with a residual -> logits; random weights."""
    rng = np.random.default_rng(0)
    constants: dict[str, NDArray[Any]] = {
        "scale": np.array(1 / 127.5, np.float32),
        "stem_w": rng.normal(0, 0.3, (8, 3, 3, 3)),
        "tokens": np.array([-1, 8], np.int64),
        "dense_w": rng.normal(0, 0.4, (8, 12)),
        "dense_b": rng.normal(0, 0.1, 12),
        "grid": np.array([-1, SIDE // 2, SIDE // 2, 48], np.int64),
        "up_w": rng.normal(0, 0.1, (48, 12, 2, 2)),
        "up_b": rng.normal(0, 0.1, 12),
        "decoder_w": rng.normal(0, 0.1, (16, 20, 3, 3)),
        "decoder_b": rng.normal(0, 0.1, 16),
        "residual_w": rng.normal(0, 0.1, (16, 16, 3, 3)),
        "logits_w": rng.normal(0, 0.4, (CLASSES, 16, 1, 1)),
    }
    conv = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["pixels"]),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "stem_w"], ["stem"], name="stem", **conv),
        helper.make_node("Transpose", ["stem"], ["stem_last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["stem_last", "tokens"], ["rows"]),
        helper.make_node("MatMul", ["rows", "dense_w"], ["product"], name="dense"),
        helper.make_node("Add", ["product", "dense_b"], ["dense_out"]),
        helper.make_node("Reshape", ["dense_out", "grid"], ["square"]),
        helper.make_node("Transpose", ["square"], ["small"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "ConvTranspose",
            ["small", "up_w", "up_b"],
            ["up_out"],
            name="up",
            kernel_shape=[2, 2],
            strides=[2, 2],
        ),
        helper.make_node("Concat", ["up_out", "stem"], ["decoder_in"], name="beside", axis=1),
        helper.make_node("Conv", ["decoder_in", "decoder_w", "decoder_b"], ["sum"], name="decoder", **conv),
        helper.make_node("Relu", ["sum"], ["decoder_out"]),
        helper.make_node("Conv", ["decoder_out", "residual_w"], ["further"], name="residual", **conv),
        helper.make_node("Add", ["decoder_out", "further"], ["with_residual"], name="sum"),
        helper.make_node("Conv", ["with_residual", "logits_w"], ["last"], name="logits", kernel_shape=[1, 1]),
        helper.make_node("Transpose", ["last"], ["logits"], perm=[0, 2, 3, 1]),
        helper.make_node("ArgMax", ["logits"], ["best"], axis=3, keepdims=0),
        helper.make_node("Cast", ["best"], ["labels"], to=TensorProto.UINT8),
    ]
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("labels", TensorProto.UINT8, ["N", SIDE, SIDE]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", SIDE, SIDE, CLASSES]),
        ],
        [
            numpy_helper.from_array(value if value.dtype == np.int64 else np.asarray(value, np.float32), name)
            for name, value in constants.items()
        ],
    )
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def photos() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def quantized(graph: Path, photos: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    quantize(graph, path, photos[:6])
    return path


def test_the_contract_of_a_bundle_is_kept(graph: Path, quantized: Path) -> None:
    def contract(path: Path) -> list[tuple[str, str, list[int]]]:
        session = ort.InferenceSession(str(path))
        nodes = [*session.get_inputs(), *session.get_outputs()]
        return [(node.name, node.type, node.shape[1:]) for node in nodes]

    assert contract(quantized) == contract(graph)


def test_photos_it_was_not_calibrated_on_get_nearly_the_same_answer(
    graph: Path, quantized: Path, photos: NDArray[np.uint8]
) -> None:
    wanted, found = (
        ort.InferenceSession(str(path)).run(["labels", "logits"], {"image": photos[6:]})
        for path in (graph, quantized)
    )
    assert (wanted[0] == found[0]).mean() > 0.9  # the answers to noise are close calls
    spread = wanted[1].std()
    assert 0 < np.abs(wanted[1] - found[1]).mean() < 0.05 * spread


def test_the_stem_and_the_logits_stay_in_float(quantized: Path) -> None:
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load(quantized).graph.initializer}
    assert {"stem_w", "logits_w"} <= set(kinds)
    assert {kinds[f"{name}_quantized"] for name in ("dense_w", "up/weight", "decoder_w")} == {
        TensorProto.INT8
    }


def test_each_output_channel_has_a_scale_of_its_own(quantized: Path) -> None:
    constants = {tensor.name: tensor for tensor in onnx.load(quantized).graph.initializer}
    for name, channels in (("dense_w", 12), ("decoder_w", 16)):
        scales = numpy_helper.to_array(constants[f"{name}_scale"])
        assert len(np.unique(scales)) == channels


def test_onnx_runtime_computes_it_with_integers(quantized: Path, tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3  # it warns that the file is for this machine alone
    ort.InferenceSession(str(quantized), options, providers=["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert (kinds["QGemm"], kinds["QLinearConv"]) == (1, 3)  # up, decoder, residual
    assert (kinds["QLinearConcat"], kinds["QLinearAdd"]) == (1, 1)
    assert not kinds["MatMul"] and not kinds["ConvTranspose"]
    assert kinds["Conv"] == 2  # the stem and the logits


@pytest.mark.parametrize("factor", [2, 4])
def test_a_transposed_convolution_in_parts_says_the_same(factor: int) -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(0, 1, (6, 5, factor, factor)).astype(np.float32)
    bias = rng.normal(0, 1, 5).astype(np.float32)
    small, large = ["N", 6, "h", "w"], ["N", 5, "H", "W"]
    square = [factor, factor]
    made = helper.make_graph(
        [
            helper.make_node(
                "ConvTranspose", ["x", "w", "b"], ["up"], name="up", kernel_shape=square, strides=square
            ),
            helper.make_node("Identity", ["up"], ["y"]),
        ],
        "up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, small)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, large)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    inputs = [rng.normal(0, 1, (2, 6, *size)).astype(np.float32) for size in ((3, 4), (5, 2))]
    session = ort.InferenceSession(model.SerializeToString())
    wanted = [session.run(None, {"x": x})[0] for x in inputs]
    moves = split_transposed_convolutions(model)
    onnx.checker.check_model(model, full_check=True)
    kinds = Counter(node.op_type for node in model.graph.node)
    sizes = {"Shape": 1, "Mul": 1, "Concat": 1}
    assert kinds == {"Conv": 1, "Transpose": 3, "Reshape": 2, "Identity": 1, **sizes}
    assert moves == {node.name for node in model.graph.node if node.op_type in ("Transpose", "Reshape")}
    session = ort.InferenceSession(model.SerializeToString())
    for x, expected in zip(inputs, wanted, strict=True):
        np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, rtol=1e-4, atol=1e-5)


def test_a_network_of_convolutions_alone_has_nothing_to_quantise(graph: Path) -> None:
    model = onnx.load(graph)
    del model.graph.node[4:]
    assert quantizable(model.graph) == set()
