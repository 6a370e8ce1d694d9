"""Checkpoints: everything a run needs to go on as if it had never stopped, as named arrays in one .npz.

weight/PATH, average/PATH      the model's weights and their moving average
optimizer/PATH                 moments, step count and the rest of the optimizer's state
progress/FIELD                 the fields of `Progress`, and `steps`, which the average has counted

Batches need no state: the generator of a sample is seeded by run, epoch, step and row.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.average import WeightAverage
from ml_core.unetr.optimizer import LOSS_SCALE
from ml_core.unetr.weights import Arrays, WeightsError, assign, named, read_arrays, save_arrays


@dataclass
class Progress:
    """Where a run stands."""

    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    """Steps done in the present epoch."""
    samples: int = 0
    """Samples of these steps."""
    loss: float = 0.0
    """Sum of the losses of these steps."""
    seconds: float = 0.0
    """Wall time of the whole run, without that of compiling."""
    f1: list[float] = field(default_factory=list)
    """Validation mean F1 of each finished epoch."""
    losses: list[float] = field(default_factory=list)
    """Mean training loss of each finished epoch."""

    @property
    def stale(self) -> int:
        """Finished epochs since the one with the best F1."""
        return len(self.f1) - 1 - self.f1.index(max(self.f1)) if self.f1 else 0


def write_checkpoint(path: Path, model: keras.Model, average: WeightAverage, progress: Progress) -> None:
    """Write the state of a run, replacing the file in one step."""
    groups: dict[str, Arrays] = {
        "weight": named(model.weights),
        "average": average.values,
        "optimizer": named(model.optimizer.variables),
        "progress": {
            name: np.asarray(value) for name, value in {**vars(progress), "steps": average.steps}.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_arrays(
        path, {f"{group}/{name}": value for group, rows in groups.items() for name, value in rows.items()}
    )


def read_checkpoint(path: Path, model: keras.Model, decay: float) -> tuple[WeightAverage, Progress]:
    """Set a compiled model's weights and optimizer to a checkpoint's; returns its average and progress.

    Raises WeightsError when the file is unreadable or of another network; the model may then be half set.
    """
    groups: dict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
    for key, value in read_arrays(path).items():
        group, _, name = key.partition("/")
        groups[group][name] = value
    for values in groups["average"], groups["weight"]:  # the average only to check that it fits
        assign(model.weights, values, path)
    # a run may go on from a CPU to a GPU, in float16 there: the loss scale then starts as in a new run
    assign(model.optimizer.variables, groups["optimizer"], path, may_lack=LOSS_SCALE)
    numbers = {name: value.tolist() for name, value in groups["progress"].items()}
    try:
        average = WeightAverage(groups["average"], decay, steps=numbers.pop("steps"))
        return average, Progress(**numbers)
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{path}: not a checkpoint of this version: {error}") from error
