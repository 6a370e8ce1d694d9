"""The network's shape: sizes of the presets, skips, and positions that follow the input's size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_core.unetr.config import PRESETS, UnetrConfig, preset
from ml_core.unetr.model import build_unetr
from ml_core.unetr.weights import WeightsError, load_weights, save_weights
from tests.training.conftest import TINY

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny() -> UnetrConfig:
    return UnetrConfig(num_classes=5, image_size=32, **TINY)


def count(config: UnetrConfig) -> int:
    return sum(int(np.prod(weight.shape)) for weight in build_unetr(config).trainable_weights)


def test_full_is_vit_base_with_the_decoder_of_the_paper() -> None:
    model = build_unetr(preset("full", num_classes=11))
    encoder = sum(
        int(np.prod(weight.shape))
        for weight in model.trainable_weights
        if weight.path.startswith(("layer", "final_norm"))
    )
    assert 84e6 < encoder < 86e6
    assert 103e6 < count(preset("full", num_classes=11)) < 107e6
    assert model.output_shape == (None, 256, 256, 11)


def test_lite_fits_into_22_5_megabytes() -> None:
    assert count(preset("lite", num_classes=11)) * 4 < 22.5e6


def test_a_head_is_its_share_of_the_hidden_size_wide() -> None:
    layer = build_unetr(preset("lite", num_classes=11)).get_layer("layer1_attention")
    hidden = PRESETS["lite"]["hidden_size"]
    assert tuple(layer.qkv.kernel.shape) == (hidden, 3 * hidden)


def test_the_skips_come_after_each_quarter_of_the_layers() -> None:
    assert preset("full", num_classes=11).skip_layers == (3, 6, 9, 12)


def test_logits_have_the_stride_that_the_decoder_leaves(tiny: UnetrConfig) -> None:
    assert build_unetr(tiny).output_shape == (None, 32, 32, 5)
    shorter = UnetrConfig.from_dict({**tiny.to_dict(), "patch_size": 16})
    assert build_unetr(shorter).output_shape == (None, 16, 16, 5)


def test_weights_move_between_input_sizes_and_positions_are_interpolated(tiny: UnetrConfig) -> None:
    own, larger = build_unetr(tiny), build_unetr(tiny, input_size=64)
    larger.set_weights(own.get_weights())
    assert larger.output_shape == (None, 64, 64, 5)
    table = next(weight for weight in larger.weights if weight.path == "positions/table")
    assert tuple(table.shape) == (1, 4, 4, 16)
    grey = np.full((1, 64, 64, 3), 128.0, np.float32)
    before = np.asarray(larger(grey))
    table.assign(table + np.linspace(0, 3, 16, dtype=np.float32).reshape(1, 4, 4, 1))
    assert np.abs(np.asarray(larger(grey)) - before).max() > 1e-3


def test_every_skip_reaches_the_logits(tiny: UnetrConfig) -> None:
    model = build_unetr(tiny)
    image = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    before = np.asarray(model(image))
    for name in ("stage1_skip", "stage2_skip", "stage3_skip", "stem1", "stage1_up"):
        kernel = model.get_layer(name).kernel
        kept = np.asarray(kernel)
        kernel.assign(kept + np.random.default_rng(1).normal(0, 0.5, kept.shape))
        assert np.abs(np.asarray(model(image)) - before).max() > 1e-4, name
        kernel.assign(kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 3}, "num_heads"),
        ({"num_layers": 6}, "num_layers"),
        ({"image_size": 36}, "image_size"),
        ({"patch_size": 12, "image_size": 36}, "patch_size"),
        ({"decoder_channels": [8, 8]}, "decoder_channels"),
        ({"skip_channels": [8]}, "skip_channels"),
        ({"residual_convs": [1]}, "residual_convs"),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused_by_name(
    tiny: UnetrConfig, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        UnetrConfig.from_dict({**tiny.to_dict(), **change})


def test_a_network_goes_on_as_one_with_residual_convolutions_and_says_the_same(
    tiny: UnetrConfig, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    small = build_unetr(replace(tiny, residual_convs=()))
    small.set_weights([weight + rng.uniform(0, 0.1, weight.shape) for weight in small.get_weights()])
    save_weights(small, tmp_path / "weights.npz")
    grown = build_unetr(replace(tiny, residual_convs=(2, 0, 1)))
    assert len(grown.weights) > len(small.weights)
    load_weights(grown, tmp_path / "weights.npz")
    photo = rng.integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(grown.predict_on_batch(photo), small.predict_on_batch(photo))


def test_weights_that_lack_anything_else_are_refused_by_name(tiny: UnetrConfig, tmp_path: Path) -> None:
    save_weights(build_unetr(replace(tiny, stage_convs=1)), tmp_path / "weights.npz")
    with pytest.raises(WeightsError, match="stage1_conv2"):
        load_weights(build_unetr(replace(tiny, stage_convs=2)), tmp_path / "weights.npz")
