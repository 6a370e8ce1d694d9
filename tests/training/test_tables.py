"""The tables that `evaluate` prints."""

from io import StringIO
from typing import Any

from rich.console import Console

from training.tables import print_metrics

METRICS: dict[str, Any] = {
    "photos": 4,
    "data": "drawn",
    "split": "test",
    "flip_consistency": 98.0,
    "f1": {"skin": 91.0},
    "iou": {"skin": 84.0},
    "mean_f1": 91.0,
    "mean_iou": 84.0,
    "strata": {},
    "mosaics": {
        "scenes": 3,
        "faces": 9,
        "missed": 1,
        "false": 2,
        "mean_f1": 50.0,
        "recall": 87.5,
        "false_faces": 20.0,
    },
    "empty_scenes": {"scenes": 5, "painted": 25.0},
    "calibration": {"ece": 1.0, "ece_before": 2.0, "by_class": {}},
}


def test_faces_in_scenes_have_a_table() -> None:
    shown = StringIO()
    print_metrics(Console(file=shown, width=120), "lite", METRICS)
    lines = shown.getvalue().splitlines()
    assert any(
        "recall of 9 faces of 64 pixels and more (1 missed)" in line and "87.50" in line for line in lines
    )
    assert any("of 5 scenes without a face, painted" in line and "25.00" in line for line in lines)
