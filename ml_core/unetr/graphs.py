"""ONNX graphs with large weights: put in after the conversion, folded where the conversion could not, and saved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

ONE_FILE = 2**31 - 2**20
"""Bytes. protobuf reads no file of 2 GiB."""


def put_weights(graph: GraphProto, weights: Mapping[str, NDArray[Any]]) -> None:
    """Make the inputs of these names constants. What only rearranges or scales them is done here and now."""
    kept = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(kept)
    values = dict(weights)
    for node in list(graph.node):
        if node.input and node.input[0] in values and node.op_type in ("Transpose", "Identity", "Reshape"):
            values[node.output[0]] = _rearranged(node, values[node.input[0]], graph)
            graph.node.remove(node)
    read = {name for node in graph.node for name in node.input}
    values = {name: value for name, value in values.items() if name in read}
    _fold_normalisations(graph, values)
    for name in list(values):
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values.pop(name)), name))


def save_graph(model: ModelProto, path: Path, *, one_file: int = ONE_FILE) -> None:
    """Write and check a graph; a graph of more than `one_file` bytes leaves its weights in `<path>.data`."""
    beside = path.with_name(f"{path.name}.data")
    beside.unlink(missing_ok=True)  # onnx would append to it
    apart = model.ByteSize() > one_file
    onnx.save(model, str(path), save_as_external_data=apart, location=beside.name if apart else None)
    onnx.checker.check_model(str(path), full_check=True)


def infer_shapes(model: ModelProto) -> None:
    """Note the shape of each value in the graph, in place: ONNX's own function copies all weights four times."""
    graph = model.graph
    light = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    light.graph.name = graph.name
    light.graph.node.extend(graph.node)
    light.graph.input.extend(graph.input)
    light.graph.output.extend(graph.output)
    for tensor in graph.initializer:
        if tensor.ByteSize() < 1024:  # shapes among them, whose values count
            light.graph.initializer.append(tensor)
        else:
            light.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    found = onnx.shape_inference.infer_shapes(light).graph.value_info
    del graph.value_info[:]
    graph.value_info.extend(found)


def _rearranged(node: NodeProto, value: NDArray[Any], graph: GraphProto) -> NDArray[Any]:
    match node.op_type:
        case "Transpose":
            return value.transpose(next(attribute.ints for attribute in node.attribute))
        case "Reshape":
            shape = next(tensor for tensor in graph.initializer if tensor.name == node.input[1])
            return value.reshape(numpy_helper.to_array(shape))
        case _:
            return value


def _fold_normalisations(graph: GraphProto, values: dict[str, NDArray[Any]]) -> None:
    """Conv -> Mul by a constant a channel -> Add of one  ->  Conv with a bias, where Conv's kernel is in `values`."""
    small = {tensor.name: tensor for tensor in graph.initializer}
    for conv in [node for node in graph.node if node.op_type == "Conv" and node.input[1] in values]:
        if len(conv.input) > 2:
            continue
        scale = _only_reader(graph, conv.output[0], "Mul", small)
        shift = _only_reader(graph, scale[0].output[0], "Add", small) if scale else None
        if scale is None or shift is None:
            continue
        factor, bias = (numpy_helper.to_array(small[name]).reshape(-1) for _, name in (scale, shift))
        kernel = values[conv.input[1]]
        if not factor.size == bias.size == len(kernel):
            continue
        values[conv.input[1]] = kernel * factor.reshape(-1, *(1,) * (kernel.ndim - 1))
        graph.initializer.append(numpy_helper.from_array(bias, f"{conv.output[0]}/bias"))
        conv.input.append(f"{conv.output[0]}/bias")
        conv.output[0] = shift[0].output[0]
        graph.node.remove(scale[0])
        graph.node.remove(shift[0])


def _only_reader(
    graph: GraphProto, name: str, kind: str, constants: Mapping[str, Any]
) -> tuple[NodeProto, str] | None:
    """The one node that reads a tensor, and the constant that it joins it with."""
    readers = [node for node in graph.node if name in node.input]
    if len(readers) != 1 or readers[0].op_type != kind:
        return None
    constant = next((other for other in readers[0].input if other in constants), None)
    return (readers[0], constant) if constant else None
