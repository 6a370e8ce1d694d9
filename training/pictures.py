"""Pictures of what `evaluate` measured: two for the run's folder, one for the bundle."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np

from ml_core.images import blend, colorize
from ml_core.labels import IGNORE
from ml_core.segmenter import Segmenter
from ml_core.unetr.metrics import Matrix
from training.history import Run
from training.photos import Files, Image, read

matplotlib.use("Agg")

import matplotlib.pyplot as plt

COLUMNS = 4
BLUE, GREY = "#1f6fb4", "#9aa5b1"


def contact_sheet(segmenter: Segmenter, worst: Sequence[Files], path: Path, *, side: int = 256) -> Image:
    """One row per photo: photo, overlay, prediction, labels, with ignored pixels in grey; written and returned.

    It shows photographs of the data set: mind their licence.
    """
    rows = []
    for files in worst:
        image, truth = read(files)
        found = segmenter.predict(image, faces="whole")
        pictures = [
            image,
            blend(image, found.labels, found.bundle.labels, 0.6),
            colorize(found.labels, found.bundle.labels),
            np.where((truth == IGNORE)[..., None], np.uint8(128), colorize(truth, found.bundle.labels)),
        ]
        rows.append(np.hstack([cv2.resize(picture, (side, side)) for picture in pictures]))
    sheet = np.vstack(rows)
    cv2.imwrite(str(path), sheet[..., ::-1])
    return sheet


def confusion_picture(matrix: Matrix, names: Sequence[str], path: Path) -> None:
    """The confusion matrix, each row (truth) normalised to its pixels."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(8, 7), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="truth")
    for row, column in np.argwhere(shares >= 0.005):
        share = shares[row, column]
        axes.text(
            column, row, f"{100 * share:.0f}", ha="center", va="center", color="w" if share > 0.5 else "k"
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def figures_picture(metrics: Mapping[str, Any], path: Path) -> None:
    """F1 by class and by each stratum, and the reliability diagram, for the model card."""
    charts: list[tuple[str, Mapping[str, float | None]]] = [("class", metrics["f1"])]
    for group, rows in metrics["strata"].items():
        charts.append((group, {value: row["mean_f1"] for value, row in rows.items()}))
    lines = -(-(len(charts) + 1) // COLUMNS)
    figure, grid = plt.subplots(
        lines, COLUMNS, figsize=(3.1 * COLUMNS, 2.7 * lines), layout="constrained", squeeze=False
    )
    panels = list(grid.flat)
    for axes, (group, values) in zip(panels, charts, strict=False):
        _bars(axes, group, values)
    _reliability(panels[len(charts)], metrics["calibration"])
    for axes in panels[len(charts) + 1 :]:
        axes.axis("off")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def curves_picture(runs: Sequence[Run], path: Path) -> None:
    """Validation F1 and, where it is known, training loss by epoch, of all runs one after the other."""
    f1 = [100 * value for run in runs for value in run.validation_f1_by_epoch]
    figure, axes = plt.subplots(figsize=(6, 2.7), layout="constrained")
    axes.plot(range(1, len(f1) + 1), f1, color=BLUE, label="validation mean F1 %")
    axes.set(xlabel="epoch", title="Learning curves")
    axes.set_ylabel("validation mean F1 %", color=BLUE)
    axes.title.set_fontsize(9)
    right = axes.twinx() if any(run.loss_by_epoch for run in runs) else None
    begun = 1
    for run in runs:
        count = len(run.validation_f1_by_epoch)
        if begun > 1:
            axes.axvline(begun - 0.5, color=GREY, linewidth=0.8, linestyle=":")
        if right and run.loss_by_epoch:
            right.plot(range(begun, begun + count), run.loss_by_epoch, color=GREY)
        begun += count
    if right:
        right.set_ylabel("training loss", color=GREY)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _bars(axes: Any, group: str, values: Mapping[str, float | None]) -> None:
    heights = [value or 0.0 for value in values.values()]
    bars = axes.bar(range(len(values)), heights, color=BLUE)
    axes.bar_label(bars, [f"{height:.0f}" for height in heights], fontsize=7)
    names = [name.replace("_", " ") for name in values]
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 5 else {}
    axes.set_xticks(range(len(values)), names, fontsize=7, **slanted)
    axes.set(ylim=(0, 108), title=f"F1 % by {group}")
    axes.title.set_fontsize(9)
    axes.spines[["top", "right"]].set_visible(False)


def _reliability(axes: Any, calibration: Mapping[str, Any]) -> None:
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=1)
    for kind, color in (("before", GREY), ("served", BLUE)):
        rows = calibration["reliability"][kind]
        axes.plot(rows["confidence"], rows["right"], "o-", color=color, markersize=3, label=kind)
    axes.set(xlabel="confidence %", ylabel="right %", title="Reliability (test pixels)")
    axes.title.set_fontsize(9)
    axes.legend(fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
