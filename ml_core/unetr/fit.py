"""The training loop: AdamW on growing input sizes, averaged weights, and a state that survives an interruption."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from ml_core.metrics import Scores, confusion_matrix, scores
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import Batch, TrainingBatches, TrainingData, validation_batches
from ml_core.unetr.losses import SegmentationLoss
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget, FitConfig, Phase
from ml_core.unetr.weights import load_weights, save_arrays


@dataclass
class Progress:
    """Where a run stands; written beside the weights after each epoch."""

    epoch: int = 0
    seconds: float = 0.0
    f1: list[float] = field(default_factory=list)
    """Validation mean F1 of each epoch."""


@dataclass(frozen=True)
class EpochReport:
    """What an epoch gave, for the table and the logs."""

    progress: Progress
    size: int
    loss: float
    rate: float
    images_per_second: float
    scores: Scores


class Watcher:
    """Told of a run as it goes; the base class stays silent."""

    def start_epoch(self, epoch: int, steps: int, batch_size: int, size: int) -> None:
        """An epoch of at most `steps` batches begins."""

    def step(self, done: int, loss: float) -> None:
        """A batch is done; `loss` is the epoch's mean so far."""

    def end_epoch(self, report: EpochReport) -> None:
        """The averaged weights were scored and saved."""


class WeightAverage:
    """Exponential moving average of all weights, batch statistics included.

    `decay` is the decay a step; the average moves only every fourth step, by as much, to save the time.
    """

    EVERY = 4

    def __init__(self, weights: Sequence[NDArray[Any]], decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.values = [np.array(value, np.float32) for value in weights]

    def update(self, model: keras.Model) -> None:
        """Count a step. The first steps move the average faster, so that the start is forgotten."""
        self.steps += 1
        if self.steps % self.EVERY:
            return
        keep = min(self.decay, self.steps / (self.steps + 9)) ** self.EVERY
        for average, weight in zip(self.values, model.get_weights(), strict=True):
            average += (1 - keep) * (weight - average)

    def get(self) -> list[NDArray[Any]]:
        return self.values


class Trainer:
    """One run, from its first or its last saved epoch until its budget is spent.

    The folder `out` receives last.npz (weights, averaged weights, optimizer) with last.json, both replaced
    atomically after each epoch, and best.npz, the averaged weights with the best validation F1.
    """

    def __init__(
        self,
        config: FitConfig,
        net: UnetrConfig,
        data: TrainingData,
        out: Path,
        *,
        watcher: Watcher | None = None,
    ) -> None:
        self.config, self.net, self.data, self.out = config, net, data, out
        self.watcher = watcher or Watcher()
        self.progress = Progress()
        self.phase = config.phases[0]
        self.model = self._compiled(self.phase.size)
        self.average = WeightAverage(self.model.get_weights(), config.average_decay)
        self._validation: Sequence[Batch] = ()
        self._budget = Budget(epochs=1)
        self._started = 0.0

    def start(self, weights: Path) -> None:
        """Begin from a file that `save_weights` wrote. Raises WeightsError when it does not fit."""
        load_weights(self.model, weights)
        self.average = WeightAverage(self.model.get_weights(), self.config.average_decay)

    def run(self, budget: Budget) -> list[NDArray[Any]]:
        """Train until the budget is spent; returns the averaged weights of the best epoch."""
        self._budget = budget
        while self.share(0) < 1:
            self._enter(self.config.phase(self.share(0)))
            self._epoch()
        return load_list(self.out / "best.npz", "weight")

    def share(self, batches: int) -> float:
        """Progress of the run from 0 to 1, `batches` into the present epoch."""
        seconds = self.progress.seconds + (time.monotonic() - self._started if self._started else 0.0)
        return self._budget.share(self.progress.epoch + batches / self._steps, seconds)

    @property
    def _steps(self) -> int:
        return max(1, self.config.samples_per_epoch // self.phase.batch_size)

    def _compiled(self, size: int) -> keras.Model:
        with _dtype_policy(fastest_policy()):
            model = build_unetr(self.net, input_size=size)
        optimizer = keras.optimizers.AdamW(
            self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            global_clipnorm=self.config.clip_norm,
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "table"])
        loss = SegmentationLoss(self.data.table.allowed, dice_weight=self.config.dice_weight)
        model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        return model

    def _enter(self, phase: Phase) -> None:
        """Go on at the phase's input size: same weights, same optimizer state."""
        if phase.size != self.phase.size:
            model = self._compiled(phase.size)
            model.set_weights(self.model.get_weights())
            for new, old in zip(model.optimizer.variables, self.model.optimizer.variables, strict=True):
                new.assign(old)
            self.model = model
        if phase.size != self.phase.size or not self._validation:
            self._validation = validation_batches(
                self.data.val, size=phase.size, target_size=self.net.image_size, batch_size=16
            )
        self.phase = phase

    def _epoch(self) -> None:
        epoch = self.progress.epoch
        batches = TrainingBatches(
            self.data,
            self.phase.augment or self.config.augment,
            size=self.phase.size,
            batch_size=self.phase.batch_size,
            steps=self._steps,
            seed=self.config.seed + epoch,
        )
        self.watcher.start_epoch(epoch, self._steps, self.phase.batch_size, self.phase.size)
        self._started = time.monotonic()
        hook = _StepHook(self)
        history = self.model.fit(batches, verbose=0, callbacks=[hook])
        rate = self.config.rate(self.share(hook.done))
        speed = hook.done * self.phase.batch_size / (time.monotonic() - self._started)
        found = self.evaluate()
        self.progress.epoch += 1
        self.progress.seconds += time.monotonic() - self._started
        self._started = 0.0
        self.progress.f1.append(found.mean_f1)
        self._save()
        loss = float(history.history["loss"][-1])
        self.watcher.end_epoch(EpochReport(self.progress, self.phase.size, loss, rate, speed, found))

    def evaluate(self) -> Scores:
        """Score the averaged weights on the validation photos, at the config's image size."""
        own = self.model.get_weights()
        self.model.set_weights(self.average.get())
        matrix = np.zeros((self.net.num_classes, self.net.num_classes), np.int64)
        for images, codes in self._validation:
            for logits, truth in zip(self.model.predict_on_batch(images), codes, strict=True):
                full = cv2.resize(logits, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
                guess = full.argmax(axis=-1).astype(np.uint8)
                matrix += confusion_matrix(truth, guess, self.net.num_classes)
        self.model.set_weights(own)
        return scores(matrix)

    def _save(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        if self.progress.f1[-1] == max(self.progress.f1):
            save_lists(self.out / "best.npz", weight=self.average.get())
        save_lists(
            self.out / "last.npz",
            weight=self.model.get_weights(),
            average=self.average.get(),
            optimizer=[ops.convert_to_numpy(value) for value in self.model.optimizer.variables],
            progress=[np.frombuffer(json.dumps(asdict(self.progress)).encode(), np.uint8)],
        )

    def resume(self) -> bool:
        """Go on from last.npz; False when there is none. Raises ValueError when it is of another network."""
        path = self.out / "last.npz"
        if not path.exists():
            return False
        self.progress = Progress(**json.loads(load_list(path, "progress")[0].tobytes()))
        self.model.set_weights(load_list(path, "weight"))
        self.average = WeightAverage(load_list(path, "average"), self.config.average_decay)
        self.average.steps = int(1e9)
        state = load_list(path, "optimizer")
        for variable, value in zip(self.model.optimizer.variables, state, strict=True):
            variable.assign(value)
        return True


class _StepHook(keras.callbacks.Callback):  # type: ignore[misc]
    """Before each step the learning rate, after it the average; stops where the phase or the budget ends."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self.trainer, self.done = trainer, 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        rate = self.trainer.config.rate(self.trainer.share(batch))
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        trainer = self.trainer
        self.done = batch + 1
        trainer.average.update(self.model)
        trainer.watcher.step(self.done, float((logs or {}).get("loss", float("nan"))))
        share = trainer.share(self.done)
        if share >= 1 or trainer.config.phase(share) != trainer.phase:
            self.model.stop_training = True


def fastest_policy() -> str:
    """How models compute here; weights are float32 in all of them (Micikevicius et al. 2018).

    float16 on a GPU; bfloat16 on a processor that multiplies it (AMX or AVX-512), as Linux names them; else float32.
    """
    if tf.config.list_physical_devices("GPU"):
        return "mixed_float16"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and re.search(r"\b(amx|avx512)_bf16\b", cpuinfo.read_text()):
        return "mixed_bfloat16"
    return "float32"


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """Models built inside compute as the policy says."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def save_lists(path: Path, **lists: Sequence[NDArray[Any]]) -> None:
    """Write lists of arrays as one .npz, replacing the file in one step."""
    numbered = {
        f"{name}.{index}": value for name, values in lists.items() for index, value in enumerate(values)
    }
    save_arrays(path, numbered)


def load_list(path: Path, name: str) -> list[NDArray[Any]]:
    """Read one list that `save_lists` wrote."""
    with np.load(path) as stored:
        return [
            stored[f"{name}.{index}"] for index in range(sum(key.startswith(f"{name}.") for key in stored))
        ]
