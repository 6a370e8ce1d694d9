"""How a bundle holds where the test photos do not go: turned, tilted and small faces, crowds, empty scenes.

All figures come from `Segmenter` with faces="auto", the way the service is used, on photos that stayed out of
training: the test split, the held-out person of a posed set, the held-out scenes.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ml_core.images import decode
from ml_core.labels import IGNORE, LabelSet
from ml_core.metrics import confusion_matrix, scores
from ml_core.segmenter import Segmenter
from training.ingest import Manifest, pairs
from training.train import held_out, scenes

Image = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Pair = tuple[Image, Labels]
Box = tuple[float, float, float, float]

PAINTED = 0.005
"""A scene without a face counts as painted when more of its pixels than this are called skin."""

SMALLEST_FACE = 64
"""Height in pixels from which a face of a mosaic has to be found."""


@dataclass(frozen=True)
class Mosaic:
    """Faces pasted into a scene, their labels, and the box of each face's skin and parts."""

    image: Image
    labels: Labels
    boxes: tuple[Box, ...]


def robustness(segmenter: Segmenter, manifest: Manifest, *, photos: int = 128) -> dict[str, Any]:
    """All figures in percent, as metrics.json holds them; what the data cannot tell is left out."""
    labels = segmenter.bundle.labels
    test = pairs(manifest.root / "test")[:photos]
    aside = [path for path, kept_out in scenes(manifest) if kept_out]
    figures: dict[str, Any] = {
        "rotated": {
            str(degrees): _mean_f1(segmenter, (_rotated(_read(*pair), degrees) for pair in test), len(test))
            for degrees in (-45, -30, 0, 30, 45)
        }
    }
    if aside:
        small = (_on_scene([_read(*pair)], aside, seed, share=1 / 3) for seed, pair in enumerate(test))
        figures["third_of_the_frame"] = _mean_f1(
            segmenter, ((item.image, item.labels) for item in small), len(test)
        )
        figures["mosaics"] = _mosaics(segmenter, test, aside, labels)
        figures["empty_scenes"] = _empty_scenes(segmenter, aside)
    for other in manifest.extra:
        if other["hold_out"]:
            figures[f"{other['name']} by turn"] = _by_turn(segmenter, other)
    return figures


def _read(photo: Path, label: Path) -> Pair:
    return decode(photo.read_bytes()), np.asarray(cv2.imread(str(label), cv2.IMREAD_UNCHANGED), np.uint8)


def _percent(value: float) -> float | None:
    return None if math.isnan(value) else round(100 * value, 2)


def _mean_f1(segmenter: Segmenter, samples: Iterator[Pair], count: int) -> float | None:
    classes = len(segmenter.bundle.labels)
    matrix = np.zeros((classes, classes), np.int64)
    for image, labels in track(samples, total=count, description="robustness"):
        matrix += confusion_matrix(labels, segmenter.predict(image).labels, classes)
    return _percent(scores(matrix).mean_f1)


def _rotated(pair: Pair, degrees: float) -> Pair:
    """The photo turned about its centre on a canvas that holds all of it, grey and ignored around it."""
    image, labels = pair
    height, width = labels.shape
    side = math.ceil(math.hypot(height, width))
    side += (side - width) % 2  # no half pixel that would blur the photo
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += (side - 1) / 2 - np.array([width - 1, height - 1]) / 2
    turned = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=(128, 128, 128))
    marked = cv2.warpAffine(labels, matrix, (side, side), flags=cv2.INTER_NEAREST, borderValue=IGNORE)
    return np.asarray(turned, np.uint8), np.asarray(marked, np.uint8)


def _on_scene(faces: Sequence[Pair], aside: Sequence[Path], seed: int, *, share: float) -> Mosaic:
    """Photos pasted side by side into a held-out scene of 960 pixels, each `share` of its width."""
    rng = np.random.default_rng(seed)
    scene = decode(aside[seed % len(aside)].read_bytes())
    width = 960
    height = max(int(width * scene.shape[0] / scene.shape[1]), int(width * share) + 1)
    canvas = np.asarray(cv2.resize(scene, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    labels = np.zeros((height, width), np.uint8)
    side = int(width * share)
    columns = np.linspace(0, width - side, len(faces)) if len(faces) > 1 else [rng.uniform(0, width - side)]
    boxes = []
    for (image, marked), left in zip(faces, columns, strict=True):
        top, start = int(rng.uniform(0, height - side)), int(left)
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        small_labels = cv2.resize(marked, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
        canvas[top : top + side, start : start + side] = small
        labels[top : top + side, start : start + side] = small_labels
        rows, places = np.nonzero((small_labels > 0) & (small_labels < 10))
        if len(rows):
            boxes.append(
                (
                    start + float(places.min()),
                    top + float(rows.min()),
                    float(np.ptp(places)) + 1,
                    float(np.ptp(rows)) + 1,
                )
            )
    return Mosaic(canvas, labels, tuple(boxes))


def _mosaics(
    segmenter: Segmenter, test: Sequence[tuple[Path, Path]], aside: Sequence[Path], labels: LabelSet
) -> dict[str, Any]:
    """One to six faces in a scene: mean F1, and the faces found, missed and false."""
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    wanted = found = false = 0
    groups = [test[start : start + 1 + start % 6] for start in range(0, len(test) - 6, 4)]
    for seed, group in enumerate(track(groups, description="mosaics")):
        mosaic = _on_scene([_read(*pair) for pair in group], aside, seed, share=min(1 / 3, 0.95 / len(group)))
        result = segmenter.predict(mosaic.image)
        matrix += confusion_matrix(mosaic.labels, result.labels, len(labels))
        large = [box for box in mosaic.boxes if box[3] >= SMALLEST_FACE]
        wanted += len(large)
        found += sum(any(_same(box, face.box) for face in result.faces) for box in large)
        false += sum(not any(_same(box, face.box) for box in mosaic.boxes) for face in result.faces)
    return {
        "mean_f1": _percent(scores(matrix).mean_f1),
        "faces": wanted,
        "recall": _percent(found / max(wanted, 1)),
        "false_faces": _percent(false / max(found + false, 1)),
    }


def _same(truth: Box, found: Box) -> bool:
    """Whether a found box is about this face: its centre within, and no other order of size."""
    x, y = found[0] + found[2] / 2, found[1] + found[3] / 2
    inside = truth[0] <= x <= truth[0] + truth[2] and truth[1] <= y <= truth[1] + truth[3]
    return inside and 0.4 < found[3] / truth[3] < 2.5


def _empty_scenes(segmenter: Segmenter, aside: Sequence[Path]) -> dict[str, Any]:
    skin = segmenter.bundle.labels.ids(["skin"])[0]
    painted = [
        bool((segmenter.predict(path).labels == skin).mean() > PAINTED)
        for path in track(aside, description="empty scenes")
    ]
    return {"scenes": len(painted), "painted": _percent(sum(painted) / len(painted))}


def _by_turn(segmenter: Segmenter, other: dict[str, Any]) -> dict[str, float | None]:
    """Mean F1 of the merged classes of a coarse set, by the head turn that ends a photo's name.

    Scored are the values that cannot be background (hair with brows, eyes, nose, mouth); all others, skin and
    neck among them, are "rest", so that a part painted there still counts against it.
    """
    values = {int(value): classes for value, classes in other["values"].items()}
    merged = np.zeros(256, np.uint8)
    scored = {value: classes for value, classes in values.items() if 0 not in classes}
    for index, classes in enumerate(scored.values(), start=1):
        merged[list(classes)] = index
    truth_of = np.full(256, IGNORE, np.uint8)
    truth_of[[value for value, classes in values.items() if 0 in classes]] = 0
    truth_of[list(scored)] = range(1, len(scored) + 1)
    matrices: dict[int, NDArray[np.int64]] = {}
    for photo, label in pairs(Path(other["root"])):
        turn = re.search(r"([+-]\d+)$", photo.stem)
        if not held_out(photo, other["hold_out"]) or turn is None:
            continue
        image, labels = _read(photo, label)
        found = confusion_matrix(truth_of[labels], merged[segmenter.predict(image).labels], len(scored) + 1)
        angle = abs(int(turn[1]))
        matrices[angle] = matrices.get(angle, np.zeros_like(found)) + found
    return {str(angle): _percent(scores(matrices[angle]).mean_f1) for angle in sorted(matrices)}
