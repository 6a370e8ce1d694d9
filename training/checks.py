"""Every file of a run read once at ingest, so that bad ones are named before training and not in its middle."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ml_core.bundle import sha256_of
from ml_core.labels import IGNORE, LabelSet
from training.landmarks import landmarks_of, read_landmarks
from training.layouts import SPLITS, split_match
from training.manifest import Manifest
from training.masks import read_any
from training.photos import DataError, Files, check_size, each, match, no_labels, read, read_photo

SHOWN = 10
"""Problems in the error message; the rest are in the file."""


def check_files(manifest: Manifest, report: Path, known: str = "") -> str:
    """Read every photo, label picture and landmarks file in parallel.

    Returns two digests, of the files' names, sizes and times, and of their names and bytes. If `known`, which is an
    earlier result, begins with the first, nothing is read. Raises DataError with the first problems, one per file;
    `report` receives all of them.
    """
    own, unlabelled = _listed([split_match(manifest.root, split) for split in SPLITS])
    coarse, also_unlabelled = _listed([match(other.root) for other in manifest.extra])
    scenes = manifest.scenes.all_photos() if manifest.scenes else []
    every = [path for files in (*own, *coarse) for path in files]
    digest = _digest([*every, *unlabelled, *also_unlabelled, *scenes], manifest.labels)
    if digest == known.partition(" ")[0]:
        return known
    found = [
        *map(no_labels, [*unlabelled, *also_unlabelled]),
        *each(partial(_pair_problem, manifest.labels), own, "checking photos and labels"),
        *each(_coarse_problem, coarse, "checking further photos"),
        *each(_photo_problem, scenes, "checking scenes"),
    ]
    problems = [problem for problem in found if problem]
    if problems:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text("\n".join(problems) + "\n", encoding="utf-8")
        raise DataError(_summary(problems, report))
    report.unlink(missing_ok=True)
    return f"{digest} {_contents(manifest.root, [*every, *scenes])}"


def _listed(matched: Sequence[tuple[list[Files], list[Path]]]) -> tuple[list[Files], list[Path]]:
    return [files for found, _ in matched for files in found], [path for _, rest in matched for path in rest]


def _pair_problem(labels: LabelSet, files: Files) -> str | None:
    """What is wrong with a photo, its labels or its landmarks."""
    try:
        found = read_any(files[1], labels)
        check_size(files, read_photo(files[0]), found)
        if landmarks := landmarks_of(files[0]):
            read_landmarks(landmarks)
    except DataError as error:
        return str(error)
    values = np.flatnonzero(np.bincount(found.ravel()))
    strange = [int(value) for value in values if value >= len(labels) and value != IGNORE]
    if strange:
        return f"{files[1]}: label values {strange}, but there are {len(labels)} classes and {IGNORE}"
    return None


def _coarse_problem(files: Files) -> str | None:
    """The same of a further set, whose label values may be anything."""
    try:
        read(files)
    except DataError as error:
        return str(error)
    return None


def _photo_problem(path: Path) -> str | None:
    try:
        read_photo(path)
    except DataError as error:
        return str(error)
    return None


def _digest(paths: Iterable[Path], labels: LabelSet) -> str:
    found = hashlib.sha256(repr((labels.names, labels.colors)).encode())
    for path in paths:
        stat = path.stat()
        found.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _contents(root: Path, paths: Sequence[Path]) -> str:
    """By names relative to `root`, so that another machine finds the same."""
    found = hashlib.sha256()
    for path, digest in zip(paths, each(sha256_of, paths, "digesting files"), strict=True):
        found.update(f"{os.path.relpath(path, root)}\0{digest}\n".encode())
    return found.hexdigest()


def _summary(problems: Sequence[str], report: Path) -> str:
    if len(problems) == 1:
        return problems[0]
    rest = len(problems) - SHOWN
    more = f"\n  and {rest} more" if rest > 0 else ""
    listed = "\n  ".join(problems[:SHOWN])
    return f"{len(problems)} files cannot be used (all of them are listed in {report}):\n  {listed}{more}"
