"""A graph computed by OpenVINO in place of ONNX Runtime, behind the part of its interface that serving uses.

The package onnxruntime-openvino would do without this, but replaces ONNX Runtime by one eight releases older and took
a tenth longer; it also computes outputs that nobody asked for.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from ml_core.runtime import Tensor

TYPES = {"u8": "tensor(uint8)", "f32": "tensor(float)"}

SETTINGS: dict[str, Any] = {"ENABLE_CPU_PINNING": False}
"""Of every compiled graph. Not pinned, since other worker processes pin as well. The precision is left to OpenVINO: it
multiplies in bfloat16 where the processor does, which costs no F1 (docs/experiments.md)."""

# The bindings fill a table of types at its first use, and two threads that are first at once wait for each other
# forever. A module is imported by one thread.
ov.Tensor(np.zeros(1, np.float32)).data  # noqa: B018


class OpenVinoSession:
    """`run` may be called by many threads at once: each takes an idle request of the graph, or makes one."""

    def __init__(self, model: Path | bytes, *, threads: int = 0) -> None:
        """A file or its content; `threads` compute one inference (0: one per core)."""
        self._core = ov.Core()
        self._graph = self._core.read_model(model)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # As many inferences at once as there are cores for.
        streams = max(1, cores // threads) if threads else 1
        self._settings = {
            **SETTINGS,
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": min(cores, streams * threads) if threads else cores,
        }
        self._compiled: dict[tuple[Any, ...], tuple[ov.CompiledModel, list[ov.InferRequest]]] = {}
        self._lock = threading.Lock()

    def get_inputs(self) -> list[Tensor]:
        """Name, type and shape of each; a size that is not fixed is None."""
        return [_described(node) for node in self._graph.inputs]

    def get_outputs(self) -> list[Tensor]:
        """As get_inputs."""
        return [_described(node) for node in self._graph.outputs]

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs asked for, in their order; the first time, the graph is compiled for them and this size."""
        names = tuple(output_names)
        sizes = {name: value.shape[1:] for name, value in input_feed.items()}
        key = names, *sizes.items()
        with self._lock:
            if key not in self._compiled:
                part = self._graph.clone()
                part = ov.Model([part.output(name) for name in names], part.get_parameters())
                part.reshape({name: [-1, *size] for name, size in sizes.items()})
                self._compiled[key] = self._core.compile_model(part, "CPU", self._settings), []
        compiled, idle = self._compiled[key]
        try:
            request = idle.pop()  # atomic, and so is append
        except IndexError:
            request = compiled.create_infer_request()
        try:
            found = request.infer(dict(input_feed))
            return [np.asarray(found[index]) for index in range(len(names))]
        finally:
            idle.append(request)


def _described(node: Any) -> Tensor:
    kind = node.get_element_type().get_type_name()
    shape = tuple(size.get_length() if size.is_static else None for size in node.get_partial_shape())
    return Tensor(node.get_any_name(), TYPES.get(kind, kind), shape)
