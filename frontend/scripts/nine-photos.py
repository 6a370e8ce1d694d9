"""Writes nine photos into a folder: faces alone, in groups, turned, small, large, in a frame, at the border, none.

.venv/bin/python frontend/scripts/nine-photos.py FOLDER

Made from the portrait and the drawn group in samples/; e2e/finder.test.mjs has page and service parse them.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
Picture = NDArray[np.uint8]


def read(name: str) -> Picture:
    """(height, width, 3) uint8 BGR."""
    return np.asarray(cv2.imread(str(SAMPLES / name)), np.uint8)


def scaled(picture: Picture, factor: float) -> Picture:
    """Larger or smaller."""
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def tilted(picture: Picture, degrees: float) -> Picture:
    """Turned about its centre; its corners are lost, grey comes in."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), borderValue=(110, 120, 115)), np.uint8)


def framed(picture: Picture) -> Picture:
    """As in a screenshot: bars of other widths on each side."""
    return np.asarray(
        cv2.copyMakeBorder(picture, 140, 90, 60, 300, cv2.BORDER_CONSTANT, value=(24, 24, 28)), np.uint8
    )


def scene(height: int, width: int) -> Picture:
    """Drawn, with nobody in it."""
    y, x = np.mgrid[:height, :width]
    picture = np.stack([90 + 60 * y / height, 120 + 20 * np.sin(x / 40), 150 - 50 * y / height], axis=2)
    picture[(x // 90 + y // 70) % 5 == 0] *= 0.6
    return picture.astype(np.uint8)


def main(folder: Path) -> None:
    """Write them as PNG, which every reader decodes to the same pixels."""
    portrait, group = read("astronaut.jpg"), read("group.jpg")
    pasted = scene(900, 1500)
    pasted[330:590, 980:1240] = scaled(portrait, 260 / 512)
    photos = {
        "portrait": portrait,
        "close": portrait[30:250, 110:330],
        "group": group,
        "turned": np.rot90(group).copy(),
        "tilted": tilted(group, 33),
        "small": scaled(group, 0.4),
        "large": scaled(group, 2.5),
        "framed": framed(portrait[:300, 190:]),
        "scene": pasted,
    }
    for name, picture in photos.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])


main(Path(sys.argv[1]))
