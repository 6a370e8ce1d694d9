"""Export from Keras to ONNX, and the check that both predict the same."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from ml_core.unetr.free_size import free_size
from ml_core.unetr.graphs import put_weights, save_graph
from ml_core.unetr.simplify import simplify

OPSET = 17
KEPT_OUT = 2**12
"""Elements of a kernel."""


class ParityError(RuntimeError):
    """The exported graph does not predict what the Keras model does."""


@dataclass(frozen=True)
class Parity:
    """How far ONNX Runtime is from Keras on real photos."""

    photos: int
    max_logit_difference: float
    tolerance: float
    equal_labels: float
    """Share of pixels with the same label."""
    unexplained: int
    """Pixels whose labels differ although the two best logits are further apart than the tolerance."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def export_onnx(model: keras.Model, path: Path, *, kept_out: int = KEPT_OUT) -> None:
    """Write the ONNX graph of a bundle: `image` uint8 (N, H, W, 3) -> `labels` uint8, `logits` float32.

    H and W may be any multiples of the patch size; the network was trained for those of the model.
    A network for volumes takes float32 intensities in 0..1, (N, D, H, W, C). Kernels of `kept_out` elements or more
    are inputs of the graph while it is converted, since tf2onnx copies all constants several times. Where one file
    cannot hold them they lie in `<path>.data`.
    """
    sides = tuple(model.input_shape[1:-1])
    photos = len(sides) == 2
    large = [
        weight for weight in model.weights if len(weight.shape) > 1 and math.prod(weight.shape) >= kept_out
    ]
    names = {f"weight{number}": weight for number, weight in enumerate(large)}
    kind = tf.uint8 if photos else tf.float32
    signature = [
        tf.TensorSpec((None, *model.input_shape[1:]), kind, name="image"),
        *(tf.TensorSpec(weight.shape, tf.float32, name=name) for name, weight in names.items()),
    ]

    def serve(image: tf.Tensor, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        with keras.StatelessScope(state_mapping=list(zip(large, values, strict=True))):
            logits = model(tf.cast(image, tf.float32), training=False)
        full = logits
        if tuple(logits.shape[1:-1]) != sides:
            full = tf.image.resize(logits, sides, method="bilinear")
        # keras.ops.argmax lowers to an operator that tf2onnx writes wrongly; tf.argmax does not
        labels = tf.cast(tf.argmax(full, axis=-1), tf.uint8)
        return {"labels": labels, "logits": logits}

    graph, _ = tf2onnx.convert.from_function(
        tf.function(serve, input_signature=signature), input_signature=signature, opset=OPSET
    )
    by_name = {output.name: output for output in graph.graph.output}
    del graph.graph.output[:]
    graph.graph.output.extend([by_name["labels"], by_name["logits"]])
    put_weights(graph.graph, {name: keras.ops.convert_to_numpy(weight) for name, weight in names.items()})
    simplify(graph)
    free_size(graph)
    save_graph(graph, path)


def check_parity(model: keras.Model, path: Path, photos: NDArray[Any], *, tolerance: float) -> Parity:
    """Compare Keras with ONNX Runtime on (N, H, W, 3) uint8 photos or (N, D, H, W, C) float32 volumes.

    Logits must agree within `tolerance`, labels wherever Keras' two best logits differ by more than that.
    Raises ParityError.
    """
    with _full_precision():
        expected = np.asarray(model.predict(photos.astype(np.float32), verbose=0, batch_size=1))
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answers = [session.run(["labels", "logits"], {"image": photo[None]}) for photo in photos]
    labels, logits = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    difference = float(np.abs(logits - expected).max())
    full = expected
    if expected.shape[1:-1] != photos.shape[1:-1]:
        full = tf.image.resize(expected, photos.shape[1:-1], method="bilinear").numpy()
    wanted = full.argmax(axis=-1)
    best = np.sort(full, axis=-1)
    clear = best[..., -1] - best[..., -2] > tolerance
    wrong = labels != wanted
    parity = Parity(
        photos=len(photos),
        max_logit_difference=difference,
        tolerance=tolerance,
        equal_labels=float(1 - wrong.mean()),
        unexplained=int((wrong & clear).sum()),
    )
    if not difference <= tolerance or parity.unexplained:
        raise ParityError(
            f"{path}: ONNX Runtime and Keras differ by up to {difference:.2g} in a logit (tolerance {tolerance:g}) and "
            f"in {parity.unexplained} labels that are not near-ties"
        )
    return parity


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32 in the block: GPUs round the factors of float32 products to 10 bits with it, too coarse for parity."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
