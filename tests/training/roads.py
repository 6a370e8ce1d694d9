"""Drawn roads of three classes, and a tiny network that is trained on them.

python -m tests.training.roads DIR   the data in DIR/roads, bundles road and road-int8 in DIR/out/bundles
"""

import dataclasses
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from ml_core.unetr.config import PRESETS
from ml_core.unetr.schedule import Phase
from tests.training.conftest import TINY, tiny_params
from training import pipeline
from training.options import RunOptions

ROAD = [
    {"name": "verge", "color": [70, 130, 60]},
    {"name": "road", "color": [90, 90, 95]},
    {"name": "sky", "color": [150, 190, 240]},
]


def draw_roads(root: Path) -> None:
    """Roads that run from the lower edge to a horizon, with labels in the colours of ROAD."""
    colors = np.array([row["color"] for row in ROAD], np.float64)
    for split, count in (("train", 24), ("val", 6), ("test", 6)):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for index in range(count):
            rng = np.random.default_rng((len(split), index))
            labels = np.zeros((64, 96), np.uint8)
            horizon, middle, half = rng.integers(16, 32), rng.integers(30, 66), rng.integers(18, 34)
            corners = np.array([[middle, horizon], [middle - half, 64], [middle + half, 64]], np.int32)
            cv2.fillPoly(labels, [corners], 1)
            labels[:horizon] = 2
            noisy = np.clip(colors[labels] + rng.normal(0, 12, (64, 96, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(root / split / f"images/{index}.jpg"), noisy[..., ::-1])
            cv2.imwrite(str(root / split / f"labels/{index}.png"), colors[labels].astype(np.uint8)[..., ::-1])
    (root / "classes.json").write_text(json.dumps(ROAD))


def train_roads(folder: Path) -> RunOptions:
    """Draw and train; `lite` must be the tiny network. Nothing says "whole" but that no class is part of a face."""
    draw_roads(folder / "roads")
    params = tiny_params(Phase(64, 8, 1.0))
    longer = dataclasses.replace(params.train["lite"], samples_per_epoch=128, learning_rate=1e-2)
    options = RunOptions(data=str(folder / "roads"), out=folder / "out", epochs=6, name="road", version="2.1")
    pipeline.run(options, params=params.model_copy(update={"train": {"lite": longer}}))
    return options


if __name__ == "__main__":
    PRESETS["lite"] = TINY
    train_roads(Path(sys.argv[1]))
