"""A network and a data set small enough to train in a second."""

from pathlib import Path
from typing import Any

import pytest

from ml_core.unetr.augment import AugmentConfig
from ml_core.unetr.schedule import FitConfig, Phase
from training.config import EvaluateParams, ExportParams, Params, PrepareParams
from training.synthetic import draw_data_set

TINY: dict[str, Any] = {
    "patch_size": 8,
    "hidden_size": 16,
    "num_layers": 4,
    "num_heads": 2,
    "mlp_dim": 32,
    "decoder_channels": (16, 12, 8),
    "stage_convs": 1,
    "skip_channels": (8, 8, 8),
    "stem_channels": (8,),
}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn faces in LaPa's layout."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_data_set(folder, {"train": 8, "val": 4, "test": 4}, size=64, seed=1)
    return folder


@pytest.fixture
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `lite` a network that trains in a second."""
    monkeypatch.setattr("ml_core.unetr.config.PRESETS", {"lite": TINY})


@pytest.fixture
def tiny_params() -> Params:
    """Two input sizes, three steps an epoch."""
    fit = FitConfig(
        phases=(Phase(32, 4, 0.5), Phase(64, 4, 1.0)),
        epochs=2,
        samples_per_epoch=12,
        learning_rate=3e-3,
        augment=AugmentConfig(near=1.0),
    )
    return Params(
        prepare=PrepareParams(image_size=64),
        train={"lite": fit},
        export=ExportParams(parity_photos=2),
        evaluate=EvaluateParams(worst=2),
    )
