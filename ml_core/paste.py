"""From the logits of cuts back to labels at the photo's own size.

Labels come from interpolated logits, not from blown-up labels, so that borders are smooth. Between four
neighbouring logits that agree on the best class, bilinear interpolation cannot change it: the difference of
two channels that is positive at all four is positive between them. So only the cells between disagreeing
neighbours are interpolated, which gives the same labels in a tenth of the time.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.images import Affine, bounds, pixel_affine

Box = tuple[float, float, float, float]

MIXED = 255
_BLOCK = 8192  # points interpolated at once: few enough to stay in the cache and to keep memory flat


def paste(
    logits: Sequence[NDArray[np.float32]],
    cuts: Sequence[Affine],
    image_size: tuple[int, int],
    *,
    homes: Sequence[Affine] | None = None,
    best: Sequence[NDArray[np.uint8] | None] | None = None,
) -> NDArray[np.uint8]:
    """(h, w, C) logits of each cut -> (height, width) uint8 labels of the photo; 0 outside all cuts.

    The background of one cut never erases another's parts; where two cuts both see a part, the pixel goes
    to the one whose home is nearer: the distance from its centre in its own sides. A cut is its own home
    unless `homes` says otherwise. `best` is `best_classes` of the logits, where it is known.
    """
    return paste_owned(logits, cuts, image_size, homes=homes, best=best)[0]


def paste_owned(
    logits: Sequence[NDArray[np.float32]],
    cuts: Sequence[Affine],
    image_size: tuple[int, int],
    *,
    homes: Sequence[Affine] | None = None,
    best: Sequence[NDArray[np.uint8] | None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16] | None]:
    """As `paste`, and (height, width) which cut each part was seen in, from 1, 0 none; None where there is one cut."""
    homes = cuts if homes is None else homes
    best = [None] * len(cuts) if best is None else best
    labels = np.zeros(image_size, np.uint8)
    if len(cuts) == 1:  # nobody to share the photo with
        left, top, right, bottom = bounds(cuts[0], image_size)
        moved = cuts[0] - [[0, 0, left], [0, 0, top]]
        labels[top:bottom, left:right] = upsample(logits[0], moved, (bottom - top, right - left), best[0])
        return labels, None
    owners = np.zeros(image_size, np.uint16)
    for number, (values, cut, winner) in enumerate(zip(logits, cuts, best, strict=True), start=1):
        left, top, right, bottom = bounds(cut, image_size)
        area = slice(top, bottom), slice(left, right)
        moved = cut - [[0, 0, left], [0, 0, top]]
        found = upsample(values, moved, (bottom - top, right - left), winner)
        if number > 1:
            rows, columns = np.nonzero((found > 0) & (labels[area] > 0))
            points = np.stack([columns + left, rows + top]) + 0.5
            theirs = _distances(homes, owners[area][rows, columns] - 1, points)
            lost = theirs <= _distances(homes, np.full(len(rows), number - 1), points)
            found[rows[lost], columns[lost]] = 0
        part = found > 0
        np.copyto(labels[area], found, where=part)
        owners[area][part] = number
    return labels, owners


def clear(labels: NDArray[np.uint8], boxes: Sequence[Box], classes: Sequence[int]) -> None:
    """Make these classes background in the ellipses of boxes: a face is nobody else's hair."""
    for area, oval in ovals(boxes, labels.shape):
        labels[area][oval & np.isin(labels[area], classes)] = 0


def ovals(
    boxes: Sequence[Box], image_size: tuple[int, ...]
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Of each x, y, width, height box: where in a (height, width) photo it is, and what of that is in its ellipse."""
    for x, y, width, height in boxes:
        low = np.clip(np.rint([y, x]), 0, image_size).astype(int)
        high = np.clip(np.rint([y + height, x + width]), low, image_size).astype(int)
        area = slice(low[0], high[0]), slice(low[1], high[1])
        rows, columns = np.ogrid[area]
        across = (columns + 0.5 - x) / width - 0.5
        down = (rows + 0.5 - y) / height - 0.5
        yield area, across**2 + down**2 <= 0.25


def best_classes(logits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w, C) logits -> (h, w): the class with the highest, the first of equals."""
    best: NDArray[np.uint8] = logits.argmax(axis=2).astype(np.uint8)
    return best


def upsample(
    logits: NDArray[np.float32], cut: Affine, size: tuple[int, int], best: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """(h, w, C) logits of a cut -> (height, width) uint8: the best class between them, 0 outside the cut.

    The border of a turned cut is exact to half a cell of the logits.
    """
    best = best_classes(logits) if best is None else best
    around = cv2.copyMakeBorder(best, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    cells = around[:-1, :-1].copy()  # cell (i, j) lies between logits i - 1 and i, j - 1 and j
    cells[(cells != around[1:, :-1]) | (cells != around[:-1, 1:]) | (cells != around[1:, 1:])] = MIXED
    to_logit: Affine = cv2.invertAffineTransform(pixel_affine(cut, best.shape))
    to_cell = to_logit + np.array([[0, 0, 0.5], [0, 0, 0.5]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    labels: NDArray[np.uint8] = cv2.warpAffine(cells, to_cell, size[::-1], flags=flags)
    # Four channels each, where cv2.remap is exact and fastest; the last one is repeated and never wins over itself
    last = logits.shape[2] - 1
    groups = [np.empty((*best.shape, 4), np.float32) for _ in range(0, last + 1, 4)]
    pairs = [number for channel in range(4 * len(groups)) for number in (min(channel, last), channel)]
    cv2.mixChannels([logits], groups, pairs)
    flat = labels.reshape(-1)
    mixed = np.flatnonzero(flat == MIXED)
    for first in range(0, len(mixed), _BLOCK):
        block = mixed[first : first + _BLOCK]
        rows, columns = np.divmod(block, size[1])
        at = to_logit @ np.stack([columns, rows, np.ones_like(rows)]).astype(np.float64)
        flat[block] = _interpolate(groups, at.astype(np.float32)).argmax(axis=1)
    return labels


def _interpolate(groups: Sequence[NDArray[np.float32]], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 4) logits per group at (2, n) columns and rows -> (n, C) bilinear, the edge extended outwards."""
    values = [
        cv2.remap(group, at[:1], at[1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for group in groups
    ]
    return np.concatenate([value.reshape(at.shape[1], -1) for value in values], axis=1, dtype=np.float32)


def _distances(
    cuts: Sequence[Affine], owners: NDArray[np.integer], points: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(n,) distances of (2, n) points from the centres of the cuts that own them, in sides of the cut."""
    distances = np.empty(len(owners))
    for owner in np.unique(owners):
        mine = owners == owner
        inverse: Affine = cv2.invertAffineTransform(cuts[owner])
        place = inverse[:, :2] @ points[:, mine] + inverse[:, 2:] - 0.5
        distances[mine] = np.hypot(place[0], place[1])
    return distances
