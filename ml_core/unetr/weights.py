"""Keras weights in a plain .npz, by name, so that training can go on from a bundle."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.model import RESIDUAL


class WeightsError(ValueError):
    """Weights that do not belong to the network."""


def seed(value: int) -> None:
    """Make the random first weights the same every time."""
    keras.utils.set_random_seed(value)


def save_weights(model: keras.Model, path: Path, *, dtype: type[np.floating] = np.float32) -> None:
    """Write every weight under its path in the model, replacing the file in one step."""
    save_arrays(path, {weight.path: np.asarray(weight, dtype) for weight in model.weights})


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name as one .npz, replacing the file in one step."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    part.replace(path)


def load_weights(model: keras.Model, path: Path) -> None:
    """Read what `save_weights` wrote. Raises WeightsError, naming the weight, unless all of them fit.

    Residual layers that the file knows nothing of stay as they are: new ones change no answer of the network.
    """
    try:
        with np.load(path) as stored:
            for weight in model.weights:
                if weight.path not in stored:
                    if RESIDUAL in weight.path:
                        continue
                    raise WeightsError(f"{path}: no weight named {weight.path}: it is of another network")
                value = stored[weight.path]
                if value.shape != tuple(weight.shape):
                    raise WeightsError(
                        f"{path}: {weight.path} is {value.shape}, the network has {tuple(weight.shape)}"
                    )
                weight.assign(value.astype(np.float32))
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from error
