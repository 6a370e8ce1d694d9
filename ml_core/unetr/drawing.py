"""Solid shapes with light on them, and the surfaces they are made of. All frames are square, values float32."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.augment_config import Codes, Image, Pair, Rng

Field = NDArray[np.float32]
"""(S, S)"""
Colours = NDArray[np.float32]
"""(S, S, 3) or (3,), 0 to 255."""
Point = NDArray[np.float64]


def noise(size: int, cell: float, rng: Rng) -> Field:
    """(S, S) smooth noise of unit variance or so; `cell` is the size of its grain in pixels."""
    count = max(2, round(size / cell))
    grain = rng.standard_normal((count, count), np.float32)
    return np.asarray(cv2.resize(grain, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def wave(size: int, bumps: int, rng: Rng) -> Field:
    """(S,) smooth random curve of unit variance or so with about so many bumps."""
    knots = rng.standard_normal((1, bumps + 3), np.float32)
    return np.asarray(cv2.resize(knots, (size, 1), interpolation=cv2.INTER_CUBIC)[0], np.float32)


class Relief:
    """A height field made of capsules, for hands and sticks: what lies higher hides what lies lower."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.alpha = np.zeros((size, size), np.float32)
        self.height = np.zeros((size, size), np.float32)

    def capsule(self, start: Point, end: Point, first: float, last: float, lift: float = 0.0) -> None:
        """A limb from start to end, its radius going from `first` to `last`, its axis raised by `lift`; pixels."""
        reach = max(first, last) + 1
        low = np.maximum(np.floor(np.minimum(start, end) - reach), 0).astype(int)
        high = np.minimum(np.ceil(np.maximum(start, end) + reach) + 1, self.size).astype(int)
        if (high <= low).any():
            return
        x = np.arange(low[0], high[0], dtype=np.float32)[None] - np.float32(start[0])
        y = np.arange(low[1], high[1], dtype=np.float32)[:, None] - np.float32(start[1])
        axis = (end - start).astype(np.float32)
        share = np.clip((x * axis[0] + y * axis[1]) / max(float(axis @ axis), 1e-6), 0, 1)
        distance = np.hypot(x - share * axis[0], y - share * axis[1])
        radius = np.float32(first) + share * np.float32(last - first)
        area = slice(low[1], high[1]), slice(low[0], high[0])
        alpha = np.clip(radius - distance + 0.5, 0, 1)
        height = np.sqrt(np.maximum(radius**2 - distance**2, 0)) + np.float32(lift)
        higher = (alpha > 0) & (height > self.height[area])
        self.height[area][higher] = height[higher]
        np.maximum(self.alpha[area], alpha, out=self.alpha[area])

    def shade(self, rng: Rng) -> Field:
        """(S, S) brightness about 1 under a light from above."""
        return lit(self.height, rng)


def lit(height: Field, rng: Rng) -> Field:
    """Lambertian brightness, about 1 where a height field is flat."""
    smooth = cv2.GaussianBlur(height, (3, 3), 0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3) / 8
    direction = rng.normal((0, -0.35), 0.35)
    cosine = (1 - across * direction[0] - down * direction[1]) / np.sqrt(1 + across**2 + down**2)
    ambient = float(rng.uniform(0.35, 0.75))
    return np.asarray(np.clip(ambient + (1 - ambient) * cosine, 0.15, 1.5), np.float32)


def cover(pair: Pair, alpha: Field, colours: Colours, rng: Rng) -> Pair:
    """Lay an object over a picture: it becomes background, and most objects cast a shadow."""
    image, codes = pair
    under = image.astype(np.float32)
    if rng.random() < 0.7:
        size = image.shape[0]
        offset = np.array(
            [[1, 0, rng.normal(0, 0.015) * size], [0, 1, abs(rng.normal(0, 0.02)) * size]], np.float32
        )
        dark = cv2.warpAffine(alpha, offset, (size, size))
        dark = cv2.GaussianBlur(dark, (0, 0), rng.uniform(0.004, 0.02) * size)
        under *= 1 - np.float32(rng.uniform(0.1, 0.5)) * dark[..., None]
    if rng.random() < 0.5:
        alpha = np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0), np.float32)
    mixed = under + (colours - under) * alpha[..., None]
    covered: Codes = np.where(alpha > 0.5, 0, codes).astype(np.uint8)
    return np.clip(mixed, 0, 255).astype(np.uint8), covered


def skin(size: int, colour: Colours, shade: Field, rng: Rng) -> Colours:
    """(S, S, 3) skin of a colour: blotches, grain, and the light on it."""
    blotches = noise(size, size / rng.uniform(8, 25), rng) * rng.uniform(0.01, 0.05)
    grain = noise(size, 1.5, rng) * rng.uniform(0, 0.03)
    red = np.array([0.3, 1.0, 1.0], np.float32)  # blood shows as less green and blue
    surface = colour * (1 + (blotches + grain)[..., None] * red)
    return np.asarray(surface * shade[..., None], np.float32)


def skin_tone(own: Colours, rng: Rng) -> Colours:
    """(3,) mostly the face's own colour a little lighter or darker, else another's."""
    if rng.random() < 0.75:
        return np.asarray(own * np.exp(rng.normal(0, 0.1)) * np.exp(rng.normal(0, 0.03, 3)), np.float32)
    share = rng.random()
    other = np.array([60, 38, 30]) * (1 - share) + np.array([245, 205, 180]) * share
    return np.asarray(other * rng.uniform(0.6, 1.1), np.float32)


def paint_colour(rng: Rng, near: Colours | None = None) -> Colours:
    """(3,) a colour of clothes or things: grey tones and dark ones are common; or one like `near`."""
    if near is not None:
        return np.asarray(np.clip(near * rng.uniform(0.6, 1.4) + rng.normal(0, 6, 3), 4, 250), np.float32)
    value = rng.uniform(15, 240)
    if rng.random() < 0.5:
        return np.asarray(np.clip(value + rng.normal(0, 6, 3), 4, 250), np.float32)
    return np.asarray(np.clip(value * rng.uniform(0.25, 1.4, 3), 4, 250), np.float32)


def cloth(size: int, colour: Colours, rng: Rng, scene: Image | None = None) -> Colours:
    """(S, S, 3) fabric: plain, striped, checked, spotted, or a scene in the fabric's colour; with folds and grain."""
    value = 1 + noise(size, size / rng.uniform(2, 8), rng) * rng.uniform(0.02, 0.15)
    value += noise(size, rng.uniform(1, 3), rng) * rng.uniform(0, 0.08)
    surface = value[..., None] * colour
    kind = rng.random()
    if kind < 0.3:
        axis = np.arange(size, dtype=np.float32) * 2 * np.pi / (size * rng.uniform(0.015, 0.15))
        angle = rng.uniform(0, np.pi)
        stripes = np.sin(np.cos(angle) * axis[None] + np.sin(angle) * axis[:, None]) > rng.uniform(-0.7, 0.7)
        if kind < 0.1:
            stripes ^= np.sin(np.cos(angle) * axis[:, None] - np.sin(angle) * axis[None]) > 0
        surface = np.where(stripes[..., None], surface, value[..., None] * paint_colour(rng))
    elif kind < 0.4 and scene is not None:
        surface = surface * (0.4 + scene.astype(np.float32) / max(float(scene.mean()), 20) * 0.6)
    elif kind < 0.45:
        spots = noise(size, size * rng.uniform(0.02, 0.1), rng) > 0.8
        surface = np.where(spots[..., None], value[..., None] * paint_colour(rng), surface)
    return np.asarray(surface, np.float32)
