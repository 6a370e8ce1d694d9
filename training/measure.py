"""All figures of one bundle under one execution provider."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from ml_core.labels import LabelSet
from ml_core.segmenter import Segmenter
from ml_core.unetr.metrics import Matrix, confusion_matrix, scores
from training import calibration
from training.calibration import Calibration
from training.config import EvaluateParams
from training.landmarks import TURN_NAMES, landmarks_of, read_landmarks, turn
from training.manifest import Manifest
from training.mosaics import sum_of
from training.photos import Files, Labels, each, percent, read
from training.robustness import robustness
from training.strata import SKIN_TONES, conditions, skin_tone

TONES = [name for _, name in SKIN_TONES]


@dataclass(frozen=True)
class Photo:
    """A bundle's results on one test photo, faces="whole".

    mirrored: share of pixels that keep their class, sides swapped, when the photo is mirrored.
    """

    files: Files
    matrix: Matrix
    mirrored: float
    tone: str | None
    turn: str | None
    calibration: Calibration

    @property
    def mean_f1(self) -> float:
        return scores(self.matrix).mean_f1


@dataclass(frozen=True)
class Measured:
    """`metrics` are for figures.json and model.json; the rest is for pictures."""

    metrics: dict[str, Any]
    matrix: Matrix
    worst: tuple[Files, ...]


def measure(segmenter: Segmenter, manifest: Manifest, params: EvaluateParams) -> Measured:
    """Score the test split unchanged, one cut per photo, and under the conditions of robustness()."""
    every = manifest.files("test")
    files = every[: params.photos]
    photos = list(each(partial(_look, segmenter), files, "test split"))
    matrix = sum_of([photo.matrix for photo in photos])
    metrics: dict[str, Any] = {
        "data": manifest.name,
        "split": "test",
        "photos": len(photos),
        **({"quick": True} if len(files) < len(every) else {}),
        "faces": "whole",
        **class_scores(matrix, manifest.labels.names),
        "flip_consistency": percent(float(np.mean([photo.mirrored for photo in photos]))),
        "calibration": calibration.summary(
            reduce(add, (photo.calibration for photo in photos)), segmenter.bundle
        ),
        "strata": {},
    }
    tones = _by_group(photos, TONES, lambda photo: photo.tone)
    turns = _by_group(photos, TURN_NAMES, lambda photo: photo.turn)
    metrics["strata"] |= {group: rows for group, rows in (("skin tone", tones), ("turn", turns)) if rows}
    if params.robustness_photos:
        further = robustness(segmenter, manifest, photos=params.robustness_photos)
        metrics["strata"].update(further.pop("strata"))
        metrics.update(further)
    worst = sorted(photos, key=lambda photo: (math.isnan(photo.mean_f1), photo.mean_f1))[: params.worst]
    return Measured(metrics, matrix, tuple(photo.files for photo in worst))


def expected_minutes(segmenter: Segmenter, manifest: Manifest, params: EvaluateParams) -> float:
    """How long calibration and `measure` will take, by the time of one photo."""
    test, val = (len(manifest.files(split)[: params.photos]) for split in ("test", "val"))
    aside = manifest.scene_photos(held_out=True)
    changed = sum(len(values) for values in conditions(aside).values()) * min(test, params.robustness_photos)
    held_out = sum(len(other.files(held_out=True)) for other in manifest.extra if other.hold_out)
    further = changed + held_out + 2 * len(aside) if params.robustness_photos else 0
    image, _ = read(manifest.files("test")[0])
    whole, auto = (_seconds(partial(segmenter.predict, image, faces=faces)) for faces in ("whole", "auto"))
    # Of each test photo: as it is, mirrored, and its logits. Where no face is found here, others have one
    seconds = whole * (3 * test + val) + max(whole, auto) * further
    return seconds / (os.cpu_count() or 1) / 60


def _seconds(work: Callable[[], object]) -> float:
    """Of the second time."""
    work()
    began = time.monotonic()
    work()
    return time.monotonic() - began


def class_scores(matrix: Matrix, names: Sequence[str]) -> dict[str, Any]:
    """Means and classes of a confusion matrix, in percent."""
    found = scores(matrix)
    return {
        "mean_f1": percent(found.mean_f1),
        "mean_iou": percent(found.mean_iou),
        "f1": {name: percent(float(value)) for name, value in zip(names, found.f1, strict=True)},
        "iou": {name: percent(float(value)) for name, value in zip(names, found.iou, strict=True)},
    }


def _look(segmenter: Segmenter, files: Files) -> Photo:
    image, truth = read(files)
    labels = segmenter.bundle.labels
    found = segmenter.predict(image, faces="whole").labels
    mirrored = segmenter.predict(np.ascontiguousarray(image[:, ::-1]), faces="whole").labels[:, ::-1]
    return Photo(
        files=files,
        matrix=confusion_matrix(truth, found, len(labels)),
        mirrored=float((labels.flip_table[mirrored] == found).mean()),
        tone=skin_tone(image, truth, _skin(truth, labels)) if labels.face else None,
        turn=turn(read_landmarks(path)) if (path := landmarks_of(files[0])) else None,
        calibration=calibration.measure(segmenter, files),
    )


def _skin(truth: Labels, labels: LabelSet) -> int:
    """The largest part of the face."""
    return max(labels.face, key=lambda part: np.count_nonzero(truth == part))


def _by_group(
    photos: Sequence[Photo], values: Sequence[str], group_of: Callable[[Photo], str | None]
) -> dict[str, Any]:
    """Mean F1 of the photos of each value."""
    rows = {}
    for value in values:
        group = [photo.matrix for photo in photos if group_of(photo) == value]
        if group:
            rows[value] = {"photos": len(group), "mean_f1": percent(scores(sum_of(group)).mean_f1)}
    return rows
