"""Every file of a run read once at ingest, so that bad ones are named before training and not in its middle."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

import numpy as np

from ml_core.bundle import sha256_of
from ml_core.labels import IGNORE, LabelSet
from training.landmarks import landmarks_of, read_landmarks
from training.layouts import SPLITS, split_match
from training.manifest import Manifest
from training.masks import read_any
from training.photos import (
    DataError,
    Files,
    Image,
    Labels,
    check_size,
    each,
    match,
    no_labels,
    read_labels,
    read_photo,
)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

SHOWN = 10
"""Problems in the error message; the rest are in the file."""


def check_files(manifest: Manifest, report: Path, known: str = "") -> str:
    """Read every photo, label picture and landmarks file in parallel.

    Returns two digests, of the files' names, sizes and times, and of their names and bytes. If `known`, which is an
    earlier result, begins with the first, nothing is read. Raises DataError with the first problems; `report`
    receives all of them.
    """
    own, unlabelled = _listed([split_match(manifest.root, split) for split in SPLITS])
    coarse, also_unlabelled = _listed([match(other.root) for other in manifest.extra])
    scenes = manifest.scenes.all_photos() if manifest.scenes else []
    every = [path for files in (*own, *coarse) for path in files]
    every += [path for photo, _ in own if (path := landmarks_of(photo))]
    digest = _digest([*every, *unlabelled, *also_unlabelled, *scenes], manifest.labels)
    if digest and digest == known.partition(" ")[0]:
        return known
    problems = [
        *map(no_labels, [*unlabelled, *also_unlabelled]),
        *_shared([*own, *coarse]),
        *_all(each(partial(_pair_problems, manifest.labels), own, "checking photos and labels")),
        *_all(each(_coarse_problems, coarse, "checking further photos")),
        *_all(each(_photo_problems, scenes, "checking scenes")),
    ]
    if problems:
        refuse(problems, report)
    report.unlink(missing_ok=True)
    return f"{digest} {_contents(manifest.sets(), [*every, *scenes])}"


def _listed(matched: Sequence[tuple[list[Files], list[Path]]]) -> tuple[list[Files], list[Path]]:
    return [files for found, _ in matched for files in found], [path for _, rest in matched for path in rest]


def _shared(files: Sequence[Files]) -> list[str]:
    """A line for each photo whose labels another has too: their names differ in suffix or letter case alone."""
    owners: dict[Path, Path] = {}
    return [
        f"{photo}: has the same name as {owner.name}, and {labels} cannot be of both"
        for photo, labels in files
        if (owner := owners.setdefault(labels, photo)) != photo
    ]


def refuse(problems: Sequence[str], report: Path) -> NoReturn:
    """Write all of them to `report`. Raises DataError with the first."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_bytes(os.fsencode("\n".join(problems) + "\n"))  # names of files may be in any encoding
    raise DataError(_summary(problems, report))


def _pair_problems(labels: LabelSet, files: Files) -> list[str]:
    """What is wrong with a photo, its labels and its landmarks: a line for each of these files."""
    problems: list[str] = []
    image = _tried(problems, read_photo, files[0])
    if (found := _tried(problems, read_any, files[1], labels)) is not None:
        _tried(problems, _check_labels, files, image, found, labels)
    if landmarks := landmarks_of(files[0]):
        _tried(problems, read_landmarks, landmarks)
    return problems


def _check_labels(files: Files, image: Image | None, found: Labels, labels: LabelSet) -> None:
    """Raises DataError where their size is not the photo's, their values are no classes, or no pixel counts."""
    if image is not None:
        check_size(files, image, found)
    values = np.flatnonzero(np.bincount(found.ravel())).tolist()
    if strange := [value for value in values if value >= len(labels) and value != IGNORE]:
        raise DataError(
            f"{files[1]}: label values {strange}, but there are {len(labels)} classes and {IGNORE}"
        )
    if values == [IGNORE]:
        raise DataError(f"{files[1]}: every pixel is {IGNORE}, which is not counted; leave the photo out")


def _coarse_problems(files: Files) -> list[str]:
    """The same of a further set, whose label values may be anything."""
    problems: list[str] = []
    image, found = _tried(problems, read_photo, files[0]), _tried(problems, read_labels, files[1])
    if image is not None and found is not None:
        _tried(problems, check_size, files, image, found)
    return problems


def _photo_problems(path: Path) -> list[str]:
    problems: list[str] = []
    _tried(problems, read_photo, path)
    return problems


def _tried(
    problems: list[str],
    read: Callable[_Arguments, _Result],
    *arguments: _Arguments.args,
    **more: _Arguments.kwargs,
) -> _Result | None:
    """What it returns; None, and a problem more, where it raises DataError."""
    try:
        return read(*arguments, **more)
    except DataError as error:
        problems.append(str(error))
        return None


def _all(found: Iterable[list[str]]) -> list[str]:
    return [problem for problems in found for problem in problems]


def _digest(paths: Iterable[Path], labels: LabelSet) -> str:
    found = hashlib.sha256(repr((labels.names, labels.colors)).encode())
    for path in paths:
        try:
            stat = path.stat()
        except OSError:  # a link to nothing, which has no contents that could stay as they are
            return ""
        found.update(os.fsencode(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n"))
    return found.hexdigest()


def _contents(sets: Mapping[Path, str], paths: Sequence[Path]) -> str:
    """By names within the set, of which `sets` has the names by folder: it is the same wherever each of them lies."""
    found = hashlib.sha256()
    for path, digest in zip(paths, each(sha256_of, paths, "digesting files"), strict=True):
        root = max((root for root in sets if path.is_relative_to(root)), key=lambda root: len(root.parts))
        found.update(os.fsencode(f"{sets[root]}\0{path.relative_to(root)}\0{digest}\n"))
    return found.hexdigest()


def _summary(problems: Sequence[str], report: Path) -> str:
    if len(problems) == 1:
        return problems[0]
    rest = len(problems) - SHOWN
    more = f"\n  and {rest} more" if rest > 0 else ""
    listed = "\n  ".join(problems[:SHOWN])
    return f"{len(problems)} files cannot be used (all of them are listed in {report}):\n  {listed}{more}"
