"""Robustness of a bundle: rotated, small, blurred and dark faces, crowds, scenes without a face.

Measured through `Segmenter` as the service is used, with the bundle's own cut, on held-out data: the test split, the
held-out person of a posed set, the held-out scenes.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_core.labels import IGNORE, LabelSet
from ml_core.segmenter import Segmenter
from ml_core.unetr.metrics import Matrix, confusion_matrix, scores
from training.manifest import ExtraSet, Manifest
from training.mosaics import empty_scenes, mosaics, sum_of
from training.photos import Files, each, percent, read
from training.strata import Change, conditions


def robustness(segmenter: Segmenter, manifest: Manifest, *, photos: int = 128) -> dict[str, Any]:
    """`strata`, `mosaics` and `empty_scenes` in percent, as figures.json holds them.

    strata is {condition: {value: {photos, mean_f1}}}. What the data set has no photos for is left out.
    """
    test = manifest.files("test")[:photos]
    aside = manifest.scene_photos(held_out=True)
    strata: dict[str, Any] = {
        group: {
            value: _under(segmenter, change, test, f"{group} {value}") for value, change in values.items()
        }
        for group, values in conditions(aside).items()
    }
    for other in manifest.extra:
        if other.hold_out:
            strata[f"head turn, {other.name}"] = by_turn(segmenter, other)
    figures: dict[str, Any] = {"strata": strata}
    if aside and segmenter.bundle.cut == "face":
        figures["mosaics"] = mosaics(segmenter, test, aside)
        figures["empty_scenes"] = empty_scenes(segmenter, aside)
    return figures


def _under(segmenter: Segmenter, change: Change, test: Sequence[Files], description: str) -> dict[str, Any]:
    """Mean F1 over the changed photos."""
    classes = len(segmenter.bundle.labels)

    def look(numbered: tuple[int, Files]) -> Matrix:
        number, files = numbered
        image, labels = change(read(files), number)
        return confusion_matrix(labels, segmenter.predict(image).labels, classes)

    matrices = list(each(look, list(enumerate(test)), description))
    return {"photos": len(matrices), "mean_f1": percent(scores(sum_of(matrices)).mean_f1)}


def by_turn(segmenter: Segmenter, other: ExtraSet) -> dict[str, Any]:
    """Mean F1 on a coarse set with merged classes, by the head turn in degrees that ends a photo's name.

    Scored are the values that cannot be background (hair with brows, eyes, nose, mouth). All others, such as skin
    with neck, are "rest", where a scored class still counts as a false positive.
    """
    scored = {value: classes for value, classes in other.values.items() if 0 not in classes}
    merged, truth_of = _tables(other.values, scored)
    held_out = other.files(held_out=True)
    turns = {files: turn for files in held_out if (turn := re.search(r"([+-]\d+)$", files[0].stem))}
    chosen = list(turns)
    look = partial(_merged_matrix, segmenter, merged, truth_of, len(scored) + 1)
    by_angle: dict[int, list[Matrix]] = defaultdict(list)
    for files, matrix in zip(chosen, each(look, chosen, "head turn"), strict=True):
        by_angle[abs(int(turns[files][1]))].append(matrix)
    names = [_name(classes, segmenter.bundle.labels) for classes in scored.values()]
    return {str(angle): _turn_row(by_angle[angle], names) for angle in sorted(by_angle)}


def _turn_row(matrices: Sequence[Matrix], names: Sequence[str]) -> dict[str, Any]:
    found = scores(sum_of(matrices))
    return {
        "photos": len(matrices),
        "mean_f1": percent(found.mean_f1),
        "f1": {name: percent(float(f1)) for name, f1 in zip(names, found.f1[1:], strict=True)},
    }


def _tables(
    values: Mapping[int, Sequence[int]], scored: Mapping[int, Sequence[int]]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(256,) each, from class ids and from the coarse set's values: 0 for the rest, 1.. for what is scored."""
    merged = np.zeros(256, np.uint8)
    for index, classes in enumerate(scored.values(), start=1):
        merged[list(classes)] = index
    truth_of = np.full(256, IGNORE, np.uint8)
    truth_of[[value for value, classes in values.items() if 0 in classes]] = 0
    truth_of[list(scored)] = range(1, len(scored) + 1)
    return merged, truth_of


def _merged_matrix(
    segmenter: Segmenter,
    merged: NDArray[np.uint8],
    truth_of: NDArray[np.uint8],
    classes: int,
    files: Files,
) -> Matrix:
    image, labels = read(files)
    return confusion_matrix(truth_of[labels], merged[segmenter.predict(image).labels], classes)


def _name(classes: Sequence[int], labels: LabelSet) -> str:
    return " + ".join(labels.names[index] for index in classes)
