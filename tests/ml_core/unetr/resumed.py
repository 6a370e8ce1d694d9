"""Runs of a tiny network, in processes of their own.

main(), with the arguments:

kill STEP FOLDER       ends itself by SIGKILL in that step of the run
compare STEP FOLDER    resumes it, and prints the curves as JSON beside those of an unbroken run and of one stopped
                       by SIGTERM
train EPOCHS FOLDER    prints the curves of a run under Keras' backend, on all devices and processes there are; CPUS
                       is the number of devices into which TensorFlow splits the CPU
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from ml_core.unetr.augment_config import AugmentConfig
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import TrainingData
from ml_core.unetr.devices import Devices
from ml_core.unetr.fit import EpochReport, Trainer, Watcher
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget, FitConfig, Phase
from ml_core.unetr.targets import target_table
from ml_core.unetr.weights import save_weights
from tests.drawn import DrawnPhotos
from tests.training.conftest import TINY
from training.lapa import LAPA
from training.train import joined

NET = UnetrConfig(num_classes=len(LAPA), image_size=64, **{**TINY, "patch_size": 16})
"""Its logits are at half resolution, of which the loss draws a part."""
FIT = FitConfig(
    # the input grows after three of the second epoch's six steps
    phases=(Phase(32, 4, 0.5), Phase(64, 4, 1.0)),
    samples_per_epoch=24,
    learning_rate=3e-3,
    average_decay=0.9,
    precision="float32",
    checkpoint_minutes=1e-9,  # after every step
    augment=AugmentConfig(near=1.0),
)
EPOCHS, STEPS = 3, 18


@dataclass
class Recorder(Watcher):
    """Keeps the curves of a run, and calls `disturb` within step `at` of the whole run, counted from 1."""

    at: int = 0
    disturb: Callable[[], None] = lambda: None
    losses: dict[str, float] = field(default_factory=dict)
    """epoch.step -> mean loss of the epoch so far."""
    scores: dict[str, list[float]] = field(default_factory=dict)
    """Finished epochs -> F1 of each class."""
    epoch: int = 0

    def start_epoch(self, epoch: int, steps: int, batch_size: int, size: int) -> None:
        self.epoch = epoch

    def step(self, done: int, loss: float) -> None:
        self.losses[f"{self.epoch}.{done}"] = loss
        if len(self.losses) == self.at:
            self.disturb()

    def end_epoch(self, report: EpochReport) -> None:
        self.scores[str(report.progress.epoch)] = np.nan_to_num(report.scores.f1, nan=-1).tolist()


def trainer(out: Path, watcher: Watcher, devices: Devices | None = None) -> Trainer:
    data = TrainingData(LAPA, target_table(LAPA), train=(DrawnPhotos(8, seed=1),), val=DrawnPhotos(4, seed=2))
    return Trainer(FIT, NET, data, out, watcher=watcher, workers=2, devices=devices)


def random_start(folder: Path) -> Path:
    """The weights that all runs in the folder start from, made by the first."""
    path = folder / "initial.npz"
    if not path.exists():
        keras.utils.set_random_seed(0)
        save_weights(build_unetr(NET), path)
    return path


def kill(step: int, folder: Path) -> None:
    run = trainer(folder / "killed", Recorder(step, lambda: os.kill(os.getpid(), signal.SIGKILL)))
    run.start(random_start(folder))
    run.run(Budget(epochs=EPOCHS))


def train(epochs: int, folder: Path) -> None:
    record = Recorder()
    devices = joined()
    run = trainer(folder / f"{keras.config.backend()}{devices.count}-{devices.process}", record, devices)
    run.start(random_start(folder))
    run.run(Budget(epochs=epochs))
    found = {"losses": record.losses, "scores": record.scores, "devices": devices.count}
    sys.stdout.write(json.dumps(found))


def compare(step: int, folder: Path) -> None:
    records = {"unbroken": Recorder(), "killed": Recorder(), "stopped": Recorder()}
    trainers = {name: trainer(folder / name, record) for name, record in records.items()}
    before = Recorder(step, lambda: signal.raise_signal(signal.SIGTERM))
    stopped = trainer(folder / "stopped", before)
    for run in (trainers["unbroken"], stopped):
        run.start(folder / "initial.npz")
    try:
        stopped.run(Budget(epochs=EPOCHS))
        raise SystemExit("SIGTERM did not stop the run")
    except KeyboardInterrupt:
        records["stopped"].losses.update(before.losses)
        records["stopped"].scores.update(before.scores)
    for name in ("killed", "stopped"):
        trainers[name].resume()
    for run in trainers.values():
        run.run(Budget(epochs=EPOCHS))
    curves = {name: {"losses": record.losses, "scores": record.scores} for name, record in records.items()}
    sys.stdout.write(json.dumps(curves))


def main() -> None:
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        (cpu,) = tf.config.list_physical_devices("CPU")
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(int(os.environ.get("CPUS", "1")))]
        tf.config.set_logical_device_configuration(cpu, parts)
    {"kill": kill, "compare": compare, "train": train}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
