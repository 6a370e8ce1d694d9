"""The training loss: cross-entropy and soft Dice, over targets that may be sets of classes."""

import keras
import numpy as np
from keras import KerasTensor, ops
from numpy.typing import NDArray


class SegmentationLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy + soft Dice of (B, S, S) target codes against (B, s, s, C) logits.

    The logits are interpolated bilinearly, as inference does. Where s is less than S, each call looks at one pixel
    of each logit's (S / s) x (S / s) cell, the same in all cells: neighbours say nearly the same, and the loss over
    all of them would take a fifth of a training step. Which one follows from the sum of the codes, as good as
    drawn anew for each batch: a generator would have a state that a resumed run and JAX's compiled step lack.

    Cross-entropy is -log of the summed probability of the classes a code allows; the code that allows all
    of them ("ignore") thus costs nothing, and the mean is over the other pixels. With `weights` (C,) it is a weighted
    mean; the weight of a code is the mean of those of its classes.
    Soft Dice (Milletari et al. 2016) is taken per class over the whole batch, so that a part that a single
    face does not show does not swing it; where a code allows several classes its target is the present
    prediction, restricted to them.
    """

    def __init__(
        self,
        allowed: NDArray[np.float32],
        *,
        dice_weight: float = 1.0,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(name="segmentation_loss")
        self.allowed = allowed
        self.dice_weight = dice_weight
        self.weights = None if weights is None else allowed @ weights / allowed.sum(axis=1)  # (S,), by code

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        codes, logits = ops.cast(y_true, "int32"), ops.cast(y_pred, "float32")
        stride = codes.shape[1] // logits.shape[1]
        drawn = ops.sum(codes)
        for axis in (1, 2):
            pixel, drawn = ops.mod(drawn, stride), ops.floor_divide(drawn, stride)
            codes, logits = _every(codes, stride, pixel, axis), _between(logits, stride, pixel, axis)
        allowed = ops.take(ops.convert_to_tensor(self.allowed), codes, axis=0)  # (B, s, s, C)
        classes = self.allowed.shape[1]
        counts = ops.cast(ops.not_equal(codes, classes), "float32")  # (B, s, s): 0 where ignored

        total = ops.logsumexp(logits, axis=-1)
        share = counts if self.weights is None else counts * ops.take(self.weights, codes)
        cross_entropy = (total - ops.logsumexp(logits - 1e9 * (1.0 - allowed), axis=-1)) * share
        cross_entropy = ops.sum(cross_entropy) / ops.maximum(ops.sum(share), 1e-6)

        probabilities = ops.softmax(logits, axis=-1) * counts[..., None]
        target = ops.stop_gradient(probabilities * allowed)
        target = target / ops.maximum(ops.sum(target, axis=-1, keepdims=True), 1e-6) * counts[..., None]
        overlap = ops.sum(probabilities * target, axis=(0, 1, 2))
        size = ops.sum(probabilities, axis=(0, 1, 2)) + ops.sum(target, axis=(0, 1, 2))
        dice = 1.0 - ops.mean((2.0 * overlap + 1.0) / (size + 1.0))
        return cross_entropy + self.dice_weight * dice


def _every(x: KerasTensor, stride: int, pixel: KerasTensor, axis: int) -> KerasTensor:
    """Of each cell of `stride` pixels along an axis, the one at `pixel`."""
    shape = x.shape[axis]
    cells = ops.reshape(x, (-1, *x.shape[1:axis], shape // stride, stride, *x.shape[axis + 1 :]))
    return ops.take(cells, pixel, axis=axis + 1)


def _between(x: KerasTensor, stride: int, pixel: KerasTensor, axis: int) -> KerasTensor:
    """What bilinear interpolation to `stride` times the size along an axis gives at `pixel` of each cell."""
    offset = (
        ops.cast(pixel, "float32") + 0.5
    ) / stride - 0.5  # of the pixel from the cell's middle, in cells
    size = x.shape[axis]
    neighbours = ops.clip(ops.arange(size) + ops.cast(ops.sign(offset), "int32"), 0, size - 1)
    share = ops.abs(offset)
    return (1 - share) * x + share * ops.take(x, neighbours, axis=axis)
