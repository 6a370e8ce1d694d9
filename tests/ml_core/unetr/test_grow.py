"""A larger network goes on from a smaller one and answers the same at first."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_core.unetr.config import UnetrConfig, preset
from ml_core.unetr.grow import grow
from ml_core.unetr.model import build_unetr
from ml_core.unetr.weights import WeightsError, named
from tests.training.conftest import TINY

pytestmark = pytest.mark.slow

SMALL = UnetrConfig(num_classes=5, image_size=32, **TINY)
LARGE = replace(
    SMALL,
    image_size=48,
    num_layers=8,
    mlp_dim=40,
    decoder_channels=(20, 14, 10),
    residual_convs=(2, 0, 1),
    skip_channels=(12, 9, 8),
    stem_channels=(12,),
)


def trained(config: UnetrConfig, **options: Any) -> Any:
    """A network whose weights and statistics are all unlike their initial values."""
    model, rng = build_unetr(config, **options), np.random.default_rng(0)
    model.set_weights([weight + rng.uniform(0.01, 0.1, weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (SMALL, LARGE),
        (replace(SMALL, residual_convs=(1, 0, 1)), LARGE),
        (
            replace(SMALL, skip_channels=None, stem_channels=()),
            replace(LARGE, skip_channels=None, stem_channels=()),
        ),
        (preset("lite", num_classes=11), preset("base", num_classes=11)),
    ],
    ids=["all at once", "with residuals", "the paper's skips", "lite to base"],
)
def test_a_grown_network_answers_what_the_smaller_one_answers(small: UnetrConfig, large: UnetrConfig) -> None:
    before, after = trained(small, input_size=large.image_size), build_unetr(large)
    stored = {**named(before.weights)}
    grow(after, large, stored, small, Path("weights.npz"))
    side = large.image_size
    photo = np.random.default_rng(1).integers(0, 256, (1, side, side, 3)).astype(np.float32)
    wanted, found = (np.asarray(model(photo)) for model in (before, after))
    assert wanted.std() > 0.01
    # other shapes may be added up in another order, and random weights give large answers
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_every_new_part_learns_at_once() -> None:
    """The loss of a random target moves all kernels but those behind a zero, which move after one step."""
    import tensorflow as tf

    model = build_unetr(LARGE)
    grow(model, LARGE, named(trained(SMALL).weights), SMALL, Path("weights.npz"))
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 256, (2, 48, 48, 3)).astype(np.float32)
    target = rng.normal(0, 1, (2, *model.output_shape[1:])).astype(np.float32)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(photo, training=True) - target) ** 2)
        gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            variable.assign_sub(0.01 * gradient)
    still = [
        variable.path
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
        if not np.abs(np.asarray(gradient)).max() > 0
    ]
    assert not still


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 32}, "hidden_size is 16, which cannot grow to 32"),
        ({"num_classes": 6}, "num_classes is 5"),
        ({"mlp_dim": 16}, "mlp_dim is .32., which cannot grow to .16."),
        ({"skip_channels": None}, "skip_channels"),
        ({"stem_channels": (8, 8)}, "stem_channels"),
    ],
)
def test_what_cannot_grow_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    large = replace(SMALL, **change)
    with pytest.raises(WeightsError, match=message):
        grow(build_unetr(large), large, {}, SMALL, Path("weights.npz"))
