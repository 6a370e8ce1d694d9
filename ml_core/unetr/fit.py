"""The training loop: AdamW on growing input sizes, averaged weights, and checkpoints to resume from."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import cv2
import keras
import numpy as np

from ml_core.unetr.augment_config import Codes, Image
from ml_core.unetr.average import WeightAverage
from ml_core.unetr.balance import class_weights
from ml_core.unetr.checkpoint import Progress, read_checkpoint, write_checkpoint
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import Batch, BatchPlan, TrainingData, validation_batches
from ml_core.unetr.devices import JIT, Devices
from ml_core.unetr.feed import Feed
from ml_core.unetr.interrupt import stop_requested
from ml_core.unetr.losses import SegmentationLoss
from ml_core.unetr.metrics import Scores, confusion_matrix, scores
from ml_core.unetr.model import build_unetr
from ml_core.unetr.optimizer import build_optimizer
from ml_core.unetr.precision import dtype_policy
from ml_core.unetr.schedule import Budget, FitConfig, Phase
from ml_core.unetr.weights import WeightsError, assign, load_weights, named, save_arrays, seed

LAST, BEST = "last.npz", "best.npz"


class Diverged(RuntimeError):
    """The loss is no longer a number."""


SHOWN = 4
"""Validation photos in an epoch's report."""


@dataclass(frozen=True)
class Pace:
    """How fast an epoch went, since its last change of phase and without the first steps at a new size, which compile.

    waiting: share of the time in which the network waited for batches, 0..1.
    """

    images_per_second: float = 0.0
    waiting: float = 0.0


@dataclass(frozen=True)
class EpochReport:
    """What an epoch gave, for the table and the logs.

    shown: of the first validation photos, the photo, its codes and the classes found.
    """

    progress: Progress
    size: int
    loss: float
    rate: float
    pace: Pace
    scores: Scores
    shown: Sequence[tuple[Image, Codes, Codes]] = ()


class Watcher:
    """Told of a run as it goes; the base class stays silent."""

    def start_epoch(self, epoch: int, steps: int, batch_size: int, size: int) -> None:
        """An epoch of at most `steps` steps of `batch_size` samples begins, is resumed, or enters another phase."""

    def step(self, done: int, loss: float) -> None:
        """A step is done; `loss` is the epoch's mean so far."""

    def end_epoch(self, report: EpochReport) -> None:
        """The averaged weights were scored. Told again if the run is killed before its next checkpoint."""

    def stop_early(self, patience: int) -> None:
        """The run ends, since `patience` epochs brought no better score."""


class Trainer:
    """One run, from its start or its last checkpoint until its budget is spent.

    The folder `out` receives last.npz, the checkpoint, and best.npz, the averaged weights with the best
    validation F1, each replaced in one step. Where several processes share a run, each has a folder of its own.

    workers: processes that make batches; 0 for none but this.
    clock: in seconds.
    """

    def __init__(
        self,
        config: FitConfig,
        net: UnetrConfig,
        data: TrainingData,
        out: Path,
        *,
        watcher: Watcher | None = None,
        workers: int = 0,
        devices: Devices | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError where a phase's size or batch does not fit, or a weighted class is not there."""
        self.config, self.net, self.data, self.out = config, net, data, out
        self.watcher, self.devices = watcher or Watcher(), devices or Devices()
        self.progress = Progress()
        self.phase = config.phases[0]
        for phase in config.phases:
            self.devices.share(phase.batch_size)
            if phase.size % net.patch_size:
                raise ValueError(
                    f"a phase of {phase.size} pixels: not a multiple of patch_size {net.patch_size}"
                )
        weights = class_weights(config.class_weights, data)
        self.loss = SegmentationLoss(data.table.allowed, dice_weight=config.dice_weight, weights=weights)
        self.model = self._compiled(self.phase.size)
        self.average = WeightAverage(named(self.model.weights), config.average_decay)
        self.workers = workers
        self.feed = Feed(data)
        self._scorer: keras.Model | None = None
        self._validation: Sequence[Batch] = ()
        self._budget = Budget(epochs=1)
        self._now, self._clock, self._saved = clock, 0.0, 0.0
        self._warm: set[tuple[int, int]] = set()

    def start(self, weights: Path) -> None:
        """Begin from a file that `save_weights` wrote. Raises WeightsError when it does not fit."""
        load_weights(self.model, weights)
        self.average = WeightAverage(named(self.model.weights), self.config.average_decay)
        self._save()

    def resume(self) -> None:
        """Go on from last.npz.

        Raises WeightsError when there is none, one of another network, or the first process has one of another step.
        """
        path = self.out / LAST
        self.average, self.progress = read_checkpoint(path, self.model, self.config.average_decay)
        mine = [float(self.progress.epoch), float(self.progress.step)]
        if list(self.devices.agree(mine)) != mine:
            raise WeightsError(
                f"{path}: of another step than that of the first machine: copy {LAST} from there"
            )

    def run(self, budget: Budget) -> None:
        """Train until the budget is spent or the patience ends.

        Raises KeyboardInterrupt after SIGINT or SIGTERM, with a checkpoint of the last finished step; FeedError;
        Diverged.
        """
        self._budget = budget
        self.feed = Feed(self.data, self.workers)
        with stop_requested() as stop, closing(self.feed):
            self._clock = self._saved = self._now()
            while self.progress.step or self._share() < 1:
                if self.config.patience and self.progress.stale >= self.config.patience:
                    self.watcher.stop_early(self.config.patience)
                    return
                self._enter(self.config.phase(self._share()))
                self._clock = self._now()
                pace = self._train_epoch(stop)
                if budget.epochs and self._steps_left and self._share() < 1:
                    continue  # in the next phase, so that so many epochs have all of their samples
                self._end_epoch(pace)
                if self._stopped(stop):
                    raise KeyboardInterrupt

    def evaluate(self) -> tuple[Scores, list[tuple[Image, Codes, Codes]]]:
        """Score the averaged weights on the validation photos, at the config's image size; and SHOWN of them.

        Each process of a run does all of them, so that none waits for another.
        """
        assert self._scorer is not None
        assign(self._scorer.weights, self.average.values, self.out)
        matrix = np.zeros((self.net.num_classes, self.net.num_classes), np.int64)
        shown: list[tuple[Image, Codes, Codes]] = []
        for images, codes in self._validation:
            found = self._scorer.predict_on_batch(images)
            for image, logits, truth in zip(images, found, codes, strict=True):
                full = cv2.resize(logits, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
                guess = full.argmax(axis=-1).astype(np.uint8)
                matrix += confusion_matrix(truth, guess, self.net.num_classes)
                if len(shown) < SHOWN:
                    shown.append((image, truth, guess))
        return scores(matrix), shown

    def _train_epoch(self, stop: Event) -> Pace:
        """Do the epoch's remaining steps, fewer if the phase or the budget ends."""
        progress, phase, config = self.progress, self.phase, self.config
        steps, batches = progress.step + self._steps_left, config.accumulate
        plan = BatchPlan(
            phase.augment or config.augment,
            size=phase.size,
            batch_size=phase.batch_size,
            batches=steps * batches,
            seed=config.seed + progress.epoch,
            rows=self.devices.share(phase.batch_size),
        )
        self.watcher.start_epoch(progress.epoch, steps, phase.batch_size * batches, phase.size)
        counted, started, waited = 0, self._clock, self.feed.waited
        with closing(self.feed.batches(plan, progress.step * batches)) as source:
            while progress.step < steps:
                if self._stopped(stop):
                    self._save()
                    raise KeyboardInterrupt
                share = self._share()
                if share >= 1 or config.phase(share) != phase:
                    break
                if self._clock - self._saved > 60 * config.checkpoint_minutes:
                    self._save()  # not after the last step: a resumed run would not know at which size to score it
                self.model.optimizer.learning_rate = config.rate(share)
                losses = [self.devices.step(self.model, *next(source)) for _ in range(batches)]
                progress.loss += sum(losses) / batches
                progress.step += 1
                progress.samples += phase.batch_size * batches
                self.average.update(self.model)
                if self._warmed():
                    self._tick()
                    counted += 1
                else:
                    started, waited = self._clock, self.feed.waited
                self.watcher.step(progress.step, progress.loss / progress.step)
        took = max(self._clock - started, 1e-9)
        return Pace(counted * phase.batch_size * batches / took, (self.feed.waited - waited) / took)

    def _end_epoch(self, pace: Pace) -> None:
        """Score, report and save."""
        progress = self.progress
        rate, loss = self.config.rate(self._share()), progress.loss / max(progress.step, 1)
        if not math.isfinite(loss):
            raise Diverged(
                f"the loss of epoch {progress.epoch + 1} is {loss}: train with a lower --learning-rate"
            )
        found, shown = self.evaluate()
        progress.epoch, progress.step, progress.samples, progress.loss = progress.epoch + 1, 0, 0, 0.0
        progress.f1.append(0.0 if math.isnan(found.mean_f1) else found.mean_f1)  # no class but the background
        progress.losses.append(loss)
        self._tick()
        self.watcher.end_epoch(EpochReport(progress, self.phase.size, loss, rate, pace, found, shown))
        if progress.f1[-1] == max(progress.f1):
            save_arrays(self.out / BEST, self.average.values)
        self._save()

    def _enter(self, phase: Phase) -> None:
        """Go on at the phase's input size: same weights, same optimizer state."""
        if phase.size != self.phase.size:
            model = self._compiled(phase.size)
            assign(model.weights, named(self.model.weights), self.out)
            assign(model.optimizer.variables, named(self.model.optimizer.variables), self.out)
            self.model = model
        if phase.size != self.phase.size or self._scorer is None:
            self._validation = validation_batches(
                self.data.val, size=phase.size, target_size=self.net.image_size, batch_size=16
            )
            self._scorer = self._built(phase.size)
            self._scorer.compile(jit_compile=JIT)
            for size in {len(images) for images, _ in self._validation}:
                self._scorer.predict_on_batch(
                    np.zeros((size, phase.size, phase.size, 3), np.uint8)
                )  # compiles
        self.phase = phase

    def _compiled(self, size: int) -> keras.Model:
        with self.devices.scope():
            model = self._built(size)
            optimizer = build_optimizer(self.config, model)
            model.compile(optimizer=optimizer, loss=self.loss, jit_compile=JIT)
            model.optimizer.build(model.trainable_variables)
        return model

    def _built(self, size: int) -> keras.Model:
        """With the same weights in every process of a run, which JAX asks for, though others take their place."""
        seed(self.config.seed)
        with dtype_policy(self.config.precision):
            return build_unetr(self.net, input_size=size)

    @property
    def _steps_left(self) -> int:
        """Steps until the epoch has its samples, at the present batch size; an epoch has one at least."""
        samples = self.config.samples_per_epoch - self.progress.samples
        left = samples // (self.phase.batch_size * self.config.accumulate)
        return max(left, 0 if self.progress.step else 1)

    def _share(self) -> float:
        """Progress of the run from 0 to 1."""
        done = self.progress.samples
        left = self._steps_left * self.phase.batch_size * self.config.accumulate
        return self._budget.share(self.progress.epoch + done / max(done + left, 1), self.progress.seconds)

    def _stopped(self, stop: Event) -> bool:
        """Whether the first process was asked to stop; the clock of a run is that process' too."""
        asked, self.progress.seconds = self.devices.agree([stop.is_set(), self.progress.seconds])
        return bool(asked)

    def _warmed(self) -> bool:
        """False after the first step at an input and batch size, which compiles: its time does not count."""
        shape = self.phase.size, self.phase.batch_size
        if shape in self._warm:
            return True
        self._warm.add(shape)
        self._clock = self._now()
        return False

    def _tick(self) -> None:
        """Count the wall time since the last call."""
        now = self._now()
        self.progress.seconds += now - self._clock
        self._clock = now

    def _save(self) -> None:
        write_checkpoint(self.out / LAST, self.model, self.average, self.progress)
        self._saved = self._clock
