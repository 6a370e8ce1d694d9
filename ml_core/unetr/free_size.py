"""Free an exported graph of the size of its input: one file then serves a close look and a coarser, wider one.

tf2onnx writes the grid of patches into the graph at three places: the table of positions, the tokens that attention
is computed among, and the grid that the skips are put back on. Each is computed from the input here instead; positions
are interpolated as `ml_core.unetr.layers.Positions` does. A graph of the size that it was exported with computes the
same as before, bit by bit.
"""

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from ml_core.unetr.simplify import drop_unread


def free_size(model: onnx.ModelProto) -> bool:
    """Rewrite in place; False, and nothing is changed, where no table of positions is found.

    Height and width of the input may then be any multiples of the patch size. The names of the free sizes are those
    that `ml_core.runtime.open_session` fixes.
    """
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    positions = next(filter(None, (_positions(node, constants) for node in graph.node)), None)
    if positions is None:
        return False
    table, patches = positions
    hidden, *grid = constants[table].shape[1:]
    nodes: list[NodeProto] = []
    shapes: set[str] = set()
    for node in graph.node:
        if table in node.input:
            nodes += [
                helper.make_node("Shape", [patches], ["free/grid"], start=2, end=4),
                helper.make_node("ReduceProd", ["free/grid"], ["free/tokens"]),
                *_joined(graph, "free/table_size", [1, hidden], "free/grid"),
                helper.make_node(
                    "Resize",
                    [table, "", "", "free/table_size"],
                    ["free/table"],
                    mode="linear",
                    coordinate_transformation_mode="half_pixel",
                ),
            ]
            node.input[:] = ["free/table" if name == table else name for name in node.input]
        elif node.op_type == "Reshape" and node.input[1] in constants:
            size = constants[node.input[1]].tolist()
            kind = _kind(size, grid)
            if kind:
                rest = size[3:] if kind == "free/grid" else size[2:]
                name = "/".join([f"{kind}_size", *map(str, rest)])
                if name not in shapes:
                    nodes += _joined(graph, name, [-1], kind, rest)
                    shapes.add(name)
                node.input[1] = name
        nodes.append(node)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    drop_unread(graph)
    sizes = ("batch", "height", "width")
    named = {"image": sizes, "labels": sizes, "logits": ("batch", "logits_height", "logits_width")}
    for value in [*graph.input, *graph.output]:
        for axis, size_name in enumerate(named.get(value.name, ())):
            value.type.tensor_type.shape.dim[axis].dim_param = size_name
    return True


def _positions(node: NodeProto, constants: dict[str, np.ndarray]) -> tuple[str, str] | None:
    """The table (1, D, h, w) that a sum adds to the embedded patches, and those patches."""
    if node.op_type != "Add":
        return None
    tables = [name for name in node.input if name in constants and constants[name].ndim == 4]
    others = [name for name in node.input if name not in constants]
    return (tables[0], others[0]) if tables and others and constants[tables[0]].shape[0] == 1 else None


def _kind(size: list[int], grid: list[int]) -> str | None:
    """Which part of (N, ...) sizes depends on the input."""
    if len(size) != 4 or size[0] != -1:
        return None
    if size[1:3] == grid:
        return "free/grid"
    return "free/tokens" if size[1] == grid[0] * grid[1] else None


def _joined(graph: onnx.GraphProto, name: str, *parts: list[int] | str) -> list[NodeProto]:
    """The node that joins fixed and computed sizes."""
    inputs = []
    for place, part in enumerate(parts):
        if isinstance(part, str):
            inputs.append(part)
        elif part:
            inputs.append(f"{name}/{place}")
            graph.initializer.append(numpy_helper.from_array(np.array(part, np.int64), inputs[-1]))
    return [helper.make_node("Concat", inputs, [name], axis=0)]
