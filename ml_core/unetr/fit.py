"""The training loop: AdamW on growing input sizes, averaged weights, and checkpoints to resume from."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import cv2
import keras
import numpy as np

from ml_core.unetr.average import WeightAverage
from ml_core.unetr.checkpoint import Progress, read_checkpoint, write_checkpoint
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import Batch, TrainingBatches, TrainingData, prefetch, validation_batches
from ml_core.unetr.interrupt import stop_requested
from ml_core.unetr.losses import SegmentationLoss
from ml_core.unetr.metrics import Scores, confusion_matrix, scores
from ml_core.unetr.model import build_unetr
from ml_core.unetr.precision import dtype_policy
from ml_core.unetr.schedule import Budget, FitConfig, Phase
from ml_core.unetr.weights import assign, load_weights, named, save_arrays

LAST, BEST = "last.npz", "best.npz"


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
        """An epoch of at most `steps` batches begins, or is resumed."""

    def step(self, done: int, loss: float) -> None:
        """A batch is done; `loss` is the epoch's mean so far."""

    def end_epoch(self, report: EpochReport) -> None:
        """The averaged weights were scored. Told again if the run is killed before its next checkpoint."""


class Trainer:
    """One run, from its start or its last checkpoint until its budget is spent.

    The folder `out` receives last.npz, the checkpoint, and best.npz, the averaged weights with the best
    validation F1, each replaced in one step.
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
        self.average = WeightAverage(named(self.model.weights), config.average_decay)
        self._validation: Sequence[Batch] = ()
        self._budget = Budget(epochs=1)
        self._clock = self._saved = 0.0

    def start(self, weights: Path) -> None:
        """Begin from a file that `save_weights` wrote. Raises WeightsError when it does not fit."""
        load_weights(self.model, weights)
        self.average = WeightAverage(named(self.model.weights), self.config.average_decay)
        self._save()

    def resume(self) -> None:
        """Go on from last.npz. Raises WeightsError when there is none, or one of another network."""
        self.average, self.progress = read_checkpoint(self.out / LAST, self.model, self.config.average_decay)

    def run(self, budget: Budget) -> None:
        """Train until the budget is spent.

        Raises KeyboardInterrupt after SIGINT or SIGTERM, with a checkpoint of the last finished step.
        """
        self._budget = budget
        with stop_requested() as stop:
            while (share := budget.share(self.progress.epoch, self.progress.seconds)) < 1:
                self._enter(self.config.phase(share))
                self._clock = self._saved = time.monotonic()
                speed = self._train_epoch(stop)
                self._end_epoch(speed)
                if stop.is_set():
                    raise KeyboardInterrupt

    def evaluate(self) -> Scores:
        """Score the averaged weights on the validation photos, at the config's image size."""
        own = named(self.model.weights)
        assign(self.model.weights, self.average.values, self.out)
        matrix = np.zeros((self.net.num_classes, self.net.num_classes), np.int64)
        for images, codes in self._validation:
            for logits, truth in zip(self.model.predict_on_batch(images), codes, strict=True):
                full = cv2.resize(logits, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
                guess = full.argmax(axis=-1).astype(np.uint8)
                matrix += confusion_matrix(truth, guess, self.net.num_classes)
        assign(self.model.weights, own, self.out)
        return scores(matrix)

    def _train_epoch(self, stop: Event) -> float:
        """Do the epoch's remaining batches, fewer if the phase or the budget ends; returns images per second."""
        progress, phase = self.progress, self.phase
        steps, first, started = self._steps, progress.step, self._clock
        batches = TrainingBatches(
            self.data,
            phase.augment or self.config.augment,
            size=phase.size,
            batch_size=phase.batch_size,
            steps=steps,
            seed=self.config.seed + progress.epoch,
        )
        self.watcher.start_epoch(progress.epoch, steps, phase.batch_size, phase.size)
        with closing(prefetch(batches, first)) as source:
            for images, codes in source:
                if stop.is_set():
                    self._save()
                    raise KeyboardInterrupt
                share = self._share()
                if share >= 1 or self.config.phase(share) != phase:
                    break
                self.model.optimizer.learning_rate = self.config.rate(share)
                self.model.reset_metrics()  # else train_on_batch returns the mean loss since the last reset
                progress.loss += float(self.model.train_on_batch(images, codes))
                progress.step += 1
                self.average.update(self.model)
                self._tick()
                self.watcher.step(progress.step, progress.loss / progress.step)
                if self._clock - self._saved > 60 * self.config.checkpoint_minutes:
                    self._save()
                    self._saved = self._clock
        return (progress.step - first) * phase.batch_size / max(self._clock - started, 1e-9)

    def _end_epoch(self, speed: float) -> None:
        """Score, report and save."""
        progress = self.progress
        rate, loss = self.config.rate(self._share()), progress.loss / max(progress.step, 1)
        found = self.evaluate()
        progress.epoch, progress.step, progress.loss = progress.epoch + 1, 0, 0.0
        progress.f1.append(found.mean_f1)
        self._tick()
        self.watcher.end_epoch(EpochReport(progress, self.phase.size, loss, rate, speed, found))
        if found.mean_f1 == max(progress.f1):
            save_arrays(self.out / BEST, self.average.values)
        self._save()

    def _enter(self, phase: Phase) -> None:
        """Go on at the phase's input size: same weights, same optimizer state."""
        if phase.size != self.phase.size:
            model = self._compiled(phase.size)
            assign(model.weights, named(self.model.weights), self.out)
            assign(model.optimizer.variables, named(self.model.optimizer.variables), self.out)
            self.model = model
        if phase.size != self.phase.size or not self._validation:
            self._validation = validation_batches(
                self.data.val, size=phase.size, target_size=self.net.image_size, batch_size=16
            )
        self.phase = phase

    def _compiled(self, size: int) -> keras.Model:
        with dtype_policy(self.config.precision):
            model = build_unetr(self.net, input_size=size)
        optimizer = keras.optimizers.AdamW(
            self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            global_clipnorm=self.config.clip_norm,
            name="adamw",  # checkpoints have its variables by name, which Keras would otherwise number
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "table"])
        if model.compute_dtype == "float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale")
        loss = SegmentationLoss(self.data.table.allowed, dice_weight=self.config.dice_weight)
        model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        return model

    @property
    def _steps(self) -> int:
        return max(1, self.config.samples_per_epoch // self.phase.batch_size)

    def _share(self) -> float:
        """Progress of the run from 0 to 1."""
        epochs = self.progress.epoch + self.progress.step / self._steps
        return self._budget.share(epochs, self.progress.seconds)

    def _tick(self) -> None:
        """Count the wall time since the last call."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def _save(self) -> None:
        write_checkpoint(self.out / LAST, self.model, self.average, self.progress)
