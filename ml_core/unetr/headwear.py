"""Caps, hats, hoods and headbands, drawn over the hair. They are background; hair below the rim stays hair."""

import cv2
import numpy as np

from ml_core.unetr.augment_config import Image, Pair, Rng
from ml_core.unetr.drawing import Field, cloth, cover, lit, paint_colour
from ml_core.unetr.heads import Head, Parts, hair_colour


def headwear(pair: Pair, head: Head, parts: Parts, rng: Rng, scene: Image | None = None) -> Pair:
    """Put something on the head."""
    kind = str(rng.choice(["cap", "beanie", "brim", "hood", "band"], p=[0.38, 0.22, 0.18, 0.14, 0.08]))
    size = pair[0].shape[0]
    near = hair_colour(*pair, parts)
    colour = paint_colour(rng, near if rng.random() < 0.35 else None)
    fabric = cloth(size, colour, rng, scene)
    x, y = head.grid(size)
    if kind == "hood":
        return _hood(pair, parts, x, y, fabric, head.unit, rng)
    rim = np.float32(rng.uniform(-0.5, -0.28)) + np.float32(rng.uniform(-0.1, 0.8)) * x**2
    if kind == "band":
        alpha = _soft((np.abs(y - rim + 0.12) < rng.uniform(0.04, 0.14)) & _near_hair(pair, parts))
        return cover(pair, alpha, fabric, rng)
    half, top = _extent(pair, x, y, rim, parts, rng)
    middle = np.float32(rng.normal(0, 0.04))
    power = float(rng.uniform(2.0, 3.2))
    base = np.float32(-0.38)
    dome = (np.abs(x - middle) / half) ** power + (np.maximum(base - y, 0) / (top + base)) ** power
    crown = (dome < 1) & (y < rim)
    height = np.sqrt(np.maximum(1 - dome, 0)) * np.float32(half * head.unit * 0.6)
    fabric = fabric * lit(height.astype(np.float32), rng)[..., None]
    if kind == "beanie":
        cuff = rng.uniform(0, 0.25)
        ribs = 1 + 0.2 * np.sin(np.arcsin(np.clip((x - middle) / half, -1, 1)) * rng.uniform(20, 60))
        fabric = np.where(
            (y > rim - cuff)[..., None], fabric * ribs[..., None] * rng.uniform(0.8, 1.2), fabric
        )
    pair = cover(pair, _soft(crown), fabric, rng)
    if kind == "cap" and rng.random() < 0.8:
        return _visor(pair, x - middle, y, rim, half, fabric, rng)
    if kind == "brim":
        tall, wide = rng.uniform(0.06, 0.28), half * rng.uniform(1.25, 1.9)
        sag = np.float32(rng.uniform(-0.15, 0.2)) * x**2
        ring = ((x - middle) / wide) ** 2 + ((y - rim + 0.8 * tall - sag) / tall) ** 2
        return cover(pair, _soft(ring < 1), fabric * np.float32(rng.uniform(0.6, 1.1)), rng)
    return pair


def _extent(
    pair: Pair, x: Field, y: Field, rim: Field, parts: Parts, rng: Rng
) -> tuple[np.float32, np.float32]:
    """Half the width and the height of a crown that hides the hair above the rim, in head units; not too large."""
    above = (pair[1] == parts.hair) & (y < rim - 0.02) & (np.abs(x) < 1.3)
    if above.sum() < 30:
        return np.float32(rng.uniform(0.42, 0.55)), np.float32(rng.uniform(0.75, 1.0))
    half = np.clip(np.percentile(np.abs(x[above]), 99) * 1.1, 0.42, 0.9)
    top = np.clip(-np.percentile(y[above], 1) * 1.06, 0.75, 1.4)
    return np.float32(half), np.float32(top)


def _visor(
    pair: Pair, x: Field, y: Field, rim: Field, half: np.float32, fabric: np.ndarray, rng: Rng
) -> Pair:
    """Seen from the front, from below or from one side; it darkens the forehead."""
    tall, wide = rng.uniform(0.04, 0.18), half * rng.uniform(0.75, 1.05)
    aside = np.float32(rng.choice([0, 0, -1, 1]) * rng.uniform(0.2, 0.6) * half)
    droop = np.float32(rng.uniform(0.0, 0.5)) * (x - aside) ** 2
    shape = ((x - aside) / wide) ** 2 + (
        (y - rim - droop + 0.03) / np.where(y > rim + droop - 0.03, tall, 0.05)
    ) ** 2
    colours = fabric * np.float32(rng.uniform(0.5, 1.15))
    if rng.random() < 0.25:
        colours = np.asarray(np.broadcast_to(paint_colour(rng), fabric.shape) * np.float32(1), np.float32)
    dark = np.clip(1 - (y - rim - tall) / rng.uniform(0.1, 0.35), 0, 1) * (y > rim) * (np.abs(x) < 0.5)
    dark = cv2.GaussianBlur(dark.astype(np.float32), (0, 0), 2) * np.float32(rng.uniform(0, 0.5))
    shaded = np.asarray(pair[0] * (1 - dark[..., None]), np.uint8)
    return cover((shaded, pair[1]), _soft(shape < 1), colours, rng)


def _hood(pair: Pair, parts: Parts, x: Field, y: Field, fabric: np.ndarray, unit: float, rng: Rng) -> Pair:
    """A hood or a headscarf: all around the face, down to the shoulders."""
    face = (x / rng.uniform(0.36, 0.46)) ** 2 + ((y + 0.02) / rng.uniform(0.46, 0.58)) ** 2
    around = np.abs(x[(pair[1] == parts.hair) & (y < 0.3) & (np.abs(x) < 1.2)])
    hidden = float(np.percentile(around, 98)) + 0.03 if len(around) > 30 else 0.0
    wide = max(rng.uniform(0.55, 0.8), min(hidden, 1.0)) + np.maximum(y - 0.2, 0) * np.float32(
        rng.uniform(0.2, 1.0)
    )
    outer = (x / wide) ** 2 + np.where(y < 0, y / rng.uniform(0.8, 1.05), 0) ** 2
    mask = (face > 1) & (outer < 1)
    folds = np.sin(np.sqrt(face) * rng.uniform(4, 14) + 2 * x) * unit * rng.uniform(0.005, 0.03)
    return cover(pair, _soft(mask), fabric * lit(folds.astype(np.float32), rng)[..., None], rng)


def _near_hair(pair: Pair, parts: Parts) -> np.ndarray:
    mask = ((pair[1] == parts.hair) | (pair[1] == parts.skin)).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def _soft(mask: np.ndarray) -> Field:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0), np.float32)
