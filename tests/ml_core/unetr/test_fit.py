"""The loop of a run: when it ends, what a step is made of, which time counts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ml_core.labels import IGNORE
from ml_core.unetr.augment_config import AugmentConfig, Pair
from ml_core.unetr.balance import class_weights
from ml_core.unetr.checkpoint import Progress
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import TrainingData
from ml_core.unetr.devices import Array, Devices
from ml_core.unetr.fit import Diverged, EpochReport, Trainer, Watcher
from ml_core.unetr.model import build_unetr
from ml_core.unetr.optimizer import ENCODER, build_optimizer
from ml_core.unetr.schedule import Budget, FitConfig, Phase
from ml_core.unetr.targets import target_table
from ml_core.unetr.weights import named, save_weights
from tests.drawn import DrawnPhotos
from tests.training.conftest import TINY
from training.lapa import LAPA

NET = UnetrConfig(num_classes=len(LAPA), image_size=32, **TINY)
DATA = TrainingData(LAPA, target_table(LAPA), train=(DrawnPhotos(4, seed=1),), val=DrawnPhotos(5, seed=2))


class StandStill(Devices):
    """Trains nothing: the first step at a size takes 100 seconds, as if it compiled, each other one takes one."""

    def __init__(self) -> None:
        self.seconds, self.sizes = 0.0, list[int]()
        self.samples, self.rates = Counter[int](), list[float]()

    def step(self, model: keras.Model, images: Array, codes: Array) -> float:
        self.samples[images.shape[1]] += len(images)
        self.rates.append(float(model.optimizer.learning_rate))
        self.seconds += 1 if images.shape[1] in self.sizes else 100
        self.sizes.append(images.shape[1])
        return float(len(self.sizes))


@dataclass
class Reports(Watcher):
    reports: list[EpochReport] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    early: int = 0

    def start_epoch(self, epoch: int, steps: int, batch_size: int, size: int) -> None:
        self.steps += [steps, batch_size]

    def end_epoch(self, report: EpochReport) -> None:
        self.reports.append(report)

    def stop_early(self, patience: int) -> None:
        self.early = patience


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Reports, StandStill, Progress]]:
    def start(budget: Budget, *phases: Phase, **recipe: Any) -> tuple[Reports, StandStill, Progress]:
        watcher, devices = Reports(), StandStill()
        config = FitConfig(phases, samples_per_epoch=12, precision="float32", augment=AugmentConfig(near=1.0))
        config = replace(config, **recipe)
        trainer = Trainer(
            config, NET, DATA, tmp_path, watcher=watcher, devices=devices, clock=lambda: devices.seconds
        )
        save_weights(trainer.model, tmp_path / "initial.npz")
        trainer.start(tmp_path / "initial.npz")
        trainer.run(budget)
        return watcher, devices, trainer.progress

    return start


def test_a_run_ends_when_its_patience_does(run: Callable[..., tuple[Reports, StandStill, Progress]]) -> None:
    watcher, _, progress = run(Budget(epochs=9), Phase(32, 4, 1.0), patience=2)
    assert (progress.epoch, watcher.early) == (3, 2)  # the first is the best, two are no better
    assert len(watcher.reports[0].shown) == 4
    assert progress.losses == [2.0, 5.0, 8.0]


def test_the_time_of_compiling_is_not_that_of_the_run(
    run: Callable[..., tuple[Reports, StandStill, Progress]],
) -> None:
    watcher, devices, progress = run(Budget(minutes=10 / 60), Phase(32, 4, 0.5), Phase(64, 4, 1.0))
    assert devices.seconds == 2 * 100 + 10
    assert progress.seconds == 10
    assert watcher.reports[0].pace.images_per_second == 4.0
    assert watcher.reports[0].pace.waiting >= 0


def test_a_change_of_the_input_size_within_an_epoch_costs_none_of_it(
    run: Callable[..., tuple[Reports, StandStill, Progress]],
) -> None:
    phases = Phase(32, 4, 0.38), Phase(64, 4, 0.68), Phase(32, 2, 1.0)
    watcher, devices, progress = run(Budget(epochs=3), *phases, samples_per_epoch=40, final_rate=1e-5)
    assert devices.samples == {32: 48 + 36, 64: 36}  # of 120, each phase to the end of its last batch
    assert (progress.epoch, len(progress.f1)) == (3, 3)
    assert [report.size for report in watcher.reports] == [32, 64, 32]
    assert watcher.reports[-1].rate == pytest.approx(1e-5)
    assert max(devices.rates[-2:]) < 2e-5


def test_the_learning_rate_ends_where_it_should_with_batches_that_do_not_fill_an_epoch(
    run: Callable[..., tuple[Reports, StandStill, Progress]],
) -> None:
    watcher, devices, _ = run(Budget(epochs=2), Phase(32, 12, 1.0), samples_per_epoch=20, final_rate=1e-5)
    assert devices.samples == {32: 24}
    assert watcher.reports[-1].rate == pytest.approx(1e-5)


def test_a_run_by_the_clock_ends_its_epochs_with_its_phases(
    run: Callable[..., tuple[Reports, StandStill, Progress]],
) -> None:
    watcher, _, progress = run(Budget(minutes=10 / 60), Phase(32, 4, 0.5), Phase(64, 4, 1.0))
    assert [report.size for report in watcher.reports] == [32, 32, 64, 64]
    assert (progress.samples, progress.step) == (0, 0)


def test_a_run_resumed_with_fewer_epochs_than_it_has_ends_the_one_it_is_at(tmp_path: Path) -> None:
    config = FitConfig((Phase(32, 4, 1.0),), samples_per_epoch=12, precision="float32")
    trainer = Trainer(config, NET, DATA, tmp_path, devices=StandStill())
    trainer.progress = Progress(epoch=1, step=1, samples=4, f1=[0.5], losses=[1.0])
    trainer.run(Budget(epochs=1))
    assert trainer.progress.epoch == 2


def test_a_step_takes_as_many_batches_as_are_accumulated(
    run: Callable[..., tuple[Reports, StandStill, Progress]],
) -> None:
    watcher, devices, progress = run(Budget(epochs=1), Phase(32, 2, 1.0), accumulate=3)
    assert watcher.steps == [2, 6]
    assert len(devices.sizes) == 6
    assert progress.losses == [3.5]  # the mean of all six


@pytest.mark.parametrize(
    ("before", "after"), [("float32", "mixed_float16"), ("mixed_float16", "mixed_bfloat16")]
)
def test_a_run_goes_on_in_another_precision(tmp_path: Path, before: Any, after: Any) -> None:
    """As from a CPU to a GPU and back: only float16 has a loss scale."""
    config = FitConfig((Phase(32, 4, 1.0),), precision=before)
    first = Trainer(config, NET, DATA, tmp_path)
    save_weights(first.model, tmp_path / "initial.npz")
    first.model.optimizer.variables[-1].assign(keras.ops.ones_like(first.model.optimizer.variables[-1]))
    first.start(tmp_path / "initial.npz")
    second = Trainer(replace(config, precision=after), NET, DATA, tmp_path)
    fresh, kept = (named(trainer.model.optimizer.variables) for trainer in (second, first))
    second.resume()
    for name, value in named(second.model.optimizer.variables).items():
        np.testing.assert_array_equal(value, (kept if name.startswith("adamw/") else fresh)[name])


def test_a_run_that_diverges_says_what_to_do(
    run: Callable[..., tuple[Reports, StandStill, Progress]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StandStill, "step", lambda *_: np.nan)
    with pytest.raises(Diverged, match="epoch 1 is nan: train with a lower --learning-rate"):
        run(Budget(epochs=2), Phase(32, 4, 1.0))


class Unlabelled(DrawnPhotos):
    """Nothing in them counts."""

    def __getitem__(self, index: int) -> Pair:
        image, codes = super().__getitem__(index)
        return image, np.full_like(codes, IGNORE)


def test_validation_photos_without_labels_still_leave_weights(tmp_path: Path) -> None:
    config = FitConfig((Phase(32, 4, 1.0),), samples_per_epoch=4, precision="float32")
    data = replace(DATA, val=Unlabelled(2, seed=2))
    trainer = Trainer(config, NET, data, tmp_path, devices=StandStill())
    save_weights(trainer.model, tmp_path / "initial.npz")
    trainer.start(tmp_path / "initial.npz")
    trainer.run(Budget(epochs=1))
    assert trainer.progress.f1 == [0.0]
    assert (tmp_path / "best.npz").exists()


def test_a_batch_that_cannot_be_split_is_refused(tmp_path: Path) -> None:
    devices = Devices()
    devices.count = 3
    with pytest.raises(ValueError, match="a batch of 4 cannot be split over 3 devices"):
        Trainer(FitConfig((Phase(32, 4, 1.0),)), NET, DATA, tmp_path, devices=devices)


def test_a_later_phase_that_cannot_be_built_is_refused_at_once(tmp_path: Path) -> None:
    phases = Phase(32, 4, 0.5), Phase(33, 4, 1.0)
    with pytest.raises(ValueError, match="a phase of 33 pixels: not a multiple of patch_size"):
        Trainer(FitConfig(phases), NET, DATA, tmp_path)


def two_layers() -> keras.Model:
    image = keras.Input((1,))
    hidden = keras.layers.Dense(1, name="layer1_mlp1")(image)
    model = keras.Model(image, keras.layers.Dense(1, name="logits")(hidden))
    for weight in model.weights:
        weight.assign(keras.ops.ones(weight.shape))
    return model


def moved(recipe: dict[str, float], gradients: list[float]) -> dict[str, float]:
    """How far each weight moved from 1."""
    model = two_layers()
    config = FitConfig((Phase(32, 4, 1.0),), learning_rate=0.1, clip_norm=100, **recipe)  # type: ignore[arg-type]
    optimizer = build_optimizer(config, model)
    for gradient in gradients:
        optimizer.apply(
            [keras.ops.full(w.shape, gradient) for w in model.trainable_variables], model.trainable_variables
        )
    return {weight.path: 1 - float(keras.ops.sum(weight)) for weight in model.weights}


def test_the_encoder_moves_at_its_own_rate_and_decays_with_it() -> None:
    far = moved({"encoder_rate": 0.1, "weight_decay": 0.0}, [1.0])
    assert far["layer1_mlp1/kernel"] == pytest.approx(0.01, rel=1e-3)
    assert far["logits/kernel"] == pytest.approx(0.1, rel=1e-3)
    decayed = moved({"encoder_rate": 0.1, "weight_decay": 0.5}, [1.0])
    assert decayed["layer1_mlp1/kernel"] - far["layer1_mlp1/kernel"] == pytest.approx(0.005, rel=1e-2)
    assert decayed["logits/kernel"] - far["logits/kernel"] == pytest.approx(0.05, rel=1e-2)
    assert decayed["logits/bias"] == pytest.approx(far["logits/bias"])


def test_without_a_rate_of_the_encoder_it_is_keras_own_adamw() -> None:
    model = two_layers()
    own = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    own.exclude_from_weight_decay(var_names=["bias"])
    for gradient in (1.0, -0.5, 2.0):
        own.apply(
            [keras.ops.full(w.shape, gradient) for w in model.trainable_variables], model.trainable_variables
        )
    for path, far in moved({"weight_decay": 0.5}, [1.0, -0.5, 2.0]).items():
        (weight,) = (weight for weight in model.weights if weight.path == path)
        assert far == pytest.approx(1 - float(keras.ops.sum(weight)), abs=1e-6)


def test_accumulated_gradients_are_averaged() -> None:
    assert set(moved({"accumulate": 3}, [3.0, 1.0]).values()) == {0.0}
    found = moved({"accumulate": 3}, [3.0, 1.0, 2.0])
    for path, far in moved({}, [2.0]).items():
        assert found[path] == pytest.approx(far, abs=1e-6)


def test_the_encoder_is_all_that_is_no_decoder() -> None:
    names = {weight.path.split("/")[0] for weight in build_unetr(NET).weights}
    assert {name for name in names if not name.startswith(ENCODER)} == {
        name for name in names if name.startswith(("stage", "image_conv", "logits"))
    }


def test_class_weights_by_name_and_by_frequency() -> None:
    named = class_weights({"hair": 2.5}, DATA)
    assert named is not None
    assert (named[LAPA.names.index("hair")], named.sum()) == (2.5, len(LAPA) + 1.5)
    with pytest.raises(ValueError, match="no class named beard; there are background"):
        class_weights({"beard": 2}, DATA)
    rare = class_weights("frequency", DATA)
    assert rare is not None
    by_name = dict(zip(LAPA.names, rare, strict=True))
    assert by_name["background"] <= by_name["skin"] < by_name["nose"] < by_name["left_eye"]
    assert 0.1 <= rare.min() < rare.max() <= 10
    assert class_weights(None, DATA) is None


def test_weights_of_classes_weigh_in_the_loss() -> None:
    from ml_core.unetr.losses import SegmentationLoss

    table = target_table(LAPA, [{1: [0, 1]}])
    codes = np.array([[[1, 1], [6, 6]]], np.uint8)
    logits = np.zeros((1, 2, 2, len(LAPA)), np.float32)
    logits[0, 0, :, 1] = 20.0  # skin is right, nose is not
    logits[0, 1, :, 0] = 20.0

    def loss(**weights: float) -> float:
        row = np.array([weights.get(name, 1.0) for name in LAPA.names], np.float32)
        return float(SegmentationLoss(table.allowed, dice_weight=0, weights=row)(codes, logits))

    assert loss() == pytest.approx(10, abs=0.01)
    assert loss(nose=3) == pytest.approx(15, abs=0.01)
    assert loss(skin=3) == pytest.approx(5, abs=0.01)


def test_every_process_of_a_run_builds_the_same_network(tmp_path: Path) -> None:
    """JAX refuses to share one whose weights differ, and libraries draw from Python's generator in between."""
    built = []
    for number in (1, 2):
        keras.utils.set_random_seed(number)
        built.append(Trainer(FitConfig((Phase(32, 4, 1.0),)), NET, DATA, tmp_path).model.get_weights())
    for first, second in zip(*built, strict=True):
        np.testing.assert_array_equal(first, second)
