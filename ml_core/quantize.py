"""From a float32 graph to an int8 one that ONNX Runtime computes with integers.

Static quantisation (Jacob et al. 2018): weights become int8 with a scale a channel, the inputs of matrix products
and convolutions uint8 with a scale each, taken from the smallest and largest value on calibration photos. What is
left in float32, and why, is measured in docs/experiments.md. Needs the `onnx` package, which only training installs.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from ml_core.unetr.simplify import simplify

PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Tells the quantiser that the graph is simplified and has its shapes; else it warns."""


def quantize(source: Path, target: Path, photos: NDArray[np.uint8]) -> None:
    """Write the int8 graph of `source` to `target`: the same input, the same outputs, logits in float32.

    photos: (n, H, W, 3) uint8 RGB, calibration photos as the network sees them. They must not be those that the
    network is measured on.
    """
    model = onnx.load(source)
    simplify(model)
    onnx.helper.set_model_props(model, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        simplified = Path(folder, "model.onnx")
        onnx.save(onnx.shape_inference.infer_shapes(model), simplified)
        quantize_static(
            simplified,
            target,
            _Photos(photos),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=sorted(quantizable(model.graph)),
            per_channel=True,
            # Unsigned by signed: four of ONNX Runtime's products in one instruction, with VNNI or without.
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            # The results of matrix products go into GELU, sums and attention, all in float32.
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )
    onnx.checker.check_model(onnx.load(target), full_check=True)


def quantizable(graph: onnx.GraphProto) -> set[str]:
    """The names of the matrix products, and of the convolutions that come after one, but for the logits' own.

    The convolutions before the first product see little more than pixels: they are a fiftieth of the work, and in
    int8 they cost four points of F1. Those that make the logits cost time for being converted there and back.
    """
    deep: set[str] = set()
    chosen = set()
    logits = _makers_of(graph, "logits")
    for node in graph.node:  # in topological order
        after_product = node.op_type == "Gemm" or not deep.isdisjoint(node.input)
        if after_product:
            deep.update(node.output)
        if node.op_type == "Gemm" or (node.op_type == "Conv" and after_product and node.name not in logits):
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
