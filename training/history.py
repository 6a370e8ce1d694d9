"""How a bundle came to be: the run that made it, and the runs before that, as model.json and start.json have them."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ml_core.bundle import CARD, BundleError, ModelCard
from training.options import RunError


class Start(BaseModel):
    """start.json: what a run starts from. `init` is a bundle, or None for random weights; `after` made the bundle."""

    model_config = ConfigDict(frozen=True)

    init: str | None = None
    licence: str | None = None
    """Of those weights, as their card has it."""
    after: "Run | None" = None

    @classmethod
    def of(cls, bundle: Path | None) -> "Start":
        """Of random weights, a bundle, or a folder with a weights.npz alone. Raises RunError."""
        if bundle is None:
            return cls(init=None)
        if not (bundle / CARD).exists():
            return cls(init=bundle.name)
        try:
            card = ModelCard.read(bundle)
            before = {"after": Run.model_validate(card.training)} if card.training else {}
        except (BundleError, ValidationError) as error:
            raise RunError(f"--init: {bundle / CARD}: {error}") from error
        return cls(init=f"{card.name} {card.version}", licence=card.licence, **before)

    @classmethod
    def read(cls, out: Path) -> "Start":
        """Of a prepared run. Raises RunError."""
        path = out / "start.json"
        try:
            return cls.model_validate_json(path.read_bytes()) if path.exists() else cls(init=None)
        except ValidationError as error:
            raise RunError(f"{path}: not readable, run the prepare stage again ({error})") from error

    def licence_with(self, data: str) -> str:
        """The licence of weights that learn from data of that licence: that of the weights before goes on."""
        if self.licence in (None, data, "not stated"):
            return data
        return f"of the data: {data}; of {self.init}, from which they were trained: {self.licence}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, without what was left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class Leg(BaseModel):
    """A phase of a run."""

    model_config = ConfigDict(extra="allow", frozen=True)

    size: int
    """Side of the input in pixels."""
    until: float
    """Share of the run."""


class Run(Start):
    """`training` of model.json: a finished run."""

    model_config = ConfigDict(extra="allow", frozen=True)

    epochs: int
    minutes: float
    samples_per_epoch: int
    phases: tuple[Leg, ...]
    validation_f1: float
    """Of the epoch whose weights were exported, 0..1."""
    validation_f1_by_epoch: tuple[float, ...] = ()
    loss_by_epoch: tuple[float, ...] = ()
    """Mean training loss; empty in bundles of earlier versions."""

    @classmethod
    def read(cls, out: Path) -> "Run":
        """run.json of a trained run. Raises RunError."""
        path = out / "run.json"
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise RunError(f"{path} is not there: run the train stage first") from error
        except ValidationError as error:
            raise RunError(f"{path}: not readable, run the train stage again ({error})") from error

    def write(self, out: Path) -> None:
        """Write run.json."""
        (out / "run.json").write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")

    def legs(self) -> list["Run"]:
        """This run and all before it, the first one first."""
        return [*(self.after.legs() if self.after else []), self]
