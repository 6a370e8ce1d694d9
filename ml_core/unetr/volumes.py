"""Train a UNETR on volumes: random cubes, the loss of photos, validation by sliding windows."""

import itertools
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import KerasTensor, ops
from numpy.typing import NDArray

from ml_core.unetr.interrupt import stop_requested
from ml_core.unetr.losses import SegmentationLoss
from ml_core.unetr.metrics import Scores, confusion_matrix, scores
from ml_core.unetr.schedule import Budget, FitConfig

Intensities = NDArray[np.float32]
Codes = NDArray[np.uint8]
Volume = tuple[Intensities, Codes]
"""(D, H, W) intensities in 0..1 and class ids; 255 is not counted."""
Report = Callable[[int, float, Scores], None]
"""Told of each epoch: its number from 1, the mean loss, the validation scores."""


class VolumeLoss(SegmentationLoss):
    """`SegmentationLoss` of (B, S, S, S) codes against (B, S, S, S, C) logits.

    Neither of its terms looks at neighbours, so that two axes may be taken as one.
    """

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        depth, height, width, classes = y_pred.shape[1:]
        codes = ops.reshape(y_true, (-1, depth * height, width))
        codes = ops.where(ops.greater_equal(ops.cast(codes, "int32"), classes), classes, codes)
        return super().call(codes, ops.reshape(y_pred, (-1, depth * height, width, classes)))


def fit(
    model: keras.Model,
    config: FitConfig,
    budget: Budget,
    train: Sequence[Volume],
    val: Sequence[Volume],
    report: Report = lambda epoch, loss, found: None,
) -> list[float]:
    """Train the model until the budget is spent; returns the validation F1 of each epoch, and leaves the best weights.

    Raises KeyboardInterrupt after SIGINT or SIGTERM; the model then has the best weights so far.
    """
    size, classes = model.input_shape[1], model.output_shape[-1]
    optimizer = keras.optimizers.AdamW(
        config.learning_rate, weight_decay=config.weight_decay, global_clipnorm=config.clip_norm
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "table"])
    allowed = np.concatenate([np.eye(classes, dtype=np.float32), np.ones((1, classes), np.float32)])
    model.compile(optimizer, VolumeLoss(allowed, dice_weight=config.dice_weight), jit_compile=False)
    batch = config.phases[-1].batch_size
    steps = max(1, config.samples_per_epoch // batch)
    best, f1, started = model.get_weights(), list[float](), time.monotonic()

    def share(epochs: float) -> float:
        return budget.share(epochs, time.monotonic() - started)

    with stop_requested() as stop:
        while share(len(f1)) < 1 and not stop.is_set():
            losses = []
            for step in range(steps):
                if stop.is_set() or (now := share(len(f1) + step / steps)) >= 1:
                    break
                rng = np.random.default_rng((config.seed, len(f1), step))
                cubes = [cube(train[int(rng.integers(len(train)))], size, rng) for _ in range(batch)]
                optimizer.learning_rate = config.rate(now)
                model.reset_metrics()
                images, codes = (np.stack(parts) for parts in zip(*cubes, strict=True))
                losses.append(float(model.train_on_batch(images[..., None], codes)))
            found = evaluate(model, val)
            if found.mean_f1 > max(f1, default=-1.0):
                best = model.get_weights()
            f1.append(float(np.nan_to_num(found.mean_f1)))
            report(len(f1), float(np.mean(losses)) if losses else float("nan"), found)
        model.set_weights(best)
        if stop.is_set():
            raise KeyboardInterrupt
    return f1


def bare(model: keras.Model) -> keras.Model:
    """The same network without the loss, which Keras alone could not open, and the optimizer, twice as large."""
    return keras.Model(model.inputs, model.outputs)


def cube(volume: Volume, size: int, rng: np.random.Generator) -> Volume:
    """A random cube of a volume, mirrored at random, brighter or darker; beyond the volume 0, not counted."""
    image, codes = padded(volume, size)
    starts = [int(rng.integers(side - size + 1)) for side in codes.shape]
    part = tuple(slice(start, start + size) for start in starts)
    flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
    image, codes = np.flip(image[part], flips), np.flip(codes[part], flips)
    changed = image * rng.uniform(0.9, 1.1) + rng.uniform(-0.1, 0.1)
    return np.clip(changed, 0, 1).astype(np.float32), codes


def padded(volume: Volume, size: int) -> Volume:
    """At least `size` voxels along each axis."""
    image, codes = volume
    more = [(0, max(0, size - side)) for side in codes.shape]
    return np.pad(image, more), np.pad(codes, more, constant_values=255)


def predict(model: keras.Model, image: Intensities) -> Codes:
    """Class ids of a whole volume, (D, H, W): windows that overlap by half, their logits averaged."""
    size, shape = model.input_shape[1], image.shape
    image, _ = padded((image, np.zeros(shape, np.uint8)), size)
    total = np.zeros((*image.shape, model.output_shape[-1]), np.float32)
    starts = [sorted({*range(0, side - size, max(size // 2, 1)), side - size}) for side in image.shape]
    for corner in itertools.product(*starts):
        part = tuple(slice(start, start + size) for start in corner)
        total[part] += model.predict_on_batch(image[part][None, ..., None])[0]
    # A voxel's windows all count the same: their number divides no argmax.
    return np.asarray(total[tuple(map(slice, shape))].argmax(axis=-1), np.uint8)


def evaluate(model: keras.Model, volumes: Sequence[Volume]) -> Scores:
    """Scores over all voxels of whole volumes."""
    classes = model.output_shape[-1]
    matrix = np.zeros((classes, classes), np.int64)
    for image, codes in volumes:
        matrix += confusion_matrix(codes, predict(model, image), classes)
    return scores(matrix)
