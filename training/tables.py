"""What `evaluate` measured, as tables on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ml_core.unetr.metrics import Matrix


def print_metrics(console: Console, title: str, metrics: Mapping[str, Any]) -> None:
    """All figures of one bundle under one provider; percent unless a column says otherwise."""
    console.rule(title)
    console.print(
        f"{metrics['photos']} photos of {metrics['data']}/{metrics['split']}, each as a whole, at the "
        f"labels' size; the same class in the mirrored photo: {cell(metrics['flip_consistency'])} % of the pixels"
    )
    console.print(_classes(metrics))
    if metrics["strata"]:
        console.print(_strata(metrics["strata"]))
    if "mosaics" in metrics:
        console.print(_faces(metrics["mosaics"], metrics["empty_scenes"]))
    found = metrics["calibration"]
    console.print(
        f"expected calibration error {cell(found['ece'])} % (uncalibrated {cell(found['ece_before'])} %)"
    )


def confusion_table(matrix: Matrix, names: Sequence[str], path: Path) -> None:
    """The confusion matrix as `dvc plots` counts it: of each class's pixels a hundred rows of truth and prediction."""
    rows = []
    for truth, counts in zip(names, matrix, strict=True):
        ends = np.rint(100 * np.cumsum(counts) / max(counts.sum(), 1)).astype(int)
        for name, count in zip(names, np.diff(ends, prepend=0), strict=True):
            rows += [f"{truth},{name}\n"] * int(count)
    path.write_text(f"truth,predicted\n{''.join(rows)}", encoding="utf-8")


def cell(value: float | None) -> str:
    """12.34; a dash for None."""
    return "-" if value is None else f"{value:.2f}"


def _classes(metrics: Mapping[str, Any]) -> Table:
    claims = metrics["calibration"]["by_class"]
    table = Table("class", "F1", "IoU", "confidence", "right")
    for name, f1 in metrics["f1"].items():
        claim = claims.get(name, {"confidence": None, "right": None})
        table.add_row(
            name, cell(f1), cell(metrics["iou"][name]), cell(claim["confidence"]), cell(claim["right"])
        )
    means = cell(metrics["mean_f1"]), cell(metrics["mean_iou"])
    table.add_row("mean without background", *means, "", "", style="bold")
    return table


def _strata(strata: Mapping[str, Any]) -> Table:
    table = Table("by", "value", "photos", "mean F1")
    for group, rows in strata.items():
        for value, row in rows.items():
            table.add_row(group, value, str(row["photos"]), cell(row["mean_f1"]))
        table.add_section()
    return table


def _faces(mosaics: Mapping[str, Any], empty: Mapping[str, Any]) -> Table:
    table = Table("faces in scenes", "")
    table.add_row(f"mean F1 in {mosaics['scenes']} scenes with one to six faces", cell(mosaics["mean_f1"]))
    table.add_row(
        f"recall of {mosaics['faces']} faces of 64 pixels and more ({mosaics['missed']} missed)",
        cell(mosaics["recall"]),
    )
    table.add_row(f"false among the faces found ({mosaics['false']})", cell(mosaics["false_faces"]))
    table.add_row(f"of {empty['scenes']} scenes without a face, painted", cell(empty["painted"]))
    return table
