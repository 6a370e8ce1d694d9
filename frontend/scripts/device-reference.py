"""Writes src/device/reference.json: what the service's own code makes of the photo and logits of parity.test.ts.

.venv/bin/python frontend/scripts/device-reference.py
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRONTEND = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FRONTEND.parent))

from ml_core.faces.views import Octaves  # noqa: E402
from ml_core.images import Affine, letterbox, sample  # noqa: E402
from ml_core.paste import best_classes, clear, paste  # noqa: E402
from ml_core.regions import class_pixels, region_stats, rle  # noqa: E402
from ml_core.segmentation import _confidence  # noqa: E402
from ml_core.wide import beyond, reaching  # noqa: E402

CLASSES = 5
TEMPERATURES = (1.3, 0.8, 1.7, 1.0, 2.1)
CASES = [
    # height, width, side of the network's input, cut as two rows of an affine (None: the whole photo)
    (37, 53, 16, None),
    (20, 12, 16, None),
    (64, 64, 16, None),
    (40, 90, 12, None),
    (40, 90, 16, ((20, 0, 30), (0, 20, -4))),
    (40, 90, 16, ((33, -12, 40), (12, 33, -7))),
    (120, 160, 16, ((-61, 52, 100), (-52, -61, 119))),
]
HOMES = (((40, 10, 4), (-10, 40, 12)), ((44, -6, 30), (6, 44, 2)))
"""Cuts of two faces that overlap."""


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
        affine = letterbox((height, width), size) if cut is None else np.array(cut, np.float64)
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
                "cut": affine.ravel().tolist(),
                "crop": crop.ravel().tolist(),
                "labels": "".join(map(str, labels.ravel().tolist())),
                "regions": regions,
                "confidence": _confidence(
                    [(one, best_classes(one)) for one in logits],
                    class_pixels(labels, CLASSES) > 0,
                    TEMPERATURES,
                ),
            }
        )
    found = {"cases": rows, "together": together(), "stripe": stripe(), "octave": octave()}
    (FRONTEND / "src" / "device" / "reference.json").write_text(json.dumps(found) + "\n")


def together() -> dict[str, Any]:
    """Two faces in one photo: what reaches beyond each cut, the wider look, the labels of both."""
    size = (60, 90)
    logits = [draw_logits(8, 8, CLASSES), draw_logits(8, 8, CLASSES)[:, ::-1].copy()]
    homes = [np.array(home, np.float64) for home in HOMES]
    reaches = [reaching(values, home, size) for values, home in zip(logits, homes, strict=True)]
    wide: list[Affine] = []

    def look(cut: Affine) -> NDArray[np.float32]:
        wide.append(cut)
        return 2.5 * draw_logits(8, 8, CLASSES)[::-1].copy()

    found = [beyond(values, home, size, look) for values, home in zip(logits, homes, strict=True)]
    looks, cuts = [merged for merged, _ in found], [cut for _, cut in found]
    assert all(merged.shape != (8, 8, CLASSES) for merged in looks)
    labels = paste(looks, cuts, size, homes=homes)
    clear(labels, [(20.2, 10.6, 30, 24)], [1, 3])
    return {
        "reaches": reaches,
        "wide": [cut.ravel().tolist() for cut in wide],
        "cuts": [cut.ravel().tolist() for cut in cuts],
        "merged": np.round(looks[0], 4).ravel().tolist(),
        "labels": "".join(map(str, labels.ravel().tolist())),
    }


def stripe() -> dict[str, Any]:
    """A face whose only part beyond its cut goes straight down: little is taken from the wider look."""
    home = np.array([[20.0, 0.0, 20.0], [0.0, 20.0, 10.0]])
    merged, cut = beyond(draw_stripe(5), home, (60, 60), lambda _: draw_stripe(3))
    return {"cut": cut.ravel().tolist(), "merged": np.round(merged, 4).ravel().tolist()}


def draw_stripe(top: int) -> NDArray[np.float32]:
    """(8, 8, 2) float32: class 1 in the two columns in the middle, from a row on."""
    values = np.full((8, 8, 2), (1, 0), np.float32)
    values[top:, 3:5, 1] = 3
    return values


def octave() -> list[int]:
    """A view a third as large as a photo, with mirrored room around it."""
    cut = np.array([[150.0, 0.0, -20.0], [0.0, 130.0, -20.0]])
    picture = Octaves(draw_photo(97, 110)).picture(cut, (32, 40))
    found: list[int] = picture.ravel().tolist()
    return found


main()
