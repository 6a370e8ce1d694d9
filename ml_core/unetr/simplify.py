"""Rewrite an exported graph into operators for which inference engines have a single kernel.

tf2onnx writes a layer normalisation as nine operators and a dense layer as two, and TensorFlow reorders the products
of a GELU so that ONNX Runtime does not recognise it. All are as `ml_core.unetr.layers` makes them; a graph without
them is left as it is.
"""

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper


class _Graph:
    """The producer and consumers of each tensor, and the constants."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.maker = {output: node for node in graph.node for output in node.output}
        self.readers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.constants = {tensor.name: tensor for tensor in graph.initializer}

    def made_by(self, name: str, kind: str) -> NodeProto | None:
        node = self.maker.get(name)
        return node if node is not None and node.op_type == kind else None

    def only_reader(self, name: str, kind: str) -> NodeProto | None:
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None

    def constant(self, node: NodeProto) -> tuple[str, np.ndarray] | None:
        """The constant among a node's two inputs."""
        for name in node.input:
            if name in self.constants:
                return name, numpy_helper.to_array(self.constants[name])
        return None


def simplify(model: onnx.ModelProto) -> tuple[int, int, int]:
    """Rewrite in place; returns how many layer normalisations, GELUs and dense layers were found."""
    graph = _Graph(model.graph)
    norms = sum(_fuse_layer_norm(graph, node) for node in list(model.graph.node) if node.op_type == "Div")
    gelus = sum(_restore_gelu(graph, node) for node in list(model.graph.node) if node.op_type == "Erf")
    dense = sum(_join_bias(graph, node) for node in list(model.graph.node) if node.op_type == "MatMul")
    drop_unread(model.graph)
    return norms, gelus, dense


def _fuse_layer_norm(graph: _Graph, divide: NodeProto) -> bool:
    """(x - mean) / sqrt(mean((x - mean)^2) + eps) * gamma + beta  ->  LayerNormalization, in the last node's place."""
    centred, root = graph.made_by(divide.input[0], "Sub"), graph.made_by(divide.input[1], "Sqrt")
    add_epsilon = graph.made_by(root.input[0], "Add") if root else None
    scale = graph.only_reader(divide.output[0], "Mul")
    shift = graph.only_reader(scale.output[0], "Add") if scale else None
    if centred is None or add_epsilon is None or scale is None or shift is None:
        return False
    epsilon, gamma, beta = (graph.constant(node) for node in (add_epsilon, scale, shift))
    if epsilon is None or gamma is None or beta is None or gamma[1].ndim != 1:
        return False
    shift.op_type = "LayerNormalization"
    shift.input[:] = [centred.input[0], gamma[0], beta[0]]
    shift.attribute.extend(
        [helper.make_attribute("axis", -1), helper.make_attribute("epsilon", float(epsilon[1]))]
    )
    return True


def _restore_gelu(graph: _Graph, erf: NodeProto) -> bool:
    """x * (0.5 * (1 + erf(x * 0.7071)))  ->  (x * (1 + erf(x / 1.4142))) * 0.5, which ONNX Runtime knows as GELU."""
    product = graph.made_by(erf.input[0], "Mul")
    factor = graph.constant(product) if product is not None else None
    add_one = graph.only_reader(erf.output[0], "Add")
    inner = graph.only_reader(add_one.output[0], "Mul") if add_one else None
    half = graph.constant(inner) if inner is not None else None
    outer = graph.only_reader(inner.output[0], "Mul") if inner is not None else None
    if product is None or factor is None or add_one is None or inner is None or half is None or outer is None:
        return False
    x = next(name for name in product.input if name != factor[0])
    if (
        not np.isclose(factor[1], np.sqrt(0.5)).all()
        or not np.isclose(half[1], 0.5).all()
        or x not in outer.input
    ):
        return False
    name = "sqrt_2"
    if name not in graph.constants:
        tensor = numpy_helper.from_array(np.asarray(np.sqrt(2.0), np.float32), name)
        graph.graph.initializer.append(tensor)
        graph.constants[name] = tensor
    product.op_type = "Div"
    product.input[:] = [x, name]
    inner.input[:] = [x, add_one.output[0]]
    outer.input[:] = [inner.output[0], half[0]]
    return True


def _join_bias(graph: _Graph, product: NodeProto) -> bool:
    """A matrix product with a constant and a sum with another  ->  Gemm, in the sum's place.

    ONNX Runtime would do so by itself; quantisation needs it done, to have the bias in the integer kernel.
    """
    weight = graph.constants.get(product.input[1])
    add = graph.only_reader(product.output[0], "Add")
    bias = graph.constant(add) if add is not None else None
    if weight is None or len(weight.dims) != 2 or add is None or bias is None or bias[1].ndim != 1:
        return False
    add.op_type, add.name = "Gemm", product.name
    add.input[:] = [*product.input, bias[0]]
    return True


def drop_unread(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants whose outputs are no longer read."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):  # the nodes are in topological order
        if any(output in needed for output in node.output):
            kept.append(node)
            needed.update(node.input)
    nodes = kept[::-1]
    del graph.node[:]
    graph.node.extend(nodes)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(constants)
