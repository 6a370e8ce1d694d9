"""Runs of a tiny network for test_resume.py, in processes of their own.

python -m tests.ml_core.unetr.resumed kill STEP FOLDER       ends itself by SIGKILL in that step of the run
python -m tests.ml_core.unetr.resumed compare STEP FOLDER    resumes it, and prints the curves as JSON beside those
                                                             of an unbroken run and of one stopped by SIGTERM
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
import tensorflow as tf

from ml_core.unetr.augment_config import AugmentConfig, Pair
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import TrainingData
from ml_core.unetr.fit import EpochReport, Trainer, Watcher
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget, FitConfig, Phase
from ml_core.unetr.targets import target_table
from ml_core.unetr.weights import save_weights
from tests.training.conftest import TINY
from training.lapa import LAPA
from training.synthetic import draw_face

NET = UnetrConfig(num_classes=len(LAPA), image_size=64, **TINY)
FIT = FitConfig(
    # the second epoch is broken off after three of its six steps, where the input grows
    phases=(Phase(32, 4, 0.5), Phase(64, 4, 1.0)),
    samples_per_epoch=24,
    learning_rate=3e-3,
    average_decay=0.9,
    precision="float32",
    checkpoint_minutes=1e-9,  # after every step
    augment=AugmentConfig(near=1.0),
)
EPOCHS, STEPS = 3, 15


@dataclass(frozen=True)
class Drawn:
    """So many drawn faces."""

    count: int
    seed: int
    weight: float = 1.0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pair:
        return draw_face(64, np.random.default_rng((self.seed, index)))


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


def trainer(out: Path, watcher: Watcher) -> Trainer:
    data = TrainingData(LAPA, target_table(LAPA), train=(Drawn(8, seed=1),), val=Drawn(4, seed=2))
    return Trainer(FIT, NET, data, out, watcher=watcher)


def kill(step: int, folder: Path) -> None:
    keras.utils.set_random_seed(0)
    save_weights(build_unetr(NET), folder / "initial.npz")
    run = trainer(folder / "killed", Recorder(step, lambda: os.kill(os.getpid(), signal.SIGKILL)))
    run.start(folder / "initial.npz")
    run.run(Budget(epochs=EPOCHS))


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


if __name__ == "__main__":
    tf.config.experimental.enable_op_determinism()
    {"kill": kill, "compare": compare}[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
