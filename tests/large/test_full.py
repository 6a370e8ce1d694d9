"""`full` goes from Keras to a served bundle, in float32 and in int8, within 4 GiB of memory a step."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml_core.segmenter import Segmenter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
LIMIT = 4096


def peak(step: str, folder: Path) -> int:
    """MiB that a step took at its peak, in a process of its own."""
    command = [sys.executable, "-m", "tests.large.full", step, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.split()[-1])


def test_full_is_exported_quantised_and_served_within_4_gib(tmp_path: Path) -> None:
    assert {
        step: mib for step in ("export", "quantize", "golden") if (mib := peak(step, tmp_path)) > LIMIT
    } == {}
    photo = np.random.default_rng(2).integers(0, 256, (300, 200, 3)).astype(np.uint8)
    answers = []
    for name in ("full", "full-int8"):
        segmenter = Segmenter.load(tmp_path / name)
        assert segmenter.golden_agreement() == 1.0
        assert [path.name for path in (tmp_path / name).glob("model.onnx*")] == ["model.onnx"]
        answers.append(segmenter.predict(photo, faces="whole").labels)
    assert answers[0].shape == (300, 200)
    assert (answers[0] == answers[1]).mean() > 0.8
