"""Starting from another network's weights: other classes, another input size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.grow import go_on
from ml_core.unetr.model import build_unetr
from ml_core.unetr.weights import WeightsError, named, save_weights
from tests.training.conftest import TINY

NET = UnetrConfig(num_classes=5, image_size=32, **TINY)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    save_weights(build_unetr(NET), path)
    return path


def test_interpolated_positions_are_those_of_the_trained_network_at_that_size(stored: Path) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    larger = replace(NET, image_size=64)
    trained, going_on = build_unetr(NET, input_size=64), build_unetr(larger)
    assert go_on(trained, NET, stored, NET) == []
    assert go_on(going_on, larger, stored, NET) == ["positions interpolated from 32 to 64 pixels"]
    np.testing.assert_allclose(going_on(image), trained(image), atol=1e-4)


def test_other_classes_get_a_new_last_layer(stored: Path) -> None:
    net = replace(NET, num_classes=3)
    model = build_unetr(net)
    before = named(model.weights)
    with pytest.raises(WeightsError, match="num_classes is 5"):
        go_on(model, net, stored, NET)
    for known in (NET, None):
        told = go_on(model, net, stored, known, new_head=True)
        assert told == ["the classes are others: the last layer starts anew"]
        with np.load(stored) as trained:
            for name, value in named(model.weights).items():
                wanted = before[name] if name.startswith("logits/") else trained[name]
                np.testing.assert_array_equal(value, wanted)


def test_other_classes_at_another_size_keep_the_rest(stored: Path) -> None:
    net = replace(NET, num_classes=3, image_size=64)
    model = build_unetr(net)
    assert len(go_on(model, net, stored, NET, new_head=True)) == 2
    with np.load(stored) as trained:
        np.testing.assert_array_equal(named(model.weights)["stem1/kernel"], trained["stem1/kernel"])
