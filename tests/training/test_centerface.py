"""CenterFace's new form, on a miniature of the package's graph: the package itself cannot be installed beside ours."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.centerface import HEADS, TARGET, UNIT, calibration, convert, quantize
from training.photos import pairs

CHANNELS = 8
SIZES = dict(zip(HEADS, (1, 2, 2, 10), strict=True))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A strided convolution, a transposed one with batch normalisation, and the four heads."""
    rng = np.random.default_rng(3)
    weights: dict[str, NDArray[np.floating[Any]]] = {
        "stem.weight": rng.normal(0, 0.02, (CHANNELS, 3, 3, 3)),
        "up.weight": rng.normal(0, 0.3, (CHANNELS, CHANNELS, 2, 2)),
        "norm.scale": rng.uniform(0.5, 1.5, CHANNELS),
        "norm.bias": rng.normal(0, 0.2, CHANNELS),
        "norm.mean": rng.normal(0, 0.2, CHANNELS),
        "norm.variance": rng.uniform(0.5, 1.5, CHANNELS),
    }
    norm = [f"norm.{part}" for part in ("scale", "bias", "mean", "variance")]
    nodes = [
        helper.make_node("Conv", ["input.1", "stem.weight"], ["stem"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["stem"], ["stem.relu"]),
        helper.make_node("ConvTranspose", ["stem.relu", "up.weight"], ["up"], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["up", *norm], ["normed"], epsilon=1e-3),
        helper.make_node("Relu", ["normed"], ["features"]),
    ]
    for name, size in SIZES.items():
        weights[f"{name}.weight"] = rng.normal(0, 0.3, (size, CHANNELS, 1, 1))
        weights[f"{name}.bias"] = rng.normal(0, 0.3, size)
        nodes.append(helper.make_node("Conv", ["features", f"{name}.weight", f"{name}.bias"], [name]))
    nodes.append(helper.make_node("Sigmoid", [HEADS[0]], ["score"]))
    image = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, UNIT, UNIT])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("score", *HEADS[1:])]
    tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "package", [image], outputs, tensors)
    path = tmp_path_factory.mktemp("package") / "centerface.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def answer(model: onnx.ModelProto, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`found` of one picture, (15, rows, columns)."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["found"], {"image": image[None]})
    return np.asarray(found[0], np.float32)


def test_the_new_form_answers_as_the_package_does(package: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (UNIT, UNIT, 3), np.uint8)
    session = ort.InferenceSession(package, providers=["CPUExecutionProvider"])
    pixels = image.transpose(2, 0, 1)[None].astype(np.float32)
    score, *rest = session.run(["score", *HEADS[1:]], {"input.1": pixels})
    found = answer(convert(package), image)
    assert 1 / (1 + np.exp(-found[:1])) == pytest.approx(score[0], abs=1e-5)
    assert found[1:] == pytest.approx(np.concatenate(rest, axis=1)[0], abs=1e-4)


def test_int8_takes_the_pixels_as_they_are_and_stays_near(package: Path) -> None:
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 256, (UNIT, UNIT, 3), np.uint8) for _ in range(4)]
    model = convert(package)
    exact = answer(model, pictures[0])
    small = quantize(model, iter(pictures))
    assert not any(node.op_type == "Cast" for node in small.graph.node)
    assert np.abs(answer(small, pictures[0]) - exact).mean() < 0.05 * exact.std()
    for each in (small, onnx.load(TARGET)):
        weights = [numpy_helper.to_array(tensor) for tensor in each.graph.initializer]
        assert max(np.abs(values.astype(int)).max() for values in weights if values.dtype == np.int8) == 64


def test_calibration_shows_the_same_pictures_each_time(drawn: Path) -> None:
    files = pairs(drawn / "train")

    def shown() -> list[NDArray[np.uint8]]:
        pictures = calibration(files, [photo for photo, _ in files])
        return [next(pictures) for _ in range(6)]

    first, second = shown(), shown()
    assert all(side % UNIT == 0 for picture in first for side in picture.shape[:2])
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
