"""How much of each pixel belongs to some classes: calibrated probabilities, refined along the photo's own edges.

The network's grid is coarse, and its labels of hair coarser still. The guided filter (He et al., "Guided Image
Filtering", ECCV 2010) fits the probabilities, window by window, as a linear function of the photo's colours, so that
strands which differ from what is behind them show. Its coefficients are computed on a grid bound to the network's,
whatever the photo's size, and applied to every pixel (He & Sun, "Fast Guided Filter", 2015).
"""

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from itertools import chain
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.images import Affine, bounds, pixel_affine
from ml_core.paste import ovals
from ml_core.segmentation import Parsed, Segmentation

HAIR, FEATURES = 2.0, 0.5
"""Half the side of a window, in cells of the network's grid, with hair among the classes and without: brows and lips
lose their borders in larger windows, strands are cut short in smaller ones."""

EPSILON = 1e-4
"""Variance of colours (0..1 each) below which a window counts as flat."""

GRID = 2
"""Points of the coefficients' grid along a cell, as far as the photo has pixels for them."""

SHARPNESS = 3.0
"""Factor of the log-odds: calibrated ones are soft far from any border, which shows as haze."""

LEAST, MOST = 0.15, 0.85
"""What the filter gives for none and for all: below and above is haze as well."""

BETWEEN = 1.5
"""Points along a cell, up to which the likeliest classes' logits are interpolated instead of all classes'."""

EVEN = 2e-3
"""Of a mean share: below is none, and as near to 1 all."""

ROWS = 64  # refined at once: few enough to stay in the cache and to keep memory flat

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


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
    picture = cv2.cvtColor(found.image, cv2.COLOR_RGB2RGBA)
    picture[..., 3] = alpha
    for one in found.parsed:
        left, top, right, bottom = bounds(one.cut, found.labels.shape)
        area = slice(top, bottom), slice(left, right)
        part, share = (np.ascontiguousarray(whole[area]) for whole in (found.image, alpha))
        soft = np.flatnonzero(cv2.inRange(share, 1, 254))
        rows, columns = np.divmod(soft, right - left)
        picture[rows + top, columns + left, :3] = _foreground(part, share, soft, one)
    np.copyto(picture, 0, where=(alpha == 0)[..., None])
    return np.asarray(picture, np.uint8)


def guided(guide: Floats, source: Floats, radius: int) -> list[Floats]:
    """Slopes for red, green and blue, and offset: `source` (H, W) as linear functions of a guide (H, W, 3), 0..1.

    Equations 19 to 21 of the paper; windows are squares of 2 * radius + 1 points.
    """
    red, green, blue = cv2.split(guide)
    r, g, b, p = (_mean(plane, radius) for plane in (red, green, blue, source))
    rr, gg, bb = (
        _mean(plane * plane, radius) - mean * mean + EPSILON
        for plane, mean in ((red, r), (green, g), (blue, b))
    )
    rg, rb, gb = (
        _mean(one * other, radius) - mean * mean_of_other
        for one, other, mean, mean_of_other in ((red, green, r, g), (red, blue, r, b), (green, blue, g, b))
    )
    rp, gp, bp = (
        _mean(plane * source, radius) - mean * p for plane, mean in ((red, r), (green, g), (blue, b))
    )
    # The inverse of the symmetric covariance, by its cofactors
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    slopes = [
        (c_rr * rp + c_rg * gp + c_rb * bp) / determinant,
        (c_rg * rp + c_gg * gp + c_gb * bp) / determinant,
        (c_rb * rp + c_gb * gp + c_bb * bp) / determinant,
    ]
    offset = p - slopes[0] * r - slopes[1] * g - slopes[2] * b
    return [_mean(plane, radius) for plane in (*slopes, offset)]


def _matte(found: Segmentation, classes: Collection[int]) -> Pixels:
    """As `matte`, of classes without the background."""
    result = np.zeros(found.labels.shape, np.uint8)
    if not classes:
        return result
    wide = HAIR if set(classes) & set(found.bundle.labels.hair) else FEATURES
    for one in found.parsed:
        left, top, right, bottom = bounds(one.cut, found.labels.shape)
        area = slice(top, bottom), slice(left, right)
        part, cut, step = found.image[area], one.cut - [[0, 0, left], [0, 0, top]], _step(one, wide)
        share = _share(one, cut / step, _points(part, step), classes, found.bundle.temperatures)
        for rows, soft in _refined(part, share, step, max(1, round(wide * _cell(one) / step))):
            if found.owners is not None:
                owners = found.owners[area][rows]
                soft[(owners != one.number) & (owners > 0)] = 0
            np.maximum(result[area][rows], soft, out=result[area][rows])
    before = found.labels if found.unmasked is None else found.unmasked
    for area, oval in ovals(found.refused, result.shape):
        result[area][oval & (before[area] == 0)] = 0
    return result


def _cell(one: Parsed) -> float:
    """The side of a cell of the network's grid, in pixels."""
    return float(np.sqrt(abs(np.linalg.det(one.cut[:, :2])) / one.look[..., 0].size))


def _step(one: Parsed, wide: float) -> int:
    """The distance between points of the coefficients' grid, in pixels: rounded up or, for narrow windows, down.

    On a coarser one brows, eyes and lips lose half a point of F1.
    """
    along = round(_cell(one) / GRID, 3)
    return ceil(along) if wide >= HAIR else max(1, int(along))


def _points(image: Pixels, step: int) -> tuple[int, int]:
    """Rows and columns of the grid over a picture; the last ones may reach beyond it."""
    height, width = image.shape[:2]
    return -(-height // step), -(-width // step)


def _shrunk(image: Pixels, step: int) -> Floats:
    """A picture's means in squares of `step` pixels, 0..1; its border goes on where the last ones reach beyond it."""
    if step > 1:
        (rows, columns), (height, width) = _points(image, step), image.shape[:2]
        beyond = 0, rows * step - height, 0, columns * step - width
        whole = cv2.copyMakeBorder(image, *beyond, cv2.BORDER_REPLICATE)
        image = np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(image * np.float32(1 / 255), np.float32)


def _share(
    one: Parsed, cut: Affine, size: tuple[int, int], classes: Collection[int], temperatures: Sequence[float]
) -> Floats:
    """(height, width) of `size`, 0..1: of the likeliest of the classes against the likeliest other, calibrated.

    The logits are interpolated, not their probabilities, as for the labels: so the borders are the same.
    """
    planes = cv2.split(one.look)
    best, sharpness = reduce(cv2.max, planes), np.empty(planes[0].shape, np.float32)
    for plane, temperature in zip(planes, temperatures, strict=True):
        np.copyto(sharpness, SHARPNESS / temperature, where=plane == best)
    to_logits = cv2.invertAffineTransform(pixel_affine(cut, one.look.shape[:2]))
    cell = np.sqrt(abs(np.linalg.det(cut[:, :2])) / best.size)  # in points

    def warped(plane: cv2.typing.MatLike, how: int, border: int) -> cv2.typing.MatLike:
        how |= cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(plane, to_logits, size[::-1], flags=how, borderMode=border)

    def likeliest(group: Collection[int]) -> cv2.typing.MatLike:
        of_group = [plane for c, plane in enumerate(planes) if c in group]
        if cell <= BETWEEN:  # no point between logits, to speak of
            of_group = [reduce(cv2.max, of_group)]
        fours = [cv2.merge(of_group[at : at + 4]) for at in range(0, len(of_group), 4)]
        between = [cv2.split(warped(four, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)) for four in fours]
        return reduce(cv2.max, chain.from_iterable(between))

    lead = cv2.subtract(likeliest(classes), likeliest(set(range(len(planes))) - set(classes)))
    sharp = warped(sharpness, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    odds = np.clip(sharp * lead, -30, 30)
    return np.asarray((sharp > 0) / (1 + np.exp(-odds)), np.float32)  # 0 outside of the cut


def _refined(image: Pixels, share: Floats, step: int, radius: int) -> Iterator[tuple[slice, Pixels]]:
    """Rows of an (H, W, 3) picture, and their matte by `share`, which has a point for `step` pixels.

    Where the share is none or all as far as the windows of a window reach, so is the matte, without the filter.
    """
    (height, width), (rows, columns) = image.shape[:2], share.shape
    around = _mean(share, 2 * radius + 1)  # and to the next point
    border = np.asarray(cv2.inRange(around, EVEN, 1 - EVEN)) > 0
    even = np.where(share > 0.5, np.uint8(255), np.uint8(0))
    fitted = cv2.copyMakeBorder(_fitted(image, share, border, step, radius), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    count = max(3, ROWS // step)
    for first in range(0, rows, count):
        last = min(first + count, rows)
        area = slice(first * step, min(last * step, height))
        size = columns * step, (last - first) * step
        soft = np.asarray(cv2.resize(even[first:last], size, interpolation=cv2.INTER_NEAREST), np.uint8)
        soft = soft[: area.stop - area.start, :width]
        for begin, end in _runs(np.logical_or.reduce(border[first:last], axis=0)):
            target = soft[:, begin * step : end * step]
            points = fitted[first : last + 2, begin : end + 2]
            between = cv2.resize(points, (points.shape[1] * step, points.shape[0] * step))[step:, step:]
            terms = cv2.cvtColor(image[area, begin * step : end * step], cv2.COLOR_RGB2RGBA)
            between = between[: target.shape[0], : target.shape[1]]
            product = cv2.multiply(between, terms, dtype=cv2.CV_32F)
            target[:] = cv2.add(cv2.transform(product, np.ones((1, 4))), 0.0, dtype=cv2.CV_8U)
        yield area, soft


def _fitted(image: Pixels, share: Floats, border: NDArray[np.bool_], step: int, radius: int) -> Floats:
    """(rows, columns, 4) of the grid: what red, green, blue and 255 are multiplied by, for sums of 0..255."""
    grid = np.zeros((*share.shape, 4), np.float32)
    places = [np.flatnonzero(border.any(axis=axis)) for axis in (1, 0)]
    if not len(places[0]):
        return grid
    near = tuple(slice(max(0, found[0] - 2 * radius), found[-1] + 1 + 2 * radius) for found in places)
    rows, columns = (slice(one.start * step, one.stop * step) for one in near)
    *slopes, offset = guided(_shrunk(image[rows, columns], step), share[near], radius)
    scale = np.float32(1 / (MOST - LEAST))
    planes = [*(plane * scale for plane in slopes), (offset - np.float32(LEAST)) * scale]
    grid[near] = cv2.merge(planes)
    return grid


def _runs(values: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Where runs of true begin and end."""
    edges = np.flatnonzero(np.diff(values, prepend=False, append=False))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _foreground(image: Pixels, alpha: Pixels, soft: NDArray[np.intp], one: Parsed) -> Pixels:
    """(n, 3) uint8 RGB of what lies in front at n pixels, by their flat indices, of a picture with its matte."""
    step = _step(one, HAIR)
    guide = _shrunk(image, step)
    size = guide.shape[1::-1]
    share = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) * np.float32(1 / 255)
    radius = max(1, round(2 * HAIR * _cell(one) / step))
    rows, columns = np.divmod(soft, image.shape[1])
    at = rows // step * size[0] + columns // step  # smooth enough without interpolation

    def around(weight: Floats) -> Floats:
        total = _mean(weight, radius) + np.float32(1e-4)
        planes = [_mean(plane * weight, radius) / total for plane in cv2.split(guide)]
        return np.asarray(cv2.merge(planes).reshape(-1, 3).take(at, axis=0))

    front, behind = around(share), around(1 - share)
    amount = alpha.reshape(-1).take(soft)[:, None] * np.float32(1 / 255)
    seen = image.reshape(-1, 3).take(soft, axis=0) * np.float32(1 / 255)
    found = front + amount * (seen - amount * front - (1 - amount) * behind)
    return np.asarray(np.clip(255 * found + 0.5, 0, 255), np.uint8)


def _mean(values: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
