"""The packages that training needs and serving does not.

The stages import this module before anything else: run as programs, they end here, in a line that says what to install.
"""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import ml_core.unetr  # noqa: F401  # what it sets must be set before TensorFlow is imported

BACKEND = os.environ.get("KERAS_BACKEND") or "tensorflow"
BACKENDS = {"tensorflow": "", "jax": " -r training/requirements-jax.txt", "torch": " torch"}
"""What pip installs for each backend of Keras, beside what all need."""
INSTALL = f"""pip install -r requirements.txt -r training/requirements.txt{BACKENDS.get(BACKEND, "")}
or use the image of docker/training.Dockerfile (docs/containers.md)."""
KERAS = (BACKEND, "keras", "tf2onnx")
OTHERS = ("pooch", "matplotlib", "onnx", "rich", "safetensors", "nibabel")
WITHOUT_KERAS = ("training.ingest", "training.evaluate")
"""Programs that train and export nothing."""


def lacking(needed: Sequence[str] = (*KERAS, *OTHERS)) -> str | None:
    """What is missing and how to get it; None where nothing is."""
    if BACKEND in needed and BACKEND not in BACKENDS:
        return f"KERAS_BACKEND={BACKEND}: not a backend that trains; take {', '.join(BACKENDS)}"
    missing = [name for name in needed if find_spec(name) is None]
    return f"Training needs {', '.join(missing)}, which serving does not:\n{INSTALL}" if missing else None


def broken() -> str | None:
    """Why Keras or its backend, which are installed, cannot be imported; None where they can. Imports them."""
    try:
        import_module("keras")
    except Exception as error:  # libraries raise other things than ImportError where versions do not fit
        first: BaseException = error
        while (before := first.__cause__ or first.__context__) is not None:
            first = before
        told = (str(first).splitlines() or [""])[0]
        again = INSTALL.replace("pip install", "pip install --force-reinstall", 1)
        return f"Keras with {BACKEND} cannot be imported ({type(first).__name__}: {told}). Install it anew:\n{again}"
    return None


program = getattr(sys.modules["__main__"], "__spec__", None)
name = program.name if program is not None else ""
if name.startswith("training."):
    for number in (signal.SIGINT, signal.SIGTERM):  # while the rest is imported, which takes seconds
        signal.signal(number, lambda *_: sys.exit("Stopped."))
    keras_too = name not in WITHOUT_KERAS
    if told := lacking((*KERAS, *OTHERS) if keras_too else OTHERS) or (broken() if keras_too else None):
        sys.exit(told)
