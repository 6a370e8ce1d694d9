"""Export from Keras to ONNX, and the check that both predict the same."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from ml_core.unetr.simplify import simplify

OPSET = 17


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


def export_onnx(model: keras.Model, path: Path) -> None:
    """Write the ONNX graph of a bundle: `image` uint8 (N, H, W, 3) -> `labels` uint8, `logits` float32."""
    height, width = model.input_shape[1:3]

    signature = [tf.TensorSpec((None, height, width, 3), tf.uint8, name="image")]

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = model(tf.cast(image, tf.float32), training=False)
        full = logits
        if logits.shape[1:3] != (height, width):
            full = tf.image.resize(logits, (height, width), method="bilinear")
        # keras.ops.argmax lowers to an operator that tf2onnx writes wrongly; tf.argmax does not
        labels = tf.cast(tf.argmax(full, axis=-1), tf.uint8)
        return {"labels": labels, "logits": logits}

    graph, _ = tf2onnx.convert.from_function(
        tf.function(serve, input_signature=signature), input_signature=signature, opset=OPSET
    )
    by_name = {output.name: output for output in graph.graph.output}
    del graph.graph.output[:]
    graph.graph.output.extend([by_name["labels"], by_name["logits"]])
    simplify(graph)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))


def check_parity(model: keras.Model, path: Path, photos: NDArray[np.uint8], *, tolerance: float) -> Parity:
    """Compare Keras with ONNX Runtime on (N, H, W, 3) uint8 photos.

    Logits must agree within `tolerance`, labels wherever Keras' two best logits differ by more than that.
    Raises ParityError.
    """
    expected = np.asarray(model.predict(photos.astype(np.float32), verbose=0, batch_size=4))
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    labels, logits = session.run(["labels", "logits"], {"image": photos})
    difference = float(np.abs(logits - expected).max())
    full = tf.image.resize(expected, photos.shape[1:3], method="bilinear").numpy()
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
