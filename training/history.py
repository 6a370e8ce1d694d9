"""How a bundle came to be: the run that made it, and the runs before that, as model.json and start.json have them."""

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from ml_core.bundle import CARD, BundleError, ModelCard
from training.manifest import Manifest
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
    def read(cls, out: Path) -> Self:
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


class Data(BaseModel):
    """By what a run knows its data again."""

    model_config = ConfigDict(frozen=True)

    name: str
    contents: str | None
    """The manifest's digest of all files."""
    classes: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> "Data":
        """Of what `ingest` found."""
        return cls(name=manifest.name, contents=manifest.contents, classes=manifest.labels.names)


class Prepared(Start):
    """start.json of a run, with the data that it was prepared for; earlier versions left that out."""

    data: Data | None = None


def check_data(out: Path, manifest: Manifest) -> None:
    """Raises RunError unless this is the data that the run in `out` was prepared for, in whatever folder it lies."""
    before, now = Prepared.read(out).data, Data.of(manifest)
    if before is None:
        return
    differs = {"files": before.contents != now.contents, "classes": before.classes != now.classes}
    if any(differs.values()):
        raise RunError(
            f"the run in {out} was prepared for {before.name}, but {manifest.name} in {manifest.root} has other "
            f"{' and '.join(what for what in differs if differs[what])}: name the data of then by --data, with its "
            "files as they were, or start anew, without --resume and from the prepare stage on"
        )


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
    def read(cls, out: Path) -> Self:
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
