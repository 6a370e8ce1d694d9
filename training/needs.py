"""The packages that training needs and serving does not.

The stages that use Keras import this module before anything else: run as programs, they end here, in a line that says
what to install.
"""

import os
import sys
from importlib.util import find_spec

INSTALL = """pip install -r requirements.txt -r training/requirements.txt
or use the image of docker/training.Dockerfile (docs/containers.md)."""
NEEDED = (
    *(os.environ.get("KERAS_BACKEND", "tensorflow"), "keras", "tf2onnx", "pooch", "matplotlib", "rich"),
    *("safetensors", "nibabel"),
)


def lacking() -> str | None:
    """What is missing and how to get it; None where nothing is."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    return f"Training needs {', '.join(missing)}, which serving does not:\n{INSTALL}" if missing else None


program = getattr(sys.modules["__main__"], "__spec__", None)
if program is not None and program.name.startswith("training.") and (told := lacking()):
    sys.exit(told)
