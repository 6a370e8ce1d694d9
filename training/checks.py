"""Every file of a run read once at ingest, so that bad ones are named before training and not in its middle."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ml_core.labels import IGNORE
from training.manifest import SPLITS, Manifest
from training.photos import DataError, Files, each, match, no_labels, read, read_photo

SHOWN = 10
"""Problems in the error message; the rest are in the file."""


def check_files(manifest: Manifest, report: Path, known: str | None = None) -> str:
    """Read every photo and label picture in parallel; returns a digest of their names, sizes and times.

    If the digest is `known`, nothing is read. Raises DataError with the first problems, one per file; `report`
    receives all of them.
    """
    own, unlabelled = _listed(manifest.root / split for split in SPLITS)
    coarse, also_unlabelled = _listed(other.root for other in manifest.extra)
    scenes = manifest.scenes.all_photos() if manifest.scenes else []
    every = [path for files in (*own, *coarse) for path in files]
    digest = _digest([*every, *unlabelled, *also_unlabelled, *scenes], len(manifest.labels))
    if digest == known:
        return digest
    found = [
        *map(no_labels, [*unlabelled, *also_unlabelled]),
        *each(partial(_pair_problem, len(manifest.labels)), own, "checking photos and labels"),
        *each(partial(_pair_problem, None), coarse, "checking further photos"),
        *each(_photo_problem, scenes, "checking scenes"),
    ]
    problems = [problem for problem in found if problem]
    if problems:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text("\n".join(problems) + "\n", encoding="utf-8")
        raise DataError(_summary(problems, report))
    return digest


def _listed(folders: Iterable[Path]) -> tuple[list[Files], list[Path]]:
    matched = [match(folder) for folder in folders]
    return [files for found, _ in matched for files in found], [path for _, rest in matched for path in rest]


def _pair_problem(classes: int | None, files: Files) -> str | None:
    """What is wrong with a labelled photo; label values may be anything where `classes` is None."""
    try:
        _, labels = read(files)
    except DataError as error:
        return str(error)
    if classes is None:
        return None
    values = np.flatnonzero(np.bincount(labels.ravel()))
    strange = [int(value) for value in values if value >= classes and value != IGNORE]
    if strange:
        return f"{files[1]}: label values {strange}, but there are {classes} classes and {IGNORE}"
    return None


def _photo_problem(path: Path) -> str | None:
    try:
        read_photo(path)
    except DataError as error:
        return str(error)
    return None


def _digest(paths: Iterable[Path], classes: int) -> str:
    found = hashlib.sha256(str(classes).encode())
    for path in paths:
        stat = path.stat()
        found.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _summary(problems: Sequence[str], report: Path) -> str:
    if len(problems) == 1:
        return problems[0]
    rest = len(problems) - SHOWN
    more = f"\n  and {rest} more" if rest > 0 else ""
    listed = "\n  ".join(problems[:SHOWN])
    return f"{len(problems)} files cannot be used (all of them are listed in {report}):\n  {listed}{more}"
