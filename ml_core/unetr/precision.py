"""The dtype that models compute in; weights are float32 throughout (Micikevicius et al. 2018)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from ml_core.unetr.devices import gpus


def fastest_policy() -> str:
    """Keras' dtype policy for this machine.

    float16 on a GPU; bfloat16 on a processor with instructions for it (AMX or AVX-512), as Linux names them;
    else float32.
    """
    if gpus():
        return "mixed_float16"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and re.search(r"\b(amx|avx512)_bf16\b", cpuinfo.read_text()):
        return "mixed_bfloat16"
    return "float32"


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Models built in the block compute under this policy; "fastest" chooses it by the machine."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(fastest_policy() if name == "fastest" else name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
