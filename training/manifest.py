"""data.json, what a run trains on: written by `ingest`, read by every later stage."""

import fnmatch
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    SerializationInfo,
    ValidationError,
    ValidationInfo,
)

from ml_core.bundle import Classes
from training.layouts import Split, split_match
from training.photos import DataError, Files, no_labels, pairs, pictures


def _shortened(path: Path, info: SerializationInfo) -> str:
    """Relative to the folder of data.json where the data lies in the working directory, as a clone has it."""
    if info.context and path.is_relative_to(Path.cwd()):
        return os.path.relpath(path, info.context)
    return str(path)


def _found_again(path: Path, info: ValidationInfo) -> Path:
    return Path(os.path.normpath(info.context / path)) if info.context else path


Folder = Annotated[Path, AfterValidator(_found_again), PlainSerializer(_shortened)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExtraSet(_Strict):
    """A further training set, whose labels may be coarser than the run's classes."""

    name: str
    root: Folder
    """Holds images/ and labels/."""
    values: dict[int, tuple[int, ...]]
    """Label value -> ids of the classes it may stand for; other values are ignored."""
    hold_out: str | None = None
    """File name pattern of the photos kept out of training, for measuring."""
    weight: float = 1.0
    licence: str = "not stated"

    def files(self, *, held_out: bool) -> list[Files]:
        """The photos kept out of training, or the ones to train on."""
        return [files for files in pairs(self.root) if self._holds_out(files[0]) == held_out]

    def _holds_out(self, photo: Path) -> bool:
        return self.hold_out is not None and fnmatch.fnmatch(photo.name, self.hold_out)


class SceneSet(_Strict):
    """Photos without faces."""

    name: str
    root: Folder
    hold_out_every: int | None = None
    """Every n-th photo is kept out of training, for measuring."""
    licence: str = "not stated"

    def all_photos(self) -> list[Path]:
        """In the order of their paths."""
        return pictures(self.root, pattern="**/*")

    def photos(self, *, held_out: bool) -> list[Path]:
        """The photos kept out of training, or the ones to train on."""
        every = self.hold_out_every
        return [
            photo
            for index, photo in enumerate(self.all_photos())
            if (every is not None and index % every == 0) == held_out
        ]


class Manifest(_Strict):
    """The data of one run. Paths are absolute; in data.json, those in the working directory are relative to it."""

    name: str
    labels: Classes
    cut: Literal["face", "whole"] = "face"
    """What a model of this data parses: each face that is found, or the whole photo."""
    root: Folder
    """Holds the splits, each with images/ and labels/, or these two alone; label values are class ids."""
    origin: Folder | None = None
    """Where `root` was made from, if labels there are RGB pictures."""
    licence: str = "not stated"
    sha256: str | None = None
    contents: str | None = None
    """Digest of the names and bytes of all files, by which later stages are out of date when a file changed."""
    counts: dict[str, int] = {}
    """Photos per split."""
    extra: tuple[ExtraSet, ...] = ()
    scenes: SceneSet | None = None

    def sets(self) -> dict[Path, str]:
        """The name of each set that the run has, by its folder: its own, further ones, scenes."""
        sets: list[Manifest | ExtraSet | SceneSet] = [self, *self.extra]
        if self.scenes:
            sets.append(self.scenes)
        return {one.root: one.name for one in sets}

    def files(self, split: Split) -> list[Files]:
        """The labelled photos of a split. Raises DataError when there are none."""
        found, unlabelled = split_match(self.root, split)
        if unlabelled:
            raise DataError(no_labels(unlabelled[0]))
        if not found:
            raise DataError(
                f"{self.root}, {split}: no photos in images/ with a PNG of the same name in labels/"
            )
        return found

    def scene_photos(self, *, held_out: bool) -> list[Path]:
        """Photos without faces; an empty list where the data set names none."""
        return self.scenes.photos(held_out=held_out) if self.scenes else []

    def write(self, path: Path) -> None:
        """Write data.json."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self.model_dump_json(indent=2, context=path.parent.absolute())
        path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read data.json. Raises DataError."""
        if not path.exists():
            raise DataError(f"{path} is not there: run the ingest stage first")
        try:
            return cls.model_validate_json(path.read_bytes(), context=path.parent.absolute())
        except ValidationError as error:
            raise DataError(f"{path}: not readable, run the ingest stage again ({error})") from error
