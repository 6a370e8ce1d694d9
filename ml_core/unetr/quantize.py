"""From a float32 graph to an int8 one that ONNX Runtime computes with integers.

Static quantisation (Jacob et al. 2018): int8 weights with one scale per channel; uint8 inputs with one scale each for
matrix products and for the decoder's operators, from their range on calibration photos. docs/experiments.md has what
is left in float32, and why.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from ml_core.unetr.graphs import infer_shapes, save_graph
from ml_core.unetr.simplify import drop_unread, simplify

PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Tells the quantiser that the graph is simplified and has its shapes; else it warns."""


def quantize(source: Path, target: Path, photos: NDArray[np.uint8]) -> None:
    """Write the int8 graph of `source` to `target`: the same input, the same outputs, logits in float32.

    photos: (n, H, W, 3) uint8 RGB, calibration photos as the network sees them. They must not be those that the
    network is measured on.
    """
    model = onnx.load(source)
    simplify(model)
    moves = split_transposed_convolutions(model)
    helper.set_model_props(model, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        simplified = Path(folder, "model.onnx")
        infer_shapes(model)
        save_graph(model, simplified)
        chosen = sorted(moves | quantizable(model.graph))
        del model  # a network of the size of `full` is in memory often enough below
        quantize_static(
            simplified,
            target,
            _Photos(photos),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=chosen,
            per_channel=True,
            # Unsigned by signed: four of ONNX Runtime's products in one instruction, with VNNI or without.
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            # The results of matrix products go into GELU, sums and attention, all in float32.
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )
    onnx.checker.check_model(str(target), full_check=True)


def split_transposed_convolutions(model: onnx.ModelProto) -> set[str]:
    """Write each transposed convolution whose kernel is its stride as a 1x1 convolution and moves of its values.

    ONNX Runtime transposes convolutions in float32 alone, which took a ninth of the time of the int8 graph; 1x1
    convolutions and moves it does with integers. Channels come last in the moves, as in its integer convolutions.
    Returns the names of the nodes that move.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    moves: set[str] = set()
    for node in graph.node:
        if _kernel_is_stride(node):
            weight, bias = (numpy_helper.to_array(constants[name]) for name in node.input[1:])
            graph.initializer.extend(_constants(node.name, weight, bias))
            split = _split(node)
            nodes += split
            moves |= {part.name for part in split if part.op_type in ("Transpose", "Reshape")}
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unread(graph)
    return moves


def _kernel_is_stride(node: onnx.NodeProto) -> bool:
    values = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    return (
        node.op_type == "ConvTranspose"
        and len(node.input) == 3
        and values["kernel_shape"] == values.get("strides")
        and len(set(values["kernel_shape"])) == 1
        and not any(values.get("pads", []))
    )


def _constants(name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> list[onnx.TensorProto]:
    """What `_split` reads: weight (C, O, f, f) and bias (O) of a node."""
    inputs, outputs, factor, _ = weight.shape
    arrays = {
        "weight": weight.transpose(2, 3, 1, 0).reshape(-1, inputs, 1, 1),
        "bias": np.tile(bias, factor * factor),
        "squares": np.array([0, 0, 0, factor, factor, outputs]),  # 0: as it is
        "factor": np.array([factor]),
        "batch": np.array([-1]),
        "channels": np.array([outputs]),
    }
    return [
        numpy_helper.from_array(np.ascontiguousarray(array), f"{name}/{key}") for key, array in arrays.items()
    ]


def _split(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Each pixel's square by a 1x1 convolution (N, f*f*O, h, w), then the squares side by side (N, O, H, W)."""
    name = node.name

    def step(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
        names = [f"{name}/{key}" for key in inputs.split()]
        made = helper.make_node(kind, names, [f"{name}/{output}"], name=f"{name}/{output}", **attributes)
        made.input[:] = [
            node.input[0] if key == "x" else named for key, named in zip(inputs.split(), names, strict=True)
        ]
        return made

    steps = [
        step("Conv", "x weight bias", "values", kernel_shape=[1, 1]),
        step("Transpose", "values", "last", perm=[0, 2, 3, 1]),  # N h w ffO
        step("Reshape", "last squares", "apart", allowzero=0),  # N h w f f O
        step("Transpose", "apart", "rows", perm=[0, 1, 3, 2, 4, 5]),  # N h f w f O
        step("Reshape", "rows image", "image_last"),  # N H W O
        step("Transpose", "image_last", "image_first", perm=[0, 3, 1, 2]),
    ]
    steps[-1].output[:] = node.output
    sizes = [
        step("Shape", "last", "grid", start=1, end=3),
        step("Mul", "grid factor", "sides"),
        step("Concat", "batch sides channels", "image", axis=0),
    ]
    return [*steps[:2], *sizes, *steps[2:]]


def quantizable(graph: onnx.GraphProto) -> set[str]:
    """The names of the matrix products, and of what the decoder does: convolutions, sums and concatenations.

    The convolutions before the first product see little more than pixels: they are a fiftieth of the work, and in
    int8 they cost four points of F1. Those that make the logits cost time for being converted there and back. Sums
    outside of the decoder, the transformer's, stay in float32: what is added up layer by layer must be exact.
    """
    deep: set[str] = set()
    decoder: set[str] = set()
    chosen = set()
    logits = _makers_of(graph, "logits")
    for node in graph.node:  # in topological order
        after_product = node.op_type == "Gemm" or not deep.isdisjoint(node.input)
        if after_product:
            deep.update(node.output)
        in_decoder = (node.op_type == "Conv" and after_product) or not decoder.isdisjoint(node.input)
        if in_decoder:
            decoder.update(node.output)
        decodes = in_decoder and node.op_type in ("Conv", "Concat", "Add") and node.name not in logits
        if node.op_type == "Gemm" or decodes:
            chosen.add(node.name)
    return chosen


def _makers_of(graph: onnx.GraphProto, output: str) -> set[str]:
    """The convolution that makes an output, seen through what only moves its values."""
    maker = {name: node for node in graph.node for name in node.output}
    node = maker.get(output)
    while node is not None and node.op_type in ("Transpose", "Reshape", "Add", "Cast", "Identity"):
        node = next((maker[name] for name in node.input if name in maker), None)
    return {node.name} if node is not None else set()


class _Photos(CalibrationDataReader):  # type: ignore[misc]
    """Hands out one photo at a time."""

    def __init__(self, photos: NDArray[np.uint8]) -> None:
        self._left: Iterator[NDArray[np.uint8]] = iter(photos)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        photo = next(self._left, None)
        return None if photo is None else {"image": photo[None]}
