"""Augmentation: where a face may stand, what may stand around and before it, and how it was photographed.

Works on one sample at a time with OpenCV; images are (H, W, 3) uint8 RGB, targets (H, W) uint8 codes.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ml_core.unetr.augment_config import AugmentConfig, Image, Pair, Rng
from ml_core.unetr.heads import Head, Parts, hair_colour
from ml_core.unetr.headwear import headwear
from ml_core.unetr.occluders import hands, random_shape, thing
from ml_core.unetr.photograph import photograph
from ml_core.unetr.surroundings import Warped, like_hair, on_scene, scene_canvas, whiten
from ml_core.unetr.targets import TargetTable

WIDE = 0.7
"""Enlargement below which a sample shows much of what is around a head."""


def place(rng: Rng, config: AugmentConfig) -> tuple[float, float, float, float]:
    """Draw (scale, degrees, shift x, shift y): near the aligned cut, the wider look around it, or far from both."""
    if rng.random() < config.near:
        scale, degrees, dx, dy = rng.normal(0, config.near_spread, 4) * (0.12, 8.0, 0.04, 0.04)
        return float(np.exp(scale)), float(degrees), float(dx), float(dy)
    if rng.random() < config.wide / max(1 - config.near, config.wide, 1e-9):
        low, high = np.log(config.wide_scale)
        degrees, dx, dy = rng.normal(0, 1, 3) * (8.0, 0.03, 0.03)
        dy -= rng.uniform(0, 0.14)  # the wider look of serving has more below the face
        return float(np.exp(rng.uniform(low, high))), float(degrees), float(dx), float(dy)
    low, high = np.log(config.scale)
    shift = rng.uniform(-config.shift, config.shift, 2)
    degrees = rng.uniform(-config.rotation, config.rotation)
    return float(np.exp(rng.uniform(low, high))), float(degrees), float(shift[0]), float(shift[1])


def warp(
    pair: Pair,
    size: int,
    placement: tuple[float, float, float, float],
    *,
    flip: bool,
    table: TargetTable,
    border: int = cv2.BORDER_CONSTANT,
    fill: tuple[int, int, int] = (0, 0, 0),
) -> Warped:
    """Put a photo into a frame of `size`.

    At scale 1 the photo's longer side fills the frame. Codes outside of the photo are "ignore".
    """
    scale, degrees, dx, dy = placement
    image, codes = pair
    height, width = image.shape[:2]
    zoom = scale * size / max(height, width)
    shrink = 1
    while zoom * shrink < 0.6:  # bilinear sampling alone would alias
        shrink *= 2
    small = cv2.resize(
        image, (max(1, round(width / shrink)), max(1, round(height / shrink))), interpolation=cv2.INTER_AREA
    )
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, zoom)
    if flip:
        matrix = matrix @ np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], float)
        codes = table.flip[codes]
    matrix[:, 2] += (size - 1) / 2 - np.array([width - 1, height - 1]) / 2 + np.array([dx, dy]) * size
    across, down = width / small.shape[1], height / small.shape[0]
    back = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]], float)
    warped = cv2.warpAffine(
        small, matrix @ back, (size, size), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill
    )
    target = cv2.warpAffine(
        codes, matrix, (size, size), flags=cv2.INTER_NEAREST, borderValue=int(table.ignore)
    )
    inside = cv2.warpAffine(
        np.full((height, width), 255, np.uint8), matrix, (size, size), flags=cv2.INTER_NEAREST
    )
    return Warped(
        photo=pair,
        matrix=np.asarray(matrix, np.float64),
        image=np.asarray(warped, np.uint8),
        codes=np.asarray(target, np.uint8),
        inside=np.asarray(inside, np.uint8),
    )


def compose(
    face: Pair,
    *,
    size: int,
    rng: Rng,
    config: AugmentConfig,
    table: TargetTable,
    parts: Parts | None = None,
    scenes: Callable[[], Image] | None = None,
    neighbours: Callable[[], Pair] | None = None,
) -> Pair:
    """One training sample of `size` x `size` from a face photo, and scenes and further faces where given.

    Without `parts` nothing is drawn on or around the head.
    """
    scene = scene_canvas(scenes(), size, rng) if scenes else None
    if scene is not None and rng.random() < config.empty:
        return photograph(scene[0], rng, config), scene[1]
    placement = place(rng, config)
    if parts and rng.random() < config.white:
        face = whiten(face, parts, rng), face[1]
    border = int(rng.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101]))
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    warped = warp(
        face,
        size,
        placement,
        flip=rng.random() < 0.5,
        table=table,
        border=border,
        fill=(red, green, blue) if rng.random() < 0.5 else (0, 0, 0),
    )
    pair: Pair = warped.image, warped.codes
    share = max(config.scene, config.wide_scene) if placement[0] < WIDE else config.scene
    if scene is not None and rng.random() < share:
        canvas = scene
        colour = hair_colour(*face, parts) if parts else None
        if colour is not None and rng.random() < config.hair_scene:
            canvas = like_hair(canvas[0], colour, rng), canvas[1]
        if neighbours and rng.random() < config.neighbour:
            canvas = _beside(canvas, neighbours(), placement, rng, config, table, parts)
        cut_out = bool(rng.random() < 0.6)
        pair = on_scene(canvas, warped, cut_out=cut_out, rng=rng, config=config, table=table, parts=parts)
    head = warped.head(parts) if parts else None
    if parts and head:
        pair = _wear(pair, head, parts, rng, config, scene[0] if scene else None)
    if scenes and rng.random() < config.occluder:
        pair = random_shape(pair, scene_canvas(scenes(), size, rng)[0], rng)
    return photograph(pair[0], rng, config), pair[1]


def _wear(pair: Pair, head: Head, parts: Parts, rng: Rng, config: AugmentConfig, scene: Image | None) -> Pair:
    """Hat, thing and hands, in this order, each in its share of the samples."""
    if rng.random() < config.hat:
        pair = headwear(pair, head, parts, rng, scene)
    if rng.random() < config.thing:
        pair = thing(pair, head, parts, rng)
    if rng.random() < config.hand:
        pair = hands(pair, head, parts, rng)
    return pair


def _beside(
    canvas: Pair,
    other: Pair,
    placement: Sequence[float],
    rng: Rng,
    config: AugmentConfig,
    table: TargetTable,
    parts: Parts | None,
) -> Pair:
    """Lay a neighbour's face over the canvas, beside where the main face will come."""
    scale = placement[0] * float(rng.uniform(0.6, 1.3))
    side = float(rng.choice([-1, 1])) * float(rng.uniform(0.45, 0.9)) * max(scale, 0.5)
    where = (
        scale,
        placement[1] + float(rng.normal(0, 8)),
        placement[2] + side,
        placement[3] + float(rng.normal(0, 0.1)),
    )
    warped = warp(other, canvas[0].shape[0], where, flip=rng.random() < 0.5, table=table)
    return on_scene(canvas, warped, cut_out=True, rng=rng, config=config, table=table, parts=parts)
