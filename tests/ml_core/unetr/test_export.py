"""Export: one operator for each normalisation and GELU, and a parity check that can fail."""

from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from ml_core.openvino_session import SETTINGS, OpenVinoSession
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.export import ParityError, check_parity, export_onnx
from ml_core.unetr.free_size import free_size
from ml_core.unetr.graphs import save_graph
from ml_core.unetr.model import build_unetr
from ml_core.unetr.simplify import simplify
from tests.training.conftest import TINY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A network none of whose scales, shifts and biases is the 1 or 0 that an export could drop unseen."""
    model = build_unetr(UnetrConfig(num_classes=5, image_size=32, **{**TINY, "patch_size": 16}))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "beta", "bias", "moving_mean", "moving_variance")):
            weight.assign(weight + rng.uniform(0, 0.2, weight.shape))
    return model


@pytest.fixture(scope="module")
def exported(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(model, path, kept_out=300)
    return path


@pytest.fixture
def photos() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)


def test_the_graph_keeps_the_contract_of_a_bundle(exported: Path, photos: NDArray[np.uint8]) -> None:
    session = ort.InferenceSession(str(exported))
    assert [(node.name, node.type) for node in session.get_inputs()] == [("image", "tensor(uint8)")]
    assert [node.name for node in session.get_outputs()] == ["labels", "logits"]
    labels, logits = session.run(None, {"image": photos})
    assert (labels.shape, labels.dtype) == ((3, 32, 32), np.uint8)
    assert (logits.shape, logits.dtype) == ((3, 16, 16, 5), np.float32)


def test_onnx_runtime_answers_what_keras_answers(
    model: keras.Model, exported: Path, photos: NDArray[np.uint8]
) -> None:
    parity = check_parity(model, exported, photos, tolerance=1e-4)
    assert parity.photos == 3
    assert parity.max_logit_difference <= 1e-4


def test_keras_computes_in_full_float32_while_it_is_compared(
    model: keras.Model, exported: Path, photos: NDArray[np.uint8]
) -> None:
    """TF32, on by default on GPUs, would be further off than the tolerance."""
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled
    asked = []

    class Asked(keras.Model):  # type: ignore[misc]
        def predict(self, *given: Any, **more: Any) -> Any:
            asked.append(tf32())
            return super().predict(*given, **more)

    assert tf32()
    check_parity(Asked(model.inputs, model.outputs), exported, photos, tolerance=1e-4)
    assert asked == [False]
    assert tf32()


@pytest.mark.parametrize("size", [48, 80])
def test_one_graph_answers_at_other_sizes_what_a_model_built_for_them_answers(
    model: keras.Model, exported: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETTINGS, "INFERENCE_PRECISION_HINT", "f32")
    config = UnetrConfig(num_classes=5, image_size=32, **{**TINY, "patch_size": 16})
    other = build_unetr(config, input_size=size)
    other.set_weights(model.get_weights())
    photos = np.random.default_rng(2).integers(0, 256, (2, size, size, 3)).astype(np.uint8)
    expected = other.predict_on_batch(photos.astype(np.float32))
    labels, logits = ort.InferenceSession(str(exported)).run(None, {"image": photos})
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert labels.shape == (2, size, size)
    session = OpenVinoSession(exported, threads=1)
    assert session.run(["labels"], {"image": photos[:, :32]})[0].shape == (2, 32, size)
    np.testing.assert_allclose(session.run(["logits"], {"image": photos})[0], expected, atol=1e-4)


def test_a_graph_without_positions_keeps_its_size(exported: Path) -> None:
    graph = onnx.load(exported)
    del graph.graph.node[:]
    before = graph.SerializeToString()
    assert not free_size(graph)
    assert graph.SerializeToString() == before


def test_a_graph_that_answers_otherwise_is_refused(
    model: keras.Model, exported: Path, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    graph = onnx.load(exported)
    weight = next(tensor for tensor in graph.graph.initializer if len(tensor.dims) == 4)
    values = onnx.numpy_helper.to_array(weight) * 1.05
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(graph, tmp_path / "other.onnx")
    with pytest.raises(ParityError, match="differ"):
        check_parity(model, tmp_path / "other.onnx", photos, tolerance=1e-4)


def test_it_is_the_same_graph_whether_weights_are_kept_out_of_the_conversion(
    model: keras.Model, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    answers, kinds = [], []
    for kept_out in (100, 2**30):
        path = tmp_path / f"{kept_out}.onnx"
        export_onnx(model, path, kept_out=kept_out)
        kinds.append(Counter((node.op_type, len(node.input)) for node in onnx.load(path).graph.node))
        answers.append(ort.InferenceSession(str(path)).run(["logits"], {"image": photos})[0])
    assert kinds[0] == kinds[1]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)


def test_weights_that_one_file_cannot_hold_lie_beside_it(
    exported: Path, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    for _ in range(2):  # the second time over what lies there
        save_graph(onnx.load(exported), path, one_file=20_000)
    beside = tmp_path / "model.onnx.data"
    assert path.stat().st_size < 60_000
    assert 0 < beside.stat().st_size < exported.stat().st_size
    answers = [ort.InferenceSession(str(file)).run(None, {"image": photos})[1] for file in (path, exported)]
    np.testing.assert_array_equal(answers[0], answers[1])
    save_graph(onnx.load(exported), path)
    assert not beside.exists()


def test_normalisations_are_one_operator_each_and_gelus_fuse(exported: Path, tmp_path: Path) -> None:
    kinds = Counter(node.op_type for node in onnx.load(exported).graph.node)
    assert kinds["LayerNormalization"] == 2 * TINY["num_layers"] + 1
    assert not kinds["ReduceMean"]
    assert kinds["Gemm"] == 4 * TINY["num_layers"]
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    ort.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
    optimised = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert optimised["Gelu"] == TINY["num_layers"]
    assert not optimised["Erf"]


def test_a_graph_without_these_patterns_stays_as_it_is(exported: Path) -> None:
    graph = onnx.load(exported)
    simplify(graph)
    once = graph.SerializeToString()
    assert simplify(graph) == (0, 0, 0)
    assert graph.SerializeToString() == once
