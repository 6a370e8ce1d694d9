"""A second, wider look at a face that does not end with its cut: long hair, the back of a turned head.

The cut is where the network sees best, so what it says there stands. Of the wider look, with less detail, only those
classes are taken that reach the border of the cut, and only parts that are connected with it and sure. Near the border
one goes over into the other, so that no seam is seen, and the other classes keep their order; far off, parts fade
along a circle: none has a straight end.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.images import Affine, pixel_affine

Logits = NDArray[np.float32]

REACHES = 0.01
"""A class goes on beyond the cut when this share of the cut's border is of it."""

ROOM = 0.0625
"""The photo has to go on, too: at least for this much. This and what follows are in sides of the cut."""

CENTRE, REACH = np.array([0.5, 0.7]), 1.125
"""Where the wider look is and how far it goes in each direction, as far as the photo does: hair falls downwards."""

FADE = 1.0
"""How far from that centre parts begin to fade."""

RAMP = 0.12
"""How far from the border of the cut the first look alone counts."""

SURE = 0.5
"""By how much the logit of a part beyond the cut leads on average; with more, hair that goes on is cut off straight."""

_NEVER = np.float32(-1e3)


def beyond(
    logits: Logits, cut: Affine, image_size: tuple[int, int], look: Callable[[Affine], Logits]
) -> tuple[Logits, Affine]:
    """(h, w, C) logits and their cut; those of a larger one, at the same detail, where a part goes on beyond it.

    `look` infers logits of any size for the wider cut.
    """
    classes = reaching(logits, cut, image_size)
    if not classes:
        return logits, cut
    height, width, count = logits.shape
    left, top, columns, rows = grid = _grid(cut, image_size, (height, width))
    area = slice(-top, height - top), slice(-left, width - left)
    wide = look(_part(cut, grid, (height, width)))
    rest = [c for c in range(count) if c not in classes]  # class 0 stands for all of them beyond the cut
    found = cv2.resize(np.dstack([wide[..., rest].max(axis=2), wide[..., classes]]), (columns, rows))
    coarse = 1 - np.minimum.outer(_ramp(height), _ramp(width))
    near = logits + (coarse * (found[area][..., 0] - logits[..., rest].max(axis=2)))[..., None]
    for index, c in enumerate(classes, start=1):
        near[..., c] = logits[..., c] + coarse * (found[area][..., index] - logits[..., c])
    best = near.argmax(axis=2)
    x, y = (np.arange(columns) + left + 0.5) / width, (np.arange(rows) + top + 0.5) / height
    fade = 50 * np.maximum((x - CENTRE[0]) ** 2 + (y[:, None] - CENTRE[1]) ** 2 - FADE**2, 0)  # 0 in the cut
    leads = [found[..., i] - np.delete(found, i, axis=2).max(axis=2) for i in range(1, found.shape[2])]
    for index, (c, lead) in enumerate(zip(classes, leads, strict=True), start=1):
        of_class = lead > 0
        of_class[area] = best == c
        found[..., index] -= np.where(_goes_on(of_class, lead, area), fade, -_NEVER)
    needed = (found[..., 1:] > _NEVER / 2).any(axis=2)
    if needed.sum() == height * width:
        return logits, cut
    x0, y0, across, down = cv2.boundingRect(cv2.dilate(needed.view(np.uint8), np.ones((3, 3), np.uint8)))
    merged = np.full((down, across, count), _NEVER)
    merged[..., [0, *classes]] = found[y0 : y0 + down, x0 : x0 + across]
    merged[-top - y0 :, -left - x0 :][:height, :width] = near
    return merged, _part(cut, (left + x0, top + y0, across, down), (height, width))


def reaching(logits: Logits, cut: Affine, image_size: tuple[int, int]) -> list[int]:
    """The classes that (h, w, C) logits of a cut see at its border, where the (height, width) photo goes on."""
    edge = np.ones(logits.shape[:2], bool)
    edge[1:-1, 1:-1] = False
    rows, columns = np.nonzero(edge)
    around = _part(cut, (-ROOM, -ROOM, 1 + 2 * ROOM, 1 + 2 * ROOM), (1, 1))
    x, y = pixel_affine(around, logits.shape[:2]) @ np.stack([columns, rows, np.ones_like(rows)])
    inside = (x >= 0) & (y >= 0) & (x <= image_size[1] - 1) & (y <= image_size[0] - 1)
    seen = logits[rows[inside], columns[inside]].argmax(axis=1)
    counts = np.bincount(seen, minlength=logits.shape[2])
    return [int(c) for c in np.flatnonzero(counts >= REACHES * len(rows)) if c > 0]


def _goes_on(of_class: NDArray[np.bool_], lead: Logits, area: tuple[slice, slice]) -> NDArray[np.bool_]:
    """The area, and of a class the parts outside that are connected with it within and that the network is sure of."""
    amount, parts = cv2.connectedComponents(of_class.view(np.uint8), connectivity=4)
    over = lead - SURE
    over[area] = 0
    kept = np.bincount(parts.ravel(), over.ravel(), minlength=amount) >= 0
    kept &= np.isin(np.arange(amount), parts[area])
    goes_on = kept[parts] & of_class
    goes_on[area] = True
    return np.asarray(goes_on)


def _grid(cut: Affine, image_size: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, columns and rows of the wider look, of the cut's shape, on the grid of its (height, width) logits."""
    corners = [[x, y, 1] for x in (0, image_size[1]) for y in (0, image_size[0])]
    photo = cv2.invertAffineTransform(cut) @ np.transpose(corners)
    start = np.clip(photo.min(axis=1), CENTRE - REACH, 0)
    sides = np.clip(photo.max(axis=1), 1, CENTRE + REACH) - start
    left, top = np.floor((start - (sides.max() - sides) / 2) * size[::-1]).astype(int).tolist()
    columns, rows = (np.ceil(sides.max() * np.array(size[::-1])).astype(int) + 1).tolist()
    return left, top, columns, rows


def _part(cut: Affine, grid: tuple[float, float, float, float], size: tuple[int, int]) -> Affine:
    """The cut of a grid's left, top, columns and rows, on the grid of another cut's (height, width) logits."""
    height, width = size
    left, top, columns, rows = grid
    return np.column_stack(
        [cut[:, :2] * (columns / width, rows / height), cut @ (left / width, top / height, 1.0)]
    )


def _ramp(size: int) -> NDArray[np.float32]:
    """0 at the border to 1."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    return np.asarray(np.clip(np.minimum(place, 1 - place) / RAMP, 0, 1), np.float32)
