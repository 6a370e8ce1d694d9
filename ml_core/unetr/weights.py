"""Weights and other variables of Keras by name, in plain .npz files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.model import RESIDUAL

Arrays = Mapping[str, NDArray[Any]]


class WeightsError(ValueError):
    """Weights that do not belong to the network; the message names the file and the weight."""


def seed(value: int) -> None:
    """Seed the initial weights."""
    keras.utils.set_random_seed(value)


def named(variables: Iterable[keras.Variable]) -> dict[str, NDArray[Any]]:
    """The values of variables by their path in the model."""
    return {variable.path: keras.ops.convert_to_numpy(variable) for variable in variables}


def assign(
    variables: Iterable[keras.Variable], values: Arrays, source: Path, *, may_lack: str | None = None
) -> None:
    """Set variables by name. Raises WeightsError unless `values`, read from `source`, has all in their shapes.

    may_lack: variables with this in their path keep their value if there is none for them.
    """
    for variable in variables:
        if variable.path not in values:
            if may_lack and may_lack in variable.path:
                continue
            raise WeightsError(f"{source}: no weight named {variable.path}: it is of another network")
        value = values[variable.path]
        if value.shape != tuple(variable.shape):
            shape = tuple(variable.shape)
            raise WeightsError(f"{source}: {variable.path} is {value.shape}, the network has {shape}")
        variable.assign(value.astype(variable.dtype))


def save_weights(model: keras.Model, path: Path, *, dtype: type[np.floating] = np.float32) -> None:
    """Write every weight under its path in the model, replacing the file in one step."""
    save_arrays(path, {name: value.astype(dtype) for name, value in named(model.weights).items()})


def load_weights(model: keras.Model, path: Path) -> None:
    """Read what `save_weights` wrote. Raises WeightsError unless all weights fit.

    Residual layers missing from the file keep their zero initialisation, which changes no output of the network.
    """
    assign(model.weights, read_arrays(path), path, may_lack=RESIDUAL)


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays by name as one .npz, replacing the file in one step."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # half a file, on a full disk


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz by name. Raises WeightsError."""
    try:
        with np.load(path) as stored:
            return dict(stored)
    except (OSError, ValueError, BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(f"{path}: {reason}") from error
