"""Writes public/samples/: the group, two variations of the portrait, and a small picture of each.

.venv/bin/python frontend/scripts/page-samples.py
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "frontend" / "public" / "samples"
SMALL = 112
Picture = NDArray[np.uint8]


def read(path: Path) -> Picture:
    """(height, width, 3) uint8 BGR."""
    return np.asarray(cv2.imread(str(path)), np.uint8)


def tilted(picture: Picture) -> Picture:
    """Turned by 28 degrees and cut to what stays full."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width * 0.45, height * 0.3), 28, 1)
    turned = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned[: int(0.8 * height)], np.uint8)


def small(picture: Picture) -> Picture:
    """The middle of it, SMALL pixels wide and high."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 4, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (SMALL, SMALL), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Write them."""
    portrait, group = read(PAGE / "astronaut.jpg"), read(ROOT / "samples" / "group.jpg")
    grey = cv2.cvtColor(cv2.cvtColor(portrait[:400, 40:440], cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    made = {
        "astronaut": portrait,
        "group": group,
        "tilted": tilted(portrait),
        "grey": np.asarray(grey, np.uint8),
    }
    for name, picture in made.items():
        if name != "astronaut":
            cv2.imwrite(str(PAGE / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 86])
        cv2.imwrite(str(PAGE / f"{name}-small.jpg"), small(picture), [cv2.IMWRITE_JPEG_QUALITY, 75])


main()
