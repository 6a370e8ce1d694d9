"""Held-out scenes with one to six test photos pasted into them, and without any."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ml_core.segmenter import Segmenter
from ml_core.unetr.metrics import Matrix, confusion_matrix, scores
from training.photos import Files, Image, Labels, Pair, each, percent, read, read_photo

Box = tuple[float, float, float, float]

WIDTH = 960
"""Of a scene, in pixels."""

CROWD = 6

PAINTED = 0.005
"""A scene without a face counts as painted if a larger share of its pixels is predicted as part of a face."""

SMALLEST_FACE = 64
"""Height in pixels from which a face counts for the recall."""


@dataclass(frozen=True)
class Mosaic:
    """A scene with photos in it, its labels, and where each photo lies: left, top, width, height."""

    image: Image
    labels: Labels
    places: tuple[tuple[int, int, int, int], ...]

    def boxes(self, parts: Collection[int]) -> list[Box]:
        """x, y, width, height around these classes in each photo."""
        found = []
        for left, top, width, height in self.places:
            area = self.labels[top : top + height, left : left + width]
            rows, columns = np.nonzero(np.isin(area, list(parts)))
            if len(rows):
                x, y = left + float(columns.min()), top + float(rows.min())
                found.append((x, y, float(np.ptp(columns)) + 1, float(np.ptp(rows)) + 1))
        return found


def on_scene(photos: Sequence[Pair], aside: Sequence[Path], seed: int, *, sides: Sequence[float]) -> Mosaic:
    """Paste each photo into its own column of a scene; `sides`, their longer ones, are shares of the scene's width."""
    rng = np.random.default_rng(seed)
    scene = read_photo(aside[seed % len(aside)])
    pixels = [int(WIDTH * side) for side in sides]
    height = max(int(WIDTH * scene.shape[0] / scene.shape[1]), max(pixels) + 1)
    canvas = np.asarray(cv2.resize(scene, (WIDTH, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    labels = np.zeros((height, WIDTH), np.uint8)
    column = WIDTH / len(photos)
    places = []
    for index, ((image, marked), side) in enumerate(zip(photos, pixels, strict=True)):
        tall, wide = (max(round(side * length / max(marked.shape)), 1) for length in marked.shape)
        left = int(column * index + rng.uniform(0, column - wide))
        top = int(rng.uniform(0, height - tall))
        area = slice(top, top + tall), slice(left, left + wide)
        canvas[area] = cv2.resize(image, (wide, tall), interpolation=cv2.INTER_AREA)
        labels[area] = cv2.resize(marked, (wide, tall), interpolation=cv2.INTER_NEAREST_EXACT)
        places.append((left, top, wide, tall))
    return Mosaic(canvas, labels, tuple(places))


def crowd(test: Sequence[Files], aside: Sequence[Path], number: int) -> Mosaic:
    """Mosaic `number`: one to six faces in turn, each half to all of its column wide."""
    faces = 1 + number % CROWD
    chosen = [test[(4 * number + index) % len(test)] for index in range(faces)]
    widest = min(1 / 2, 1 / faces)
    sides = np.random.default_rng((number, faces)).uniform(0.5, 1.0, faces) * widest
    return on_scene([read(files) for files in chosen], aside, number, sides=sides.tolist())


@dataclass(frozen=True)
class _Found:
    matrix: Matrix
    wanted: int
    found: int
    false: int
    boxes: int


def mosaics(segmenter: Segmenter, test: Sequence[Files], aside: Sequence[Path]) -> dict[str, Any]:
    """Mean F1 in scenes with one to six faces, and counts of faces found, missed and false."""
    numbers = range(max(len(test) // 3, 1))
    results = list(each(partial(_look, segmenter, test, aside), numbers, "mosaics"))
    wanted, found, false, boxes = (
        sum(getattr(result, name) for result in results) for name in ("wanted", "found", "false", "boxes")
    )
    return {
        "scenes": len(results),
        "mean_f1": percent(scores(sum_of([result.matrix for result in results])).mean_f1),
        "faces": wanted,
        "found": found,
        "missed": wanted - found,
        "false": false,
        "recall": percent(found / max(wanted, 1)),
        "false_faces": percent(false / max(boxes, 1)),
    }


def empty_scenes(segmenter: Segmenter, aside: Sequence[Path]) -> dict[str, Any]:
    """How many scenes without a face have a face detected, or pixels predicted as one."""
    results = list(each(partial(_painted, segmenter), aside, "empty scenes"))
    return {
        "scenes": len(results),
        "with_faces": sum(faces > 0 for faces, _ in results),
        "painted": percent(sum(share > PAINTED for _, share in results) / len(results)),
    }


def sum_of(matrices: Sequence[Matrix]) -> Matrix:
    """The confusion matrix of all photos."""
    return np.asarray(np.sum(matrices, axis=0), np.int64)


def _look(segmenter: Segmenter, test: Sequence[Files], aside: Sequence[Path], number: int) -> _Found:
    mosaic = crowd(test, aside, number)
    result = segmenter.predict(mosaic.image)
    labels = segmenter.bundle.labels
    truth = mosaic.boxes(labels.face)
    hits, false = match(truth, [face.box for face in result.faces])
    large = [index for index, box in enumerate(truth) if box[3] >= SMALLEST_FACE]
    return _Found(
        matrix=confusion_matrix(mosaic.labels, result.labels, len(labels)),
        wanted=len(large),
        found=len(hits.intersection(large)),
        false=false,
        boxes=len(result.faces),
    )


def match(truth: Sequence[Box], found: Sequence[Box]) -> tuple[set[int], int]:
    """Indices of the true faces that were found, and the number of false or repeated boxes."""
    hits: set[int] = set()
    false = 0
    for box in found:
        hit = next((i for i, face in enumerate(truth) if i not in hits and _same(face, box)), None)
        if hit is None:
            false += 1
        else:
            hits.add(hit)
    return hits, false


def _same(truth: Box, found: Box) -> bool:
    """Whether a box matches a face: its centre lies within, and it is 0.4 to 2.5 times as high."""
    x, y = found[0] + found[2] / 2, found[1] + found[3] / 2
    inside = truth[0] <= x <= truth[0] + truth[2] and truth[1] <= y <= truth[1] + truth[3]
    return inside and 0.4 < found[3] / truth[3] < 2.5


def _painted(segmenter: Segmenter, path: Path) -> tuple[int, float]:
    result = segmenter.predict(path)
    return len(result.faces), float(np.isin(result.labels, segmenter.bundle.labels.face).mean())
