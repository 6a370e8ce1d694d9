"""Parameters counted from the config alone: the papers' sizes, and the same as in a built network."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml_core.unetr.config import PRESETS, UnetrConfig, preset
from ml_core.unetr.count import parameters
from ml_core.unetr.model import build_unetr
from tests.training.conftest import TINY

PLAIN = {**TINY, "skip_channels": None, "stem_channels": (), "stage_convs": 2}


@pytest.mark.parametrize(
    ("name", "published", "counted"),
    [("full", 86e6, 85_843_200), ("large", 307e6, 303_361_024), ("huge", 632e6, 630_992_640)],
)
def test_the_encoders_are_those_of_the_vit_paper(name: str, published: float, counted: int) -> None:
    """Its table rounds, and counts a classification head: 1000 classes of 1024 channels are 1M."""
    found = parameters(preset(name, num_classes=11)).encoder
    assert found == counted
    assert abs(found / published - 1) < 0.013


def test_the_network_for_volumes_is_as_large_as_published() -> None:
    """92.58M for 96^3 voxels and 14 classes, without the positions."""
    found = parameters(preset("unetr3d", num_classes=14))
    assert round((found.total - found.positions) / 1e6, 2) == 92.58


@pytest.mark.parametrize(("name", "megabytes"), [("lite", 22.5), ("base", 60), ("plain", 22.5)])
def test_the_small_ones_keep_to_their_size(name: str, megabytes: float) -> None:
    assert parameters(preset(name, num_classes=11)).total * 4 < megabytes * 1e6


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        TINY,
        PLAIN,
        {**TINY, "residual_convs": (2, 0, 1), "qkv_bias": False, "in_channels": 4},
        {**PLAIN, "released_skips": True, "decoder_channels": (16, 12, 8)},
        {**PLAIN, "spatial_dims": 3, "in_channels": 1, "released_skips": True},
        {**TINY, "spatial_dims": 3},
    ],
    ids=["stem", "paper", "residuals", "released", "volumes", "volumes with a stem"],
)
def test_a_built_network_has_as_many(fields: dict[str, Any]) -> None:
    config = UnetrConfig(num_classes=5, image_size=32, **fields)
    weights = {weight.path: int(np.prod(weight.shape)) for weight in build_unetr(config).trainable_weights}
    found = parameters(config)
    assert sum(weights.values()) == found.total
    assert weights["positions/table"] == found.positions
    blocks = sum(count for path, count in weights.items() if path.startswith(("layer", "final_norm")))
    assert blocks == found.blocks


def test_every_preset_can_be_built_at_its_own_size() -> None:
    assert {name: preset(name, num_classes=2).image_size for name in PRESETS} == {
        **dict.fromkeys(PRESETS, 256),
        "base": 320,
        "unetr3d": 96,
    }
    assert preset("base", num_classes=2, image_size=256) == replace(
        preset("base", num_classes=2), image_size=256
    )
