"""The same figures from any backend of Keras, and from any number of devices and processes that share a batch.

`make test-backends` runs these, in an environment with JAX; without JAX they are skipped.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
Curves = dict[str, Any]


def need(backend: str) -> None:
    """Skip where a backend is not installed."""
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: `make test-backends` has an environment with JAX")


def start(epochs: int, folder: Path, **environment: str) -> "subprocess.Popen[str]":
    """Begin a run in float32 of at most two epochs; the second grows the input."""
    command = "from tests.ml_core.unetr.resumed import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", command, "train", str(epochs), str(folder)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def curves(process: "subprocess.Popen[str]") -> Curves:
    """Losses by step and F1 by epoch."""
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    found: Curves = json.loads(out.splitlines()[-1])  # Gloo prints as well
    return found


def check_equal(found: Curves, wanted: Curves, *, loss: float) -> None:
    assert list(found["losses"]) == list(wanted["losses"])
    assert len(wanted["losses"]) >= 3
    np.testing.assert_allclose(
        list(found["losses"].values()), list(wanted["losses"].values()), rtol=0, atol=loss
    )
    for epoch, scores in wanted["scores"].items():
        np.testing.assert_allclose(found["scores"][epoch], scores, rtol=0, atol=5e-2 if loss > 1e-3 else 1e-3)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_backend_trains_to_the_figures_of_tensorflow(backend: str, tmp_path: Path) -> None:
    need(backend)
    wanted = curves(start(2, tmp_path, KERAS_BACKEND="tensorflow"))
    check_equal(curves(start(2, tmp_path, KERAS_BACKEND=backend)), wanted, loss=1e-4)


def test_two_processes_or_devices_train_as_one_with_the_joint_batch(tmp_path: Path) -> None:
    need("jax")
    one = curves(start(1, tmp_path, KERAS_BACKEND="jax"))
    two = curves(
        start(1, tmp_path, KERAS_BACKEND="jax", XLA_FLAGS="--xla_force_host_platform_device_count=2")
    )
    shared = {
        "KERAS_BACKEND": "jax",
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{free_port()}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    }
    processes = [start(1, tmp_path, **shared, KERAS_DISTRIBUTION_PROCESS_ID=number) for number in "01"]
    both = [curves(process) for process in processes]
    assert [run["devices"] for run in (one, two, *both)] == [1, 2, 2, 2]
    for run in (two, *both):
        check_equal(run, one, loss=1e-4)


def test_mirrored_devices_train_nearly_as_one(tmp_path: Path) -> None:
    """TensorFlow: batch statistics and Dice are of each device's part of a batch."""
    one = curves(start(1, tmp_path, KERAS_BACKEND="tensorflow"))
    two = curves(start(1, tmp_path, KERAS_BACKEND="tensorflow", CPUS="2"))
    assert [one["devices"], two["devices"]] == [1, 2]
    check_equal(two, one, loss=0.2)
