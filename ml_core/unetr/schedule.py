"""The schedule of a training run: budget, learning rate, input sizes.

Learning rate and input size are functions of the run's progress from 0 to 1, counted in epochs or minutes, so
that a resumed run and one limited by time need nothing special.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from ml_core.unetr.augment_config import AugmentConfig, Positive, Share

Count = Annotated[int, Field(gt=0)]
_strict = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_strict)
class Phase:
    """Input size (pixels) and batch size until a share of the run's progress.

    A batch is split over all devices of the run.
    """

    size: Annotated[int, Field(ge=32)]
    batch_size: Count
    until: Share
    augment: AugmentConfig | None = None
    """Overrides the run's augmentation; what a mapping leaves out is the run's, not the default."""


@dataclass(frozen=True, config=_strict)
class FitConfig:
    """How to train. The `until` of the phases rise, and the last is 1.

    A phase's `augment` may be a mapping of the settings that differ from the run's.
    """

    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    epochs: Count = 100
    """Length of a run that is given neither epochs nor minutes."""
    samples_per_epoch: Count = 4096
    learning_rate: Positive = 1e-3
    final_rate: Positive = 1e-5
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """Share of the run in which the learning rate rises."""
    encoder_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Learning rate of the encoder, relative to the rest: less than 1 to fine-tune a trained one."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    clip_norm: Positive = 1.0
    accumulate: Count = 1
    """Batches whose gradients are averaged for one step of the optimizer, where a large batch does not fit in memory.
    Batch statistics and Dice are of each batch."""
    patience: Count | None = None
    """Epochs without a better validation F1 after which a run ends."""
    class_weights: Literal["frequency"] | dict[str, Positive] | None = None
    """Of the cross-entropy: by class name, where the others have 1, or by how rare a class is."""
    average_decay: Share = 0.998
    """Per-step decay of the moving average of the weights, which is what is evaluated and exported."""
    dice_weight: Annotated[float, Field(ge=0)] = 1.0
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["fastest", "float32", "mixed_bfloat16", "mixed_float16"] = "fastest"
    """Keras' dtype policy; `fastest` picks one for this machine. Weights are float32 in all of them."""
    checkpoint_minutes: Positive = 10.0
    """A run that is killed loses at most this much; each epoch's end is a checkpoint too."""
    augment: AugmentConfig = AugmentConfig()

    @model_validator(mode="before")
    @classmethod
    def _inherit_augment(cls, values: Any) -> Any:
        """Fill up each phase's `augment` from the run's."""
        given = values.kwargs if isinstance(values, ArgsKwargs) else values
        if not isinstance(given, Mapping) or not isinstance(given.get("phases"), list | tuple):
            return values
        augment = given.get("augment") or {}
        run = asdict(augment) if isinstance(augment, AugmentConfig) else augment
        return {**given, "phases": [_with_augment(phase, run) for phase in given["phases"]]}

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
        """The phase at this progress."""
        return next((phase for phase in self.phases if progress < phase.until), self.phases[-1])


def _with_augment(phase: Any, augment: Any) -> Any:
    if all(isinstance(one, Mapping) for one in (phase, augment)) and isinstance(
        phase.get("augment"), Mapping
    ):
        return {**phase, "augment": {**augment, **phase["augment"]}}
    return phase


@dataclass(frozen=True)
class Budget:
    """How long to train: epochs, or minutes of wall time summed over all parts of a resumed run."""

    epochs: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.minutes is None):
            raise ValueError("give either epochs or minutes")

    def share(self, epochs: float, seconds: float) -> float:
        """Progress from 0 to 1, and beyond once the budget is spent."""
        if self.minutes is not None:
            return seconds / max(self.minutes * 60, 1e-9)
        assert self.epochs is not None
        return epochs / max(self.epochs, 1e-9)
