"""Test photos under one changed condition at a time, and the groups that photos fall into."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from training.mosaics import on_scene
from training.photos import Image, Labels, Pair

Change = Callable[[Pair, int], Pair]
"""Applies a condition to a photo and its labels; the number of the photo seeds randomness."""

DEGREES = (-45, -30, 0, 30, 45)
SHARES = {"1/2": 1 / 2, "1/3": 1 / 3, "1/6": 1 / 6, "1/12": 1 / 12}
SIGMAS = (0, 1, 2, 4)
FACTORS = (0.25, 0.5, 1.5, 2.0)

SKIN_TONES = (
    (55.0, "very light"),
    (41.0, "light"),
    (28.0, "intermediate"),
    (10.0, "tan"),
    (-30.0, "brown"),
    (-90.0, "dark"),
)
"""The least individual typology angle of each group, in degrees (Chardon, Cretois and Hourseau 1991)."""


def conditions(aside: Sequence[Path]) -> dict[str, dict[str, Change]]:
    """Condition -> value -> change. Scale needs scenes to paste into.

    rotation     degrees, anticlockwise
    scale        side of the photo as a share of the width of a scene of 960 pixels
    blur         standard deviation of a Gaussian in pixels of the photo
    brightness   factor on the photo's sRGB values
    """
    changes: dict[str, dict[str, Change]] = {
        "rotation": {str(degrees): _rotation(degrees) for degrees in DEGREES},
        "blur": {str(sigma): _blur(sigma) for sigma in SIGMAS},
        "brightness": {str(factor): _brightness(factor) for factor in FACTORS},
    }
    if aside:
        changes["scale"] = {name: _scale(share, aside) for name, share in SHARES.items()}
    return changes


def skin_tone(image: Image, labels: Labels, skin: int) -> str | None:
    """The group of a photo by the individual typology angle of its labelled skin; None without any.

    The angle is atan((L* - 50) / b*) of the skin's median colour in CIELAB (D65). It is defined for calibrated
    instruments; here it also depends on lighting and camera.
    """
    pixels = image[labels == skin]
    if not len(pixels):
        return None
    lab = cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    lightness, _, yellow = np.median(lab, axis=0)
    angle = math.degrees(math.atan2(lightness - 50, max(yellow, 1e-6)))
    return next((name for least, name in SKIN_TONES if angle > least), SKIN_TONES[-1][1])


def rotated(pair: Pair, degrees: float) -> Pair:
    """The photo rotated on a canvas large enough for all of it, filled with grey and labelled background."""
    image, labels = pair
    height, width = labels.shape
    reach = math.ceil(math.hypot(height, width))
    # an offset by half a pixel would blur the photo: keep the parity of its sides
    size = reach + (reach - width) % 2, reach + (reach - height) % 2
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += (np.array(size) - (width, height)) / 2
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(128, 128, 128))
    marked = cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0)
    return np.asarray(turned, np.uint8), np.asarray(marked, np.uint8)


def _rotation(degrees: float) -> Change:
    return lambda pair, _: rotated(pair, degrees)


def _blur(sigma: float) -> Change:
    def change(pair: Pair, _: int) -> Pair:
        image, labels = pair
        return (np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma else image), labels

    return change


def _brightness(factor: float) -> Change:
    def change(pair: Pair, _: int) -> Pair:
        image, labels = pair
        return np.asarray(cv2.convertScaleAbs(image, alpha=factor), np.uint8), labels

    return change


def _scale(share: float, aside: Sequence[Path]) -> Change:
    def change(pair: Pair, number: int) -> Pair:
        mosaic = on_scene([pair], aside, number, sides=[share])
        return mosaic.image, mosaic.labels

    return change
