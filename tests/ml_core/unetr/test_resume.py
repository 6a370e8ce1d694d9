"""A run that was killed or stopped at any step and resumed is the run that never was."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.ml_core.unetr.resumed import STEPS


def resumed(mode: str, step: int, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.ml_core.unetr.resumed import main; main()",
            mode,
            str(step),
            str(folder),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_resumed_run_is_the_unbroken_one(tmp_path: Path) -> None:
    """In float32 with deterministic operators, over a change of the input size."""
    step = random.randint(1, STEPS - 1)
    died = resumed("kill", step, tmp_path)
    assert died.returncode == -signal.SIGKILL, died.stderr
    done = resumed("compare", step, tmp_path)
    assert done.returncode == 0, done.stderr
    curves = json.loads(done.stdout)
    unbroken = curves["unbroken"]
    assert len(unbroken["losses"]) == STEPS
    assert set(curves["stopped"]["losses"]) == set(unbroken["losses"])  # no step twice, none left out
    for name in ("killed", "stopped"):
        for curve in ("losses", "scores"):
            found, expected = curves[name][curve], unbroken[curve]
            for key in found:
                np.testing.assert_allclose(
                    found[key],
                    expected[key],
                    rtol=0,
                    atol=1e-5,
                    err_msg=f"{name} in step {step}, {curve}: {key}",
                )
    assert list(curves["killed"]["losses"]) == list(unbroken["losses"])[step - 1 :]
    with np.load(tmp_path / "unbroken" / "best.npz") as best:
        for name in ("killed", "stopped"):
            with np.load(tmp_path / name / "best.npz") as found:
                assert set(found) == set(best)
                for weight in best:
                    np.testing.assert_allclose(found[weight], best[weight], atol=1e-5, err_msg=weight)
