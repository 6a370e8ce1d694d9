"""ONNX Runtime sessions set up for serving: many requests at once, for days, in little memory."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort


class ProviderUnavailable(ValueError):
    """An execution provider that this machine's ONNX Runtime does not have or could not start."""


def check_providers(providers: Sequence[str]) -> None:
    """Raises ProviderUnavailable naming what there is; ONNX Runtime by itself falls back in silence."""
    available = ort.get_available_providers()
    missing = [name for name in providers if name not in available]
    if missing or not providers:
        raise ProviderUnavailable(f"no {', '.join(missing)} here; available: {', '.join(available)}")


def open_session(
    model: Path,
    *,
    providers: Sequence[str] = ("CPUExecutionProvider",),
    threads: int = 0,
    arena: bool = True,
) -> ort.InferenceSession:
    """A session on `model`; `threads` compute one inference (0: one a core).

    `arena=False` is for networks whose input changes its shape from run to run: ONNX Runtime would keep
    memory for each shape it has seen.
    Raises ProviderUnavailable.
    """
    check_providers(providers)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = options.enable_mem_pattern = arena
    # Idle threads that spin take the core from the next request's decoding and encoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(model), options, providers=list(providers))
    unstarted = [name for name in providers if name not in session.get_providers()]
    if unstarted:
        raise ProviderUnavailable(f"{', '.join(unstarted)} could not be started")
    return session
