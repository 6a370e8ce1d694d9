"""LaPa's 106 landmarks of a face: landmarks/NAME.txt, their count and a line `x y` in pixels for each."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.photos import DataError, child

COUNT = 106
LEFT_END, RIGHT_END, NOSE_TIP = 0, 32, 54
"""Ends of the contour at the temples (0..32 run along the jaw), and the end of the nose's bridge (51..54)."""

Turn = Literal["frontal", "turned", "profile"]
TURNS: tuple[tuple[float, Turn], ...] = ((0.25, "frontal"), (0.6, "turned"), (np.inf, "profile"))
"""Upper ends of the asymmetry; roughly, half turned from 15 degrees of yaw on and in profile from 40."""
TURN_NAMES = [name for _, name in TURNS]


def landmarks_of(photo: Path) -> Path | None:
    """The landmarks file of <folder>/images/NAME.jpg, where there is one."""
    folder = child(photo.parent.parent, "landmarks")
    path = folder / f"{photo.stem}.txt" if folder else None
    return path if path and path.is_file() else None


def read_landmarks(path: Path) -> NDArray[np.float64]:
    """(106, 2) float64 x, y. Raises DataError."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        points = np.array([[float(value) for value in line.split()] for line in lines[1:] if line.strip()])
        told = int(lines[0])
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a count and as many lines of x and y ({error})") from error
    if told != COUNT or points.shape != (COUNT, 2) or not np.isfinite(points).all():
        raise DataError(f"{path}: {len(points)} points and a count of {told}, not {COUNT} of x and y")
    return points


def turn(points: NDArray[np.float64]) -> Turn:
    """How far a head is turned, by where the tip of the nose lies between the contour's ends."""
    start, end = points[LEFT_END], points[RIGHT_END]
    along = end - start
    place = float((points[NOSE_TIP] - start) @ along / max(float(along @ along), 1e-9))
    asymmetry = abs(2 * place - 1)
    return next(name for limit, name in TURNS if asymmetry < limit)
