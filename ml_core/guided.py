"""The guided filter: what a coarse share of each pixel becomes once it follows the photo's own edges.

He et al., "Guided Image Filtering", ECCV 2010: in each window the share is fitted as a linear function of the colours,
and a pixel gets the mean of its windows' functions. Moments are of all points, but functions are solved for every
`stride`-th one (He & Sun, "Fast Guided Filter", 2015). Where colours explain little of the share, as between dark hair
and a dark wall, the fit would only blur it: there it stays as it is.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

EPSILON = np.float32(6.5)
"""Variance of colours, in levels, below which a window counts as flat: the paper's, of colours 0..1, is 1e-4."""

TRUSTED = np.float32(0.25)
"""The part of the share's variance that colours have to explain for the fit alone to count."""

LEAST, MOST = 0.15, 0.85
"""What the filter gives for none and for all: below and above is haze."""

EVEN = 0.5
"""Of a mean share, 0..255: below is none, and as near to 255 all."""

PIXELS = 1 << 16  # refined at once: few enough to stay in the cache and to keep memory flat

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def refined(
    image: Pixels, share: Floats, step: int, radius: int, stride: int, fade: Floats | None
) -> Iterator[tuple[slice, Pixels]]:
    """Rows of an (H, W, 3) picture, and their matte by `share`, 0..255, which has a point for `step` pixels.

    Windows are `radius` points to each side; rows and columns of points are multiples of `stride`. `fade` is what the
    matte is multiplied by, for every `stride`-th point. Where the share is none or all as far as the windows of a
    window reach, so is the matte, without the filter.
    """
    (height, width), side, radius = image.shape[:2], step * stride, max(1, radius // stride)
    coarse = _reduced(share, stride)
    around = _mean(coarse, 2 * radius)
    border = np.asarray(cv2.inRange(around, EVEN, 255 - EVEN))
    if fade is not None:
        border[(fade < 1) & (around > EVEN)] = 255
    even = np.asarray(cv2.compare(around, 127.0, cv2.CMP_GT))
    planes = _fitted(image, share, coarse, border, step, radius, stride, fade)
    rows, columns = even.shape
    count = max(3, PIXELS // (columns * side * side))
    for first in range(0, rows, count):
        last = min(first + count, rows)
        area = slice(first * side, min(last * side, height))
        size = columns * side, (last - first) * side
        soft = np.asarray(cv2.resize(even[first:last], size, interpolation=cv2.INTER_NEAREST), np.uint8)
        soft = soft[: area.stop - area.start, :width]
        begin, top, across, down = cv2.boundingRect(border[first:last])
        if across:
            pixels = slice(top * side, (top + down) * side), slice(begin * side, (begin + across) * side)
            points = slice(first + top, first + top + down + 2), slice(begin, begin + across + 2)
            target = soft[pixels]
            total, *slopes = (_enlarged(plane[points], side, target.shape) for plane in planes)
            for slope, channel in zip(slopes, cv2.split(image[area][pixels]), strict=True):
                slope *= channel
                total += slope
            target[:] = cv2.convertScaleAbs(cv2.max(total, 0.0))
        yield area, soft


def stretched(share: Floats, fade: Floats | None) -> Pixels:
    """The matte of a share for each pixel, 0..255, without the filter: pixels are too few for windows."""
    soft = (_mean(share, 1) - np.float32(255 * LEAST)) * np.float32(1 / (MOST - LEAST))
    return np.asarray(cv2.convertScaleAbs(cv2.max(soft if fade is None else soft * fade, 0.0)))


def shrunk(image: Pixels, step: int, size: tuple[int, int]) -> Pixels:
    """A picture's means in squares of `step` pixels, (rows, columns) of `size`; beyond it, its border goes on."""
    height, width = image.shape[:2]
    beyond = size[0] * step - height, size[1] * step - width
    if any(beyond):
        image = np.asarray(cv2.copyMakeBorder(image, 0, beyond[0], 0, beyond[1], cv2.BORDER_REPLICATE))
    if step > 1:
        image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA))
    return image


def _fitted(
    image: Pixels,
    share: Floats,
    coarse: Floats,
    border: Pixels,
    step: int,
    radius: int,
    stride: int,
    fade: Floats | None,
) -> list[Floats]:
    """Offset and slopes for red, green and blue at every `stride`-th point and one more around them."""
    planes = [np.zeros((border.shape[0] + 2, border.shape[1] + 2), np.float32) for _ in range(4)]
    left, top, width, height = cv2.boundingRect(border)
    if not width:
        return planes
    near = tuple(
        slice(max(0, start - 2 * radius), min(start + length + 2 * radius, limit))
        for start, length, limit in ((top, height, border.shape[0]), (left, width, border.shape[1]))
    )
    points = tuple(slice(one.start * stride, one.stop * stride) for one in near)
    pixels = tuple(slice(one.start * step, one.stop * step) for one in points)
    own = share[points]
    found = _solved(shrunk(image[pixels], step, own.shape), own, coarse[near], radius, stride)
    found[0] -= np.float32(255 * LEAST)
    scale = np.float32(1 / (MOST - LEAST)) * (1 if fade is None else fade[near])
    around = tuple(slice(one.start, one.stop + 2) for one in near)
    for plane, values in zip(planes, found, strict=True):
        plane[around] = cv2.copyMakeBorder(values * scale, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return planes


def _solved(guide: Pixels, share: Floats, coarse: Floats, radius: int, stride: int) -> list[Floats]:
    """Offset and slopes at every `stride`-th point. Equations 19 to 21 of the paper."""
    red, green, blue = (channel.astype(np.float32) for channel in cv2.split(guide))

    def mean(values: Floats) -> Floats:
        return _mean(_reduced(values, stride), radius)

    r, g, b, p = mean(red), mean(green), mean(blue), _mean(coarse, radius)
    rr, gg, bb = (mean(c * c) - m * m + EPSILON for c, m in ((red, r), (green, g), (blue, b)))
    rg, rb, gb = mean(red * green) - r * g, mean(red * blue) - r * b, mean(green * blue) - g * b
    rp, gp, bp = mean(red * share) - r * p, mean(green * share) - g * p, mean(blue * share) - b * p
    # The inverse of the symmetric covariance, by its cofactors
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
    slopes = [
        (c_rr * rp + c_rg * gp + c_rb * bp) * scale,
        (c_rg * rp + c_gg * gp + c_gb * bp) * scale,
        (c_rb * rp + c_gb * gp + c_bb * bp) * scale,
    ]
    explained = slopes[0] * rp + slopes[1] * gp + slopes[2] * bp
    variance = mean(share * share) - p * p
    trust = np.minimum(explained / (TRUSTED * variance + EPSILON), np.float32(1))
    offset = (p - slopes[0] * r - slopes[1] * g - slopes[2] * b) * trust
    rest = (1 - _mean(trust, radius)) * coarse
    return [_mean(offset, radius) + rest, *(_mean(slope * trust, radius) for slope in slopes)]


def _reduced(values: Floats, stride: int) -> Floats:
    """Means of squares of `stride` points."""
    if stride == 1:
        return values
    size = values.shape[1] // stride, values.shape[0] // stride
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _enlarged(values: Floats, side: int, size: tuple[int, ...]) -> Floats:
    """(height, width) of `size`: the values but the outermost, each a square of `side` pixels, with ways between."""
    if side > 1:
        larger = values.shape[1] * side, values.shape[0] * side
        values = np.asarray(cv2.resize(values, larger), np.float32)
    return values[side : side + size[0], side : side + size[1]].copy()


def _mean(values: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
