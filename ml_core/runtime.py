"""Sessions set up for serving: many requests at once, for days, in little memory."""

import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import onnxruntime as ort
from numpy.typing import NDArray

from ml_core.cpu_time import elsewhere

CPU = ("CPUExecutionProvider",)
OPENVINO = "OpenVINOExecutionProvider"
"""Offered where the package `openvino` is installed: beside ONNX Runtime, which stays as it is."""


class ProviderUnavailable(ValueError):
    """An execution provider that is not installed on this machine or could not start."""


class Tensor(NamedTuple):
    """An input or output of a graph, with the attributes of ONNX Runtime's NodeArg.

    type   such as tensor(uint8)
    shape  a name or None stands for a size that is not fixed
    """

    name: str
    type: str
    shape: Sequence[int | str | None]


class Session(Protocol):
    """A graph ready to compute; `run` may be called by many threads at once."""

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[Any]]) -> list[Any]: ...

    def get_inputs(self) -> Sequence[Tensor]: ...

    def get_outputs(self) -> Sequence[Tensor]: ...


class SeveralThreads:
    """A session whose threads all compute for the one that asks: what they take counts as that one's CPU time.

    Each is taken to compute as long as the one that asks.
    """

    def __init__(self, session: Session, threads: int) -> None:
        """`threads` as of `open_session`."""
        self._session = session
        self._others = (threads or os.cpu_count() or 1) - 1
        self.get_inputs, self.get_outputs = session.get_inputs, session.get_outputs

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[Any]]) -> list[Any]:
        """As of `Session`."""
        begun = time.thread_time()
        found = self._session.run(output_names, input_feed)
        elsewhere.seconds += self._others * (time.thread_time() - begun)
        return found


def available_providers() -> list[str]:
    """The names that PROVIDERS may have here."""
    found: list[str] = ort.get_available_providers()
    if OPENVINO not in found and find_spec("openvino") is not None:
        found = [OPENVINO, *found]
    return found


def check_providers(providers: Sequence[str]) -> None:
    """Raises ProviderUnavailable naming what there is; ONNX Runtime by itself falls back in silence."""
    available = available_providers()
    missing = [name for name in providers if name not in available]
    if missing or not providers:
        raise ProviderUnavailable(f"no {', '.join(missing)} here; available: {', '.join(available)}")


def open_session(
    model: Path | bytes, *, providers: Sequence[str] = CPU, threads: int = 0, size: Sequence[int] = ()
) -> Session:
    """A session on a file or its content; `threads` compute one inference (0: one per core).

    The first provider takes what it can compute, the next ones the rest; OpenVINO takes all. With a `size`, a graph
    that leaves `batch`, `height` and `width` free is fixed to one photo of it: nothing in it computes sizes then.
    Raises ProviderUnavailable.
    """
    check_providers(providers)
    if providers[0] == OPENVINO and OPENVINO not in ort.get_available_providers():
        from ml_core.openvino_session import OpenVinoSession

        return _counted(OpenVinoSession(model, threads=threads), threads)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = bool(size)  # for the finder's canvases it would want a block for each shape
    options.add_session_config_entry("session.use_env_allocators", "1")
    if size:
        for name, side in zip(("batch", "height", "width"), (1, *size), strict=True):
            options.add_free_dimension_override_by_name(name, side)
    _share_memory()
    # Idle threads that spin take the core from the next request's decoding and encoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = [name for name in providers if name in ort.get_available_providers()]
    session = ort.InferenceSession(model, options, providers=wanted)
    unstarted = [name for name in wanted if name not in session.get_providers()]
    if unstarted:
        raise ProviderUnavailable(f"{', '.join(unstarted)} could not be started")
    return _counted(session, threads)


def _counted(session: Session, threads: int) -> Session:
    """The session, whose threads' time counts for the one that asks; one alone counts by itself."""
    return session if threads == 1 else SeveralThreads(session, threads)


@cache
def _share_memory() -> None:
    """One arena for all sessions of the process: by default each has its own, and grows it for itself.

    Its regions double, as is the default: of regions just as large as what was asked for, many small ones are left.
    """
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({}))
