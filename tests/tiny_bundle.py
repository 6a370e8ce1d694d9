"""A bundle whose network is a nearest-colour look-up, and drawn faces in those colours.

An image painted in the palette's colours is parsed exactly, so tests of serving can state the expected
labels pixel by pixel; it is a real ONNX model of a few hundred bytes, made without TensorFlow.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml_core.bundle import Bundle
from ml_core.images import colorize
from ml_core.labels import LabelSet
from ml_core.segmenter import Segmenter
from training.bundle_files import write_golden, write_model_json
from training.lapa import LAPA


def make_palette_bundle(
    folder: Path | str,
    *,
    size: int | tuple[int, int] = 32,
    labels: LabelSet = LAPA,
    name: str = "tiny",
    logits_scale: float = 0.5,
    **entries: Any,
) -> Path:
    """Write a whole bundle into `folder` (made if missing) and return it; `size` is a side or (H, W).

    `entries` are further ones of model.json.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    height, width = (size, size) if isinstance(size, int) else size
    onnx.save(palette_model(height, width, labels, logits_scale), folder / "model.onnx")
    write_model_json(
        folder,
        name=name,
        version="1.0.0",
        labels=labels,
        input_size=(height, width),
        temperature=1.0,
        metrics={"mean_f1": 1.0},
        parity={},
        data="drawn faces",
        licence="Apache-2.0",
        **entries,
    )
    (folder / "README.md").write_text("# tiny\n\nFinds the nearest palette colour.\n")
    asked = Segmenter(Bundle.load(folder, golden=False))
    golden = colorize(draw_face(height, width), labels)
    write_golden(folder, golden, lambda image: asked.predict(image, faces="whole").labels)
    return folder


def palette_model(height: int, width: int, labels: LabelSet, logits_scale: float) -> onnx.ModelProto:
    """logits_c = (2 color_c . x - |color_c|^2) / 1000: the largest is the nearest colour's."""
    colors = np.array(labels.colors, np.float32)
    stride = round(1 / logits_scale)
    constants = {
        "weight": (2 / 1000 * colors.T).astype(np.float32),
        "bias": (-(colors**2).sum(axis=1) / 1000).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["pixels", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["full"]),
        helper.make_node("ArgMax", ["full"], ["best"], axis=3, keepdims=0),
        helper.make_node("Cast", ["best"], ["labels"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["full"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["pooled"], kernel_shape=[stride] * 2, strides=[stride] * 2
        ),
        helper.make_node("Transpose", ["pooled"], ["logits"], perm=[0, 2, 3, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "palette",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", height, width, 3])],
        [
            helper.make_tensor_value_info("labels", TensorProto.UINT8, ["N", height, width]),
            helper.make_tensor_value_info(
                "logits", TensorProto.FLOAT, ["N", height // stride, width // stride, len(labels)]
            ),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def draw_face(height: int, width: int | None = None) -> NDArray[np.uint8]:
    """(height, width) uint8 LaPa ids: one upright face with hair, centred in the frame's inner square."""
    width = height if width is None else width
    labels = np.zeros((height, width), np.uint8)
    side, middle = min(height, width), np.array([width / 2, height / 2])

    def oval(class_id: int, x: float, y: float, radius_x: float, radius_y: float) -> None:
        centre = tuple(int(value) for value in np.rint(middle + np.array([x, y]) * side))
        axes = max(1, round(radius_x * side)), max(1, round(radius_y * side))
        cv2.ellipse(labels, centre, axes, 0, 0, 360, class_id, cv2.FILLED)

    oval(10, 0, -0.06, 0.36, 0.40)
    oval(1, 0, 0.05, 0.26, 0.34)
    for left, brow, eye in ((-1, 2, 4), (1, 3, 5)):
        oval(brow, left * 0.12, -0.08, 0.07, 0.025)
        oval(eye, left * 0.12, 0.0, 0.06, 0.03)
    oval(6, 0, 0.09, 0.05, 0.08)
    oval(7, 0, 0.22, 0.10, 0.03)
    oval(9, 0, 0.27, 0.10, 0.03)
    oval(8, 0, 0.245, 0.07, 0.015)
    return labels
