"""What `prepare` leaves: a network for Keras, and weights from a smaller bundle or a pretrained ViT."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ml_core.unetr.config import PRESETS, UnetrConfig
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Phase
from ml_core.unetr.weights import load_weights
from tests.training.conftest import TINY, BrokenOffRun, tiny_params
from training.ingest import ingest
from training.options import RunError, RunOptions
from training.prepare import prepare, read_network

pytestmark = pytest.mark.slow
PARAMS = tiny_params(Phase(64, 4, 1.0))


@pytest.fixture
def options(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunOptions:
    """A run whose data is ingested."""
    monkeypatch.chdir(tmp_path)
    chosen = RunOptions(data=str(drawn), out=tmp_path / "out")
    ingest(chosen)
    return chosen


@pytest.mark.usefixtures("_tiny_preset")
def test_the_network_opens_in_keras_and_answers_as_the_initial_weights_do(
    options: RunOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(options, PARAMS)
    path = options.out / "network.keras"
    assert f"{path} opens with keras.saving.load_model" in capsys.readouterr().out
    opened, built = keras.saving.load_model(path), build_unetr(read_network(options.out))
    load_weights(built, options.out / "initial.npz")
    photo = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(opened(photo)), np.asarray(built(photo)), atol=1e-6)


def test_a_larger_preset_goes_on_from_a_smaller_bundle(
    broken_off_run: BrokenOffRun, options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "lite", {**TINY, "num_layers": 8, "mlp_dim": 48})
    bundle = broken_off_run.options.bundle
    grown = RunOptions(data=options.data, out=options.out, init=bundle)
    prepare(grown, PARAMS)
    small = UnetrConfig(num_classes=11, image_size=64, **TINY)
    before, after = build_unetr(small), build_unetr(read_network(options.out))
    load_weights(before, bundle / "weights.npz")
    load_weights(after, options.out / "initial.npz")
    photo = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    assert np.abs(np.asarray(before(photo)) - np.asarray(after(photo))).max() < 1e-4


def _narrow(card: dict[str, Any]) -> None:
    card["network"]["hidden_size"] = 8


def _misnamed(card: dict[str, Any]) -> None:
    card["network"]["depth"] = 8


@pytest.mark.usefixtures("_tiny_preset")
@pytest.mark.parametrize(
    ("spoil", "message"),
    [(_narrow, "hidden_size is 8, which cannot grow to 16"), (_misnamed, r"model\.json: network: .*depth")],
)
def test_a_bundle_that_cannot_grow_is_refused_by_name(
    broken_off_run: BrokenOffRun, options: RunOptions, tmp_path: Path, spoil: Any, message: str
) -> None:
    bundle = shutil.copytree(broken_off_run.options.bundle, tmp_path / "bundle")
    card = json.loads((bundle / "model.json").read_text())
    spoil(card)
    (bundle / "model.json").write_text(json.dumps(card))
    with pytest.raises(RunError, match=message):
        prepare(RunOptions(data=options.data, out=options.out, init=bundle), PARAMS)


@pytest.mark.usefixtures("_tiny_preset")
def test_a_file_that_is_no_vit_is_refused_by_name(options: RunOptions, tmp_path: Path) -> None:
    (tmp_path / "vit.npz").write_bytes(b"PK")
    with pytest.raises(RunError, match=r"--init: .*--preset full, large or huge"):
        prepare(RunOptions(data=options.data, out=options.out, init=tmp_path / "vit.npz"), PARAMS)


def test_a_network_that_no_bundle_can_hold_is_refused_before_it_is_built(options: RunOptions) -> None:
    params = PARAMS.model_copy(update={"train": {"huge": PARAMS.train["lite"]}})
    with pytest.raises(RunError, match=r"--preset huge: its 2\.6 GB of weights do not fit"):
        prepare(RunOptions(preset="huge", data=options.data, out=options.out), params)
