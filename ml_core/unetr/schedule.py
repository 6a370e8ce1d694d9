"""How a training run goes on: its budget, its learning rate and its input sizes.

A run is measured by its progress from 0 to 1, of its epochs or of its minutes; learning rate and input size
follow from the progress alone, so that a run by the clock and a resumed run need nothing special.
"""

import math
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from ml_core.unetr.augment_config import AugmentConfig, Positive, Share

Count = Annotated[int, Field(gt=0)]
_strict = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_strict)
class Phase:
    """One leg of a run: input size (pixels) and batch size until a share of the run's progress."""

    size: Annotated[int, Field(ge=32)]
    batch_size: Count
    until: Share
    augment: AugmentConfig | None = None
    """In place of the run's own: calmer towards the end lets the network settle on well-cut faces."""


@dataclass(frozen=True, config=_strict)
class FitConfig:
    """How to train. The `until` of the phases rise, and the last is 1."""

    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    epochs: Count = 100
    """How long, where neither epochs nor minutes are asked for."""
    samples_per_epoch: Count = 4096
    learning_rate: Positive = 1e-3
    final_rate: Positive = 1e-5
    warmup: Share = 0.02
    """Share of the run in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    clip_norm: Positive = 1.0
    average_decay: Share = 0.998
    """Decay a step of the moving average of the weights, which is what is evaluated and kept."""
    dice_weight: Annotated[float, Field(ge=0)] = 1.0
    seed: int = 0
    augment: AugmentConfig = AugmentConfig()

    def __post_init__(self) -> None:
        ends = [phase.until for phase in self.phases]
        if ends != sorted(set(ends)) or ends[-1] != 1:
            raise ValueError("the `until` of the phases must rise and end at 1")

    def rate(self, progress: float) -> float:
        """Learning rate: linear warm-up, then a cosine to `final_rate` (Loshchilov and Hutter 2017)."""
        if progress < self.warmup:
            return self.learning_rate * max(progress / self.warmup, 0.01)
        share = min((progress - self.warmup) / (1 - self.warmup), 1.0)
        span = self.learning_rate - self.final_rate
        return self.final_rate + span * 0.5 * (1 + math.cos(math.pi * share))

    def phase(self, progress: float) -> Phase:
        """The leg that a progress falls into."""
        return next((phase for phase in self.phases if progress < phase.until), self.phases[-1])


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of epochs, or minutes by the clock (the minutes of resumed parts count)."""

    epochs: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.minutes is None):
            raise ValueError("give either epochs or minutes")

    def share(self, epochs: float, seconds: float) -> float:
        if self.minutes is not None:
            return seconds / max(self.minutes * 60, 1e-9)
        assert self.epochs is not None
        return epochs / max(self.epochs, 1e-9)
