"""Sessions: ONNX Runtime's and OpenVINO's answer the same, whoever asks and however many at once."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core import openvino_session, runtime
from ml_core.bundle import MODEL
from ml_core.cpu_time import elsewhere
from ml_core.images import colorize
from ml_core.runtime import OPENVINO, ProviderUnavailable, check_providers, open_session
from ml_core.segmenter import Segmenter
from tests.conftest import ROOT
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_palette_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def photos() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (6, 1, 32, 32, 3)).astype(np.uint8)


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO as it computes where the processor does not multiply in bfloat16."""
    monkeypatch.setitem(openvino_session.SETTINGS, "INFERENCE_PRECISION_HINT", "f32")


@pytest.mark.usefixtures("in_float32")
@pytest.mark.parametrize("names", [["logits"], ["labels"], ["logits", "labels"]])
def test_openvino_answers_what_onnx_runtime_answers(
    folder: Path, photos: NDArray[np.uint8], names: list[str]
) -> None:
    here = open_session(folder / MODEL)
    there = open_session(folder / MODEL, providers=[OPENVINO, "CPUExecutionProvider"], threads=1)
    batch = photos[:3, 0]
    wanted, found = here.run(names, {"image": batch}), there.run(names, {"image": batch})
    assert len(found) == len(names)
    for expected, answer in zip(wanted, found, strict=True):
        assert answer.dtype == expected.dtype
        np.testing.assert_allclose(answer, expected, atol=1e-3)


@pytest.mark.parametrize("provider", ["CPUExecutionProvider", OPENVINO])
def test_a_session_on_the_content_of_a_file(folder: Path, photos: NDArray[np.uint8], provider: str) -> None:
    of_file, of_content = (
        open_session(model, providers=[provider]) for model in (folder / MODEL, (folder / MODEL).read_bytes())
    )
    for photo in photos:
        wanted, found = (one.run(["logits"], {"image": photo})[0] for one in (of_file, of_content))
        np.testing.assert_array_equal(found, wanted)


def test_openvino_describes_a_graph_as_onnx_runtime_does(folder: Path) -> None:
    def described(provider: str) -> list[tuple[str, str, list[object]]]:
        session = open_session(folder / MODEL, providers=[provider])
        nodes = [*session.get_inputs(), *session.get_outputs()]
        return [(node.name, node.type, list(node.shape[1:])) for node in nodes]

    assert described(OPENVINO) == described("CPUExecutionProvider")


def test_many_threads_share_an_openvino_session(folder: Path, photos: NDArray[np.uint8]) -> None:
    session = open_session(folder / MODEL, providers=[OPENVINO], threads=1)
    wanted = [session.run(["logits"], {"image": photo})[0] for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(20):
            found = pool.map(lambda photo: session.run(["logits"], {"image": photo})[0], photos)
            for answer, expected in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(answer, expected)


FIRST = """
import os, sys, threading
from pathlib import Path
import numpy as np
from ml_core.openvino_session import OpenVinoSession

session = OpenVinoSession(Path(sys.argv[1]), threads=1)
together = threading.Barrier(8)
sys.setswitchinterval(1e-6)

def first():
    together.wait()
    session.run(["labels"], {"image": np.zeros((1, 32, 32, 3), np.uint8)})

threads = [threading.Thread(target=first, daemon=True) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
os._exit(any(thread.is_alive() for thread in threads))
"""


def test_the_first_inferences_of_openvino_may_come_at_once(folder: Path) -> None:
    """A lock of its bindings and Python's: without care every second process hangs here."""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", FIRST, str(folder / MODEL)], cwd=ROOT, check=True, timeout=60)


def test_an_answer_of_openvino_is_not_overwritten_by_the_next(
    folder: Path, photos: NDArray[np.uint8]
) -> None:
    session = open_session(folder / MODEL, providers=[OPENVINO])
    (first,) = session.run(["logits"], {"image": photos[0]})
    kept = first.copy()
    session.run(["logits"], {"image": photos[1]})
    np.testing.assert_array_equal(first, kept)


@pytest.mark.usefixtures("in_float32")
def test_a_bundle_is_served_by_openvino(folder: Path) -> None:
    here, there = (Segmenter.load(folder, providers=[name]) for name in ("CPUExecutionProvider", OPENVINO))
    assert there.golden_agreement() == 1.0
    face = colorize(draw_face(48), LAPA)
    wanted, found = (segmenter.predict(face, faces="whole").labels for segmenter in (here, there))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", ["lite", "lite-int8"])
def test_a_graph_is_fixed_to_one_photo_of_a_size(name: str) -> None:
    model = ROOT / "ml_core" / "bundles" / name / MODEL
    (free,) = open_session(model).get_inputs()
    (fixed,) = open_session(model, size=(176, 176)).get_inputs()
    assert list(free.shape) == ["batch", "height", "width", 3]
    assert list(fixed.shape) == [1, 176, 176, 3]


@pytest.mark.parametrize("name", ["lite", "lite-int8"])
def test_the_shipped_weights_pass_their_own_check_in_the_precision_that_openvino_chooses_here(
    name: str,
) -> None:
    shipped = Path(runtime.__file__).parent / "bundles" / name
    assert Segmenter.load(shipped, providers=[OPENVINO]).golden_agreement() >= 0.99


def test_a_provider_that_is_not_there_is_named_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    check_providers([OPENVINO, "CPUExecutionProvider"])
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    with pytest.raises(ProviderUnavailable, match=r"^no OpenVINO\w* here; available: .*CPUExecutionProvider"):
        check_providers([OPENVINO, "CPUExecutionProvider"])


def test_sessions_share_their_memory() -> None:
    script = """
from pathlib import Path
import numpy as np
from ml_core.faces.protocol import NETWORKS
from ml_core.runtime import open_session

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[0]) * 4 // 1024

sessions = [open_session(NETWORKS / "centerface.onnx", threads=1) for _ in range(2)]
for session in sessions:
    before = megabytes()
    session.run(["found"], {"image": np.zeros((1, 800, 800, 3), np.uint8)})
    print(megabytes() - before)
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second = map(int, answer.stdout.split())
    assert first > 50
    assert second < first / 10


def test_the_time_of_all_threads_counts_for_the_one_that_asks(
    folder: Path, photos: NDArray[np.uint8]
) -> None:
    for threads in (1, 2, 0):
        session = open_session(folder / MODEL, threads=threads)
        before = elsewhere.seconds, time.thread_time()
        for photo in photos:
            session.run(["logits"], {"image": photo})
        others, own = elsewhere.seconds - before[0], time.thread_time() - before[1]
        expected = (threads or os.cpu_count() or 1) - 1
        assert expected * own * 0.5 <= others <= expected * own
