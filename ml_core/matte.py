"""How much of each pixel belongs to some classes: calibrated probabilities, refined along the photo's own edges.

The network's grid is coarse, and its labels of hair coarser still; the guided filter makes strands show that differ
from what is behind them. It works around the labels of a face, on a grid bound to the network's, whatever the photo's
size.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.guided import Floats, Pixels, refined, shrunk, stretched
from ml_core.images import Affine, bounds, pixel_affine
from ml_core.paste import ovals
from ml_core.segmentation import Parsed, Segmentation

HAIR, FEATURES = 2.0, 0.5
"""Half the side of a window, in cells of the network's grid, with hair among the classes and without: brows and lips
lose their borders in larger windows, strands are cut short in smaller ones."""

GRID = 2
"""Points of the filter's grid along a cell, as far as the photo has pixels for them."""

SMALL = 1.75
"""Pixels of a cell below which hair is not filtered: the logits say all that the photo's few pixels do. At 110 to 224
pixels a face, in logits of 128 x 128, neither F1 nor the eye tells the difference."""

SHARPNESS = 3.0
"""Factor of the log-odds: calibrated ones are soft far from any border, which shows as haze."""

SOFT = 2.0
"""Cells on each side of the labels' borders that may be in part of the classes."""

BEYOND = 6.0
"""Cells around the labels that the matte may reach."""

ENDS = 12.0
"""Cells in which parts fade that go on where a cut ends: in six a straight end is seen."""

_BLOCK = 8192  # points interpolated at once: few enough to stay in the cache and to keep memory flat


def matte(found: Segmentation) -> Pixels:
    """(H, W) uint8: how much of each pixel belongs to the classes of `only`; without it, to any part of a face."""
    every = range(len(found.bundle.labels))
    kept = every[1:] if found.kept is None else found.kept
    if 0 in kept:  # the background is what all others leave
        return ~_matte(found, [c for c in every if c not in kept])
    return _matte(found, kept)


def cutout(found: Segmentation) -> Pixels:
    """(H, W, 4) uint8 RGBA: the photo with its matte; at soft edges without the colours of what is behind.

    Colours there are those of Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021. Black where the matte
    is 0, so that nothing else of the photo is passed on.
    """
    alpha = matte(found)
    colors = cv2.copyTo(found.image, alpha)
    for one in found.parsed:
        left, top, right, bottom = bounds(one.cut, alpha.shape, margin=ENDS * _cell(one))
        x, y, width, height = cv2.boundingRect(cv2.inRange(alpha[top:bottom, left:right], 1, 254))
        if width:
            area = slice(top + y, top + y + height), slice(left + x, left + x + width)
            _clean(colors[area], found.image[area], alpha[area], one)
    result = cv2.cvtColor(colors, cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(alpha, result, 3)
    return np.asarray(result)


def _matte(found: Segmentation, classes: Collection[int]) -> Pixels:
    """As `matte`, of classes without the background."""
    result = np.zeros(found.labels.shape, np.uint8)
    for one in found.parsed:
        if (there := _place(found, one, classes)) is None:
            continue
        place, kept = there
        others = _others(found, one, place)
        share, fade = _share(found, one, place, kept, classes, others)
        image, target = found.image[place.area], result[place.area]
        parts: Iterable[tuple[slice, Pixels]]
        if place.radius:
            parts = refined(image, share, place.step, place.radius, place.stride, fade)
        else:
            parts = [(slice(len(target)), stretched(share, fade))]
        for rows, soft in parts:
            if others is not None:
                soft[others[rows]] = 0
            np.maximum(target[rows], soft, out=target[rows])
    for area, oval in ovals(found.refused, result.shape):
        result[area][oval & (found.all_labels[area] == 0)] = 0
    return result


@dataclass(frozen=True)
class _Place:
    """Where a face has a matte, and how its filter goes.

    area     of the photo
    cut      where in that the face's look lies
    cell     pixels of a cell of the network's grid
    step     pixels from point to point of the filter's grid
    radius   of its windows, in points; 0 where they would be as small as a pixel's neighbours: no filter
    stride   points from one solution to the next
    ends     whether the face goes on where the look ends
    """

    area: tuple[slice, slice]
    cut: Affine
    cell: float
    step: int
    radius: int
    stride: int
    ends: bool


def _place(found: Segmentation, one: Parsed, classes: Collection[int]) -> tuple[_Place, Pixels] | None:
    """And at each point 1 where the face has one of the classes; None where it has nothing of them."""
    wide = HAIR if set(classes) & set(found.bundle.labels.hair) else FEATURES
    cell, limits = _cell(one), found.labels.shape
    step = _step(cell, wide)
    radius = round(wide * cell / step)
    if wide == FEATURES:
        radius, stride = max(1, radius), 1
    else:
        radius, stride = (radius - radius % 2, 2) if cell >= SMALL else (0, 1)
    left, top, right, bottom = bounds(one.cut, limits)
    seen = _kept(found, one, (slice(top, bottom), slice(left, right)), step, classes)
    x, y, width, height = cv2.boundingRect(seen)
    if not width:
        return None
    outside = _outside(_moved(one.cut, left - step, top - step), step, (seen.shape[0] + 2, seen.shape[1] + 2))
    touching = cv2.dilate(cv2.copyMakeBorder(seen, 1, 1, 1, 1, cv2.BORDER_CONSTANT), _square(3))
    ends = cv2.hasNonZero(cv2.bitwise_and(outside, touching))
    reach = math.ceil((ENDS if ends else BEYOND) * cell / step)
    above, before = min(reach, top // step + y), min(reach, left // step + x)
    right = min(limits[1], left + (x + width + reach) * step)
    bottom = min(limits[0], top + (y + height + reach) * step)
    left, top = left + (x - before) * step, top + (y - above) * step
    rows, columns = (stride * math.ceil(side / (step * stride)) for side in (bottom - top, right - left))
    kept = np.zeros((rows, columns), np.uint8)
    kept[above : above + height, before : before + width] = seen[y : y + height, x : x + width]
    area = slice(top, bottom), slice(left, right)
    return _Place(area, _moved(one.cut, left, top), cell, step, radius, stride, ends), kept


def _moved(cut: Affine, left: int, top: int) -> Affine:
    """A cut of the photo as one of the part of it that begins there."""
    return np.asarray(cut - [[0, 0, left], [0, 0, top]])


def _kept(
    found: Segmentation, one: Parsed, area: tuple[slice, slice], step: int, classes: Collection[int]
) -> Pixels:
    """At each point of an area: 1 where the face has one of the classes."""
    points = tuple(_points(side.start, side.stop, step) for side in area)
    table = np.zeros(256, np.uint8)
    table[list(classes)] = 1
    kept = cv2.LUT(np.ascontiguousarray(found.all_labels[points]), table)
    if found.owners is not None:
        kept *= found.owners[points] == one.number
    return np.asarray(kept, np.uint8)


def _points(start: int, stop: int, step: int) -> slice:
    """One in the middle of each step; in the last, which may be cut short, as near to it as there is room."""
    return slice(min(start + (step - 1) // 2, stop - 1), stop, step)


def _cell(one: Parsed) -> float:
    """The side of a cell of the network's grid, in pixels."""
    (a, b, _), (c, d, _) = one.cut.tolist()
    return math.sqrt(abs(a * d - b * c) / one.look[..., 0].size)


def _step(cell: float, wide: float) -> int:
    """The distance between points of the filter's grid, in pixels: rounded up or, for narrow windows, down.

    On a coarser one brows, eyes and lips lose half a point of F1.
    """
    along = round(cell / GRID, 3)
    return math.ceil(along) if wide >= HAIR else max(1, int(along))


def _share(
    found: Segmentation,
    one: Parsed,
    place: _Place,
    kept: Pixels,
    classes: Collection[int],
    others: NDArray[np.bool_] | None,
) -> tuple[Floats, Floats | None]:
    """At each point, 0..255, how much of it is of the classes, and what the matte fades by; None: it does not.

    All or none by the labels, but around their borders the likeliest of the classes against the likeliest other,
    calibrated. Beyond the cut and where other faces are it goes on as it is nearby: no face ends softly where it
    touches another one, and none has a straight end.
    """
    step = place.step
    theirs = None if others is None else others[*(_points(0, side, step) for side in others.shape)]
    unknown, fade = np.zeros_like(kept), None
    if place.ends:
        unknown = cv2.subtract(_outside(place.cut, step, kept.shape), kept)
        fade = _fade(unknown, place)
    if theirs is not None:
        unknown[: theirs.shape[0], : theirs.shape[1]] |= theirs
    beside = cv2.bitwise_and(unknown, cv2.dilate(kept, _square(3)))
    if not place.ends and not place.radius:  # nothing is seen of what others have but the nearest points
        kept = cv2.bitwise_or(kept, beside)
    elif cv2.hasNonZero(beside):
        kept = _filled(kept, unknown)
    around = _square(2 * max(1, round(SOFT * place.cell / step)) + 1)
    border = cv2.subtract(cv2.dilate(kept, around), cv2.erode(kept, around))
    if theirs is not None:
        border[: theirs.shape[0], : theirs.shape[1]] &= ~theirs
    share = np.asarray(kept * np.float32(255), np.float32)
    to_logits = cv2.invertAffineTransform(pixel_affine(place.cut / step, one.look.shape[:2]))
    points = cv2.findNonZero(border) if cv2.hasNonZero(border) else np.zeros((0, 2), np.int32)
    for first in range(0, len(points), _BLOCK):
        block = points[first : first + _BLOCK].reshape(1, -1, 2)
        at = cv2.transform(block.astype(np.float32), to_logits)
        share[block[0, :, 1], block[0, :, 0]] = _soft(one.look, at, classes, found.bundle.temperatures)
    return share, fade


@cache
def _square(side: int) -> Pixels:
    return np.ones((side, side), np.uint8)


def _fade(outside: Pixels, place: _Place) -> Floats:
    """For every `stride`-th point 1 in the cut, falling to 0 at the distance of ENDS."""
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 3)[:: place.stride, :: place.stride]
    fade = 1 - distance * np.float32(place.step / (place.cell * ENDS))
    return np.asarray(np.clip(fade, 0, 1), np.float32)


def _filled(kept: Pixels, unknown: Pixels) -> Pixels:
    """As `kept`, unknown points being as the nearest known one."""
    to_kept, to_others = (
        cv2.distanceTransform(far, cv2.DIST_L2, 3) for far in (kept ^ np.uint8(1), kept | unknown)
    )
    return np.asarray(cv2.compare(to_kept, to_others, cv2.CMP_LE) & 1)


def _outside(cut: Affine, step: int, size: tuple[int, ...]) -> Pixels:
    """(height, width) of `size`: 1 at the points, `step` pixels apart, that are outside of the cut."""
    outside = np.ones(size, np.uint8)
    (a, b, x), (c, d, y) = (cut * (16 / step)).tolist()
    corners = (x, y), (x + a, y + c), (x + a + b, y + c + d), (x + b, y + d)
    outline = [[round(one - 8) for one in corner] for corner in corners]
    cv2.fillConvexPoly(outside, np.array(outline, np.int32), 0, shift=4)
    return outside


def _soft(look: Floats, at: Floats, classes: Collection[int], temperatures: Sequence[float]) -> Floats:
    """(n,) shares, 0..255, at (1, n, 2) columns and rows of (h, w, C) logits; beyond these their border goes on."""
    between = cv2.remap(look, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    logits = cv2.transpose(between[0])
    best = logits.max(axis=0)
    sharpness = (
        np.float32(SHARPNESS) / np.array(temperatures, np.float32) @ (logits == best).astype(np.float32)
    )
    theirs = [c for c in range(len(logits)) if c not in classes]
    lead = sharpness * (logits[list(classes)].max(axis=0) - logits[theirs].max(axis=0))
    return np.asarray(255 / (1 + np.exp(np.clip(-lead, -30, 30))), np.float32)


def _others(found: Segmentation, one: Parsed, place: _Place) -> NDArray[np.bool_] | None:
    """Where in the area parts of other faces are; None if there are none."""
    if found.owners is None:
        return None
    owners = found.owners[place.area]
    others = (owners > 0) & (owners != one.number)
    return others if others.any() else None


def _clean(colors: Pixels, image: Pixels, alpha: Pixels, one: Parsed) -> None:
    """Give soft pixels the colours of what lies in front."""
    step = max(2, math.ceil(_cell(one)))
    size = -(-image.shape[0] // step), -(-image.shape[1] // step)
    side = 2 * max(1, round(2 * HAIR * _cell(one) / step)) + 1
    share = shrunk(alpha, step, size) * np.float32(1 / 255)
    whole = shrunk(image, step, size).astype(np.float32)
    front = cv2.merge([*(channel * share for channel in cv2.split(whole)), share])
    fronts, wholes = (cv2.blur(part, (side, side), borderType=cv2.BORDER_REFLECT) for part in (front, whole))
    points = cv2.findNonZero(cv2.inRange(alpha, 1, 254)).reshape(-1, 2)
    columns, rows = points[:, 0], points[:, 1]
    at = rows // step * size[1] + columns // step  # smooth enough without interpolation
    weighted, whole = fronts.reshape(-1, 4).take(at, axis=0), wholes.reshape(-1, 3).take(at, axis=0)
    front = weighted[:, :3] / (weighted[:, 3:] + np.float32(1e-4))
    behind = (whole - weighted[:, :3]) / (np.float32(1 + 1e-4) - weighted[:, 3:])
    amount = alpha[rows, columns, None] * np.float32(1 / 255)
    found = front + amount * (image[rows, columns] - amount * front - (1 - amount) * behind)
    colors[rows, columns] = np.clip(found + np.float32(0.5), 0, 255)
