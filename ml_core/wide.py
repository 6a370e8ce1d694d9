"""A second, wider look at a face that does not end with its cut: long hair, the back of a turned head.

The cut is where the network sees best, so what it says there stands. Of the wider cut, at half the detail, only
those classes are taken that reach the border of the first, and only parts that are connected with it and sure. Near
the border one goes over into the other, so that no seam is seen.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.images import Affine, pixel_affine

REACHES = 0.01
"""A class goes on beyond the cut when this share of the cut's border is of it."""

ROOM = 1.125
"""The photo has to go on, too: at least to the border of the cut made this much larger."""

RAMP = 0.12
"""How far from its border, in sides of the cut, the first look alone counts."""

SURE = 1.5
"""By how much the logit of a part beyond the cut leads on average. Where photos of faces were pasted into scenes,
9 of 10 pixels painted beyond a photo's edge are in parts with less; of hair that really goes on, 1 of 10."""

_NEVER = np.float32(-1e3)


def reaching(logits: NDArray[np.float32], cut: Affine, image_size: tuple[int, int]) -> list[int]:
    """The classes that (h, w, C) logits of a cut see at its border, where the (height, width) photo goes on."""
    edge = np.ones(logits.shape[:2], bool)
    edge[1:-1, 1:-1] = False
    rows, columns = np.nonzero(edge)
    points = np.stack([columns, rows, np.ones_like(rows)])
    x, y = pixel_affine(enlarged(cut, ROOM, ROOM), logits.shape[:2]) @ points
    inside = (x >= 0) & (y >= 0) & (x <= image_size[1] - 1) & (y <= image_size[0] - 1)
    seen = logits[rows[inside], columns[inside]].argmax(axis=1)
    counts = np.bincount(seen, minlength=logits.shape[2])
    return [int(c) for c in np.flatnonzero(counts >= REACHES * len(rows)) if c > 0]


def enlarged(cut: Affine, across: float, down: float) -> Affine:
    """The cut with its sides multiplied, about its centre."""
    centre = cut @ (0.5, 0.5, 1.0)
    axes = cut[:, :2] * (across, down)
    return np.column_stack([axes, centre - axes.sum(axis=1) / 2])


def wider(cut: Affine, logits_size: tuple[int, int]) -> Affine:
    """The cut of the second look: that of the grid that `merge` makes of (h, w) logits, about twice as large."""
    (height, width), (rows, columns) = logits_size, _grid(logits_size)
    return enlarged(cut, columns / width, rows / height)


def merge(
    logits: NDArray[np.float32], wide: NDArray[np.float32], classes: list[int]
) -> NDArray[np.float32] | None:
    """(h, w, C) logits of a cut and of the wider one -> those of the wider one at the first one's detail.

    None if nothing that the cut sees goes on beyond it after all.
    """
    height, width, count = logits.shape
    rows, columns = _grid((height, width))
    found = np.asarray(cv2.resize(wide, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
    top, left = height // 2, width // 2
    area = slice(top, top + height), slice(left, left + width)
    near = found[area].copy()
    found[..., [c for c in range(1, count) if c not in classes]] = _NEVER
    trust = np.minimum.outer(_ramp(height), _ramp(width))[:, :, None]
    found[area] = near + trust * (logits - near)
    best = found.argmax(axis=2)
    beyond = np.zeros((rows, columns), bool)
    for c in classes:
        outside = best == c
        goes_on = _goes_on(found, outside, area)
        outside[area] = False
        found[outside & ~goes_on, c] = _NEVER
        beyond |= goes_on
    return found if beyond.any() else None


def _goes_on(
    found: NDArray[np.float32], of_class: NDArray[np.bool_], area: tuple[slice, slice]
) -> NDArray[np.bool_]:
    """Of a class, the parts outside the area that touch it within and that the network is sure of."""
    within, outside = np.zeros_like(of_class, np.uint8), of_class.astype(np.uint8)
    within[area] = outside[area]
    outside[area] = 0
    amount, parts = cv2.connectedComponents(outside, connectivity=4)
    touching = cv2.dilate(within, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0
    kept = np.zeros(amount, bool)
    kept[parts[touching]] = True
    inside_parts = parts > 0
    first, second = np.partition(found[inside_parts], -2, axis=1)[:, :-3:-1].T
    sizes = np.bincount(parts[inside_parts], minlength=amount)
    lead = np.bincount(parts[inside_parts], first - second, minlength=amount) / np.maximum(sizes, 1)
    kept &= lead >= SURE
    return np.asarray(kept[parts] & inside_parts)


def _grid(logits_size: tuple[int, int]) -> tuple[int, int]:
    """Twice as many, or one less, so that the first look's logits lie on it as they are."""
    height, width = logits_size
    return height + 2 * (height // 2), width + 2 * (width // 2)


def _ramp(size: int) -> NDArray[np.float32]:
    """0 at the border to 1."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    return np.asarray(np.clip(np.minimum(place, 1 - place) / RAMP, 0, 1), np.float32)
