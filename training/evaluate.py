"""Stage 4, evaluate: score the ONNX bundle on the test split, through the code that serves it."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from ml_core.bundle import replacing, update_model_json
from ml_core.metrics import Matrix, confusion_matrix, scores
from ml_core.segmenter import Segmenter
from training.config import Params, load_params
from training.ingest import Manifest, pairs
from training.options import RunOptions, run_stage
from training.progress import scores_table
from training.report import confusion_picture, contact_sheet, write_card
from training.robustness import robustness


def evaluate(options: RunOptions, params: Params | None = None) -> dict[str, Any]:
    """Write `<out>/metrics.json` and pictures, and the finished bundle: what was exported, figures and card.

    Every photo of the test split is taken as one cut (faces="whole") and scored at its labels' own size.
    """
    params = params or load_params()
    manifest = Manifest.read(options.out / "data.json")
    segmenter = Segmenter.load(options.exported)
    photos = pairs(manifest.root / "test")
    matrix, by_photo = score(segmenter, photos)
    metrics = summary(matrix, manifest, len(photos))
    if manifest.scenes and params.evaluate.robustness_photos:
        metrics["robustness"] = robustness(segmenter, manifest, photos=params.evaluate.robustness_photos)
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    confusion_picture(matrix, manifest.labels.names, options.out / "confusion.png")
    worst = sorted(by_photo, key=by_photo.__getitem__)[: params.evaluate.worst]
    if worst:
        contact_sheet(segmenter, worst, options.out / "worst.png")
    with replacing(options.bundle) as folder:
        shutil.copytree(options.exported, folder, dirs_exist_ok=True)
        update_model_json(folder, metrics=metrics)
        write_card(folder)
    console = Console()
    console.print(
        f"{options.bundle}: {len(photos)} photos of {manifest.name}/test, faces=whole, at the labels' size"
    )
    console.print(scores_table(scores(matrix), manifest.labels))
    return metrics


def score(
    segmenter: Segmenter, photos: list[tuple[Path, Path]]
) -> tuple[Matrix, dict[tuple[Path, Path], float]]:
    """The confusion matrix over all photos, and each photo's own mean F1."""
    classes = len(segmenter.bundle.labels)
    total = np.zeros((classes, classes), np.int64)
    by_photo = {}
    for photo, label in track(photos, description="evaluating"):
        truth = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
        predicted = segmenter.predict(photo, faces="whole").labels
        matrix = confusion_matrix(np.asarray(truth, np.uint8), predicted, classes)
        total += matrix
        by_photo[photo, label] = scores(matrix).mean_f1
    return total, by_photo


def summary(matrix: Matrix, manifest: Manifest, photos: int) -> dict[str, Any]:
    """The figures of a confusion matrix as metrics.json and model.json hold them, in percent."""
    found = scores(matrix)
    names = manifest.labels.names
    return {
        "data": manifest.name,
        "split": "test",
        "photos": photos,
        "faces": "whole",
        "mean_f1": _percent(found.mean_f1),
        "mean_iou": _percent(found.mean_iou),
        "f1": {name: _percent(float(value)) for name, value in zip(names, found.f1, strict=True)},
        "iou": {name: _percent(float(value)) for name, value in zip(names, found.iou, strict=True)},
    }


def _percent(value: float) -> float | None:
    """None, for JSON, where a class does not occur."""
    return None if np.isnan(value) else round(100 * value, 2)


if __name__ == "__main__":
    run_stage(evaluate, __doc__)
