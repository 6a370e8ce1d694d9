"""The moving average of a model's weights, which is what a run evaluates and exports."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.weights import named

EVERY = 4
"""Steps per update of the average; each update makes up for all of them, which saves time."""


class WeightAverage:
    """Exponential moving average of all weights by name, batch statistics included (Polyak and Juditsky 1992).

    decay: per step. The first steps decay faster, so that the random start is soon forgotten.
    steps: how many were counted.
    """

    def __init__(self, values: Mapping[str, NDArray[Any]], decay: float, *, steps: int = 0) -> None:
        self.values = {name: np.array(value, np.float32) for name, value in values.items()}
        self.decay, self.steps = decay, steps

    def update(self, model: keras.Model) -> None:
        """Count a training step of the model."""
        self.steps += 1
        if self.steps % EVERY:
            return
        keep = min(self.decay, self.steps / (self.steps + 9)) ** EVERY
        for name, weight in named(model.weights).items():
            self.values[name] += (1 - keep) * (weight - self.values[name])
