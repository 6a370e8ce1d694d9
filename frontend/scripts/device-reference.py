"""Writes src/device/reference.json: what the service's own code makes of the photo and logits of parity.test.ts.

.venv/bin/python frontend/scripts/device-reference.py
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FRONTEND = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FRONTEND.parent))

from ml_core.images import letterbox, sample  # noqa: E402
from ml_core.paste import paste  # noqa: E402
from ml_core.regions import region_stats, rle  # noqa: E402
from ml_core.segmentation import _confidence  # noqa: E402

CLASSES = 5
TEMPERATURES = (1.3, 0.8, 1.7, 1.0, 2.1)
CASES = [
    # height, width, side of the network's input, cut as x, y, width, height (None: the whole photo)
    (37, 53, 16, None),
    (20, 12, 16, None),
    (64, 64, 16, None),
    (40, 90, 12, None),
    (40, 90, 16, (30, -4, 20, 20)),
]


def draw_photo(height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(x * 7 + y * 3) % 256, (x * x + y * 5) % 256, (x * y) % 256], 2).astype(np.uint8)


def draw_logits(height: int, width: int, classes: int) -> NDArray[np.float32]:
    """(height, width, classes) float32."""
    y, x, k = np.mgrid[:height, :width, :classes]
    waves: NDArray[np.float32] = (
        np.sin(0.9 * x + k) + np.cos(0.7 * y - 1.3 * k) + 0.3 * np.sin(5 * k)
    ).astype(np.float32)
    return waves


def main() -> None:
    """Overwrite the file."""
    rows = []
    for height, width, side, cut in CASES:
        size = (side, side)
        if cut is None:
            affine = letterbox((height, width), size)
        else:
            affine = np.array([[cut[2], 0.0, cut[0]], [0.0, cut[3], cut[1]]])
        crop = sample(draw_photo(height, width), affine, size)
        logits = [draw_logits(8, 8, CLASSES)]
        labels = paste(logits, [affine], (height, width))
        regions = [
            {"id": row.id, "pixels": row.pixels, "box": row.box, "rle": rle(labels == row.id)}
            for row in region_stats(labels, CLASSES)
        ]
        rows.append(
            {
                "width": width,
                "height": height,
                "input": side,
                "cut": cut and dict(zip(("x", "y", "width", "height"), cut, strict=True)),
                "crop": crop.ravel().tolist(),
                "labels": "".join(map(str, labels.ravel().tolist())),
                "regions": regions,
                "confidence": _confidence(logits, labels, TEMPERATURES),
            }
        )
    (FRONTEND / "src" / "device" / "reference.json").write_text(json.dumps(rows) + "\n")


main()
