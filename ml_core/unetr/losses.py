"""The training loss: cross-entropy and soft Dice, over targets that may be sets of classes."""

import keras
import numpy as np
from keras import KerasTensor, ops
from numpy.typing import NDArray


class SegmentationLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy + soft Dice of (B, S, S) target codes against (B, s, s, C) logits.

    The logits are brought to the targets' size by bilinear interpolation, as inference does.

    Cross-entropy is -log of the summed probability of the classes a code allows; the code that allows all
    of them ("ignore") thus costs nothing, and the mean is over the other pixels.
    Soft Dice (Milletari et al. 2016) is taken per class over the whole batch, so that a part that a single
    face does not show does not swing it; where a code allows several classes its target is the present
    prediction, restricted to them.
    """

    def __init__(
        self,
        allowed: NDArray[np.float32],
        *,
        dice_weight: float = 1.0,
    ) -> None:
        super().__init__(name="segmentation_loss", reduction="sum")
        self.allowed = allowed
        self.dice_weight = dice_weight

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        codes = ops.cast(y_true, "int32")
        logits = ops.image.resize(ops.cast(y_pred, "float32"), codes.shape[1:3], interpolation="bilinear")
        allowed = ops.take(ops.convert_to_tensor(self.allowed), codes, axis=0)  # (B, S, S, C)
        classes = self.allowed.shape[1]
        counts = ops.cast(ops.not_equal(codes, classes), "float32")  # (B, S, S): 0 where ignored

        total = ops.logsumexp(logits, axis=-1)
        cross_entropy = (total - ops.logsumexp(logits - 1e9 * (1.0 - allowed), axis=-1)) * counts
        cross_entropy = ops.sum(cross_entropy) / ops.maximum(ops.sum(counts), 1.0)

        probabilities = ops.softmax(logits, axis=-1) * counts[..., None]
        target = ops.stop_gradient(probabilities * allowed)
        target = target / ops.maximum(ops.sum(target, axis=-1, keepdims=True), 1e-6) * counts[..., None]
        overlap = ops.sum(probabilities * target, axis=(0, 1, 2))
        size = ops.sum(probabilities, axis=(0, 1, 2)) + ops.sum(target, axis=(0, 1, 2))
        dice = 1.0 - ops.mean((2.0 * overlap + 1.0) / (size + 1.0))
        return cross_entropy + self.dice_weight * dice
