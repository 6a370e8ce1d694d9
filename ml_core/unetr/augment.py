"""Augmentation: where a face may stand, what may stand around and before it, and how it was photographed.

Works on one sample at a time with OpenCV; images are (H, W, 3) uint8 RGB, targets (H, W) uint8 codes.
"""

from collections.abc import Callable, Sequence
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from ml_core.unetr.targets import TargetTable

Image = NDArray[np.uint8]
Codes = NDArray[np.uint8]
Pair = tuple[Image, Codes]
Rng = np.random.Generator
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AugmentConfig:
    """Ranges of the augmentation; sizes are relative to the frame."""

    scale: tuple[Positive, Positive] = (0.4, 2.0)
    """Least and most enlargement of the wide draws."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 45.0
    """Degrees, of the wide draws."""
    shift: Share = 0.25
    """Of the frame's side, of the wide draws."""
    near: Share = 0.65
    """Share of narrow draws around the aligned cut."""
    near_spread: Positive = 1.0
    """Width of the narrow draws: 1 is some four times the face finder's errors (docs/experiments.md)."""
    scene: Share = 0.4
    """Share of samples with a real scene behind the face instead of its own surroundings."""
    empty: Share = 0.04
    """Share of samples that show a scene and no face."""
    neighbour: Share = 0.3
    """Share of scene samples with a second face beside the first."""
    occluder: Share = 0.08
    colour: Share = 0.8
    grey: Share = 0.06
    light: Share = 0.15
    blur: Share = 0.2
    noise: Share = 0.12
    jpeg: Share = 0.15


def place(rng: Rng, config: AugmentConfig) -> tuple[float, float, float, float]:
    """Draw (scale, degrees, shift x, shift y): mostly near the aligned cut, sometimes far from it."""
    if rng.random() < config.near:
        scale, degrees, dx, dy = rng.normal(0, config.near_spread, 4) * (0.12, 8.0, 0.04, 0.04)
        return float(np.exp(scale)), float(degrees), float(dx), float(dy)
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
) -> tuple[Image, Codes, NDArray[np.uint8]]:
    """Put a photo into a frame of `size`: (image, codes, inside), `inside` 255 where the photo is.

    At scale 1 the photo's longer side fills the frame. Codes outside of the photo are "ignore".
    """
    scale, degrees, dx, dy = placement
    image, codes = pair
    height, width = image.shape[:2]
    zoom = scale * size / max(height, width)
    shrink = 1
    while zoom * shrink < 0.6 and shrink < 8:  # bilinear sampling alone would alias
        shrink *= 2
    small = cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, zoom)
    if flip:
        matrix = matrix @ np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], float)
        codes = table.flip[codes]
    matrix[:, 2] += (size - 1) / 2 - np.array([width - 1, height - 1]) / 2 + np.array([dx, dy]) * size
    back = np.array([[shrink, 0, (shrink - 1) / 2], [0, shrink, (shrink - 1) / 2], [0, 0, 1]], float)
    warped = cv2.warpAffine(
        small, matrix @ back, (size, size), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill
    )
    target = cv2.warpAffine(
        codes, matrix, (size, size), flags=cv2.INTER_NEAREST, borderValue=int(table.ignore)
    )
    inside = cv2.warpAffine(
        np.full((height, width), 255, np.uint8), matrix, (size, size), flags=cv2.INTER_NEAREST
    )
    return np.asarray(warped, np.uint8), np.asarray(target, np.uint8), np.asarray(inside, np.uint8)


def on_scene(
    canvas: Pair, face: tuple[Image, Codes, NDArray[np.uint8]], *, cut_out: bool, rng: Rng, table: TargetTable
) -> Pair:
    """Lay a warped face over a canvas, its seam softened so that the network cannot learn the seam.

    cut_out: only the head (all that is not background) is laid over, else the whole photo.
    """
    image, codes, inside = face
    mask = ((codes != 0) & (codes != table.ignore) if cut_out else inside > 0).astype(np.uint8) * 255
    width = int(rng.choice([0, 3, 5, 7] if cut_out else [3, 7, 15, 31]))
    soft = cv2.GaussianBlur(mask, (width, width), 0) if width else mask
    alpha = soft.astype(np.float32)[..., None] / 255
    mixed = (image * alpha + canvas[0] * (1 - alpha)).astype(np.uint8)
    return mixed, np.where(soft > 127, codes, canvas[1])


def occlude(pair: Pair, scene: Image, rng: Rng) -> Pair:
    """Cover a random blob with a piece of a scene: what hides a face is background."""
    image, codes = pair
    size = image.shape[0]
    centre = rng.uniform(0.2, 0.8, 2) * size
    angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
    radii = rng.uniform(0.05, 0.22) * size * rng.uniform(0.6, 1.4, 7)
    points = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
    mask = cv2.fillPoly(np.zeros((size, size), np.uint8), [points.astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask, (3, 3), 0).astype(np.float32)[..., None] / 255
    mixed = (scene * soft + image * (1 - soft)).astype(np.uint8)
    return mixed, np.where(mask > 0, 0, codes).astype(np.uint8)


def photograph(image: Image, rng: Rng, config: AugmentConfig) -> Image:
    """Colour, light, blur, noise and compression: what cameras and networks do to a picture."""
    size = image.shape[0]
    if rng.random() < config.blur:
        if rng.random() < 0.5:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.2, 1.0) * size / 110), np.uint8)
        else:
            small = int(size / rng.uniform(1.3, 4))
            reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < config.colour:
        image = _colour(image, rng)
    if rng.random() < config.grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.uint8)
    if rng.random() < config.light:
        image = _light(image, rng)
    if rng.random() < config.noise:
        sigma = rng.uniform(2, 14)
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(sigma)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg:
        quality = int(rng.integers(20, 90))
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return image


def _colour(image: Image, rng: Rng) -> Image:
    """Contrast, brightness, gamma and white balance through one table a channel; then saturation."""
    ramp = np.arange(256, dtype=np.float32) / 255
    ramp = ramp ** np.exp(rng.normal(0, 0.25))
    ramp = (ramp - 0.5) * rng.uniform(0.65, 1.35) + 0.5 + rng.normal(0, 0.08)
    gains = np.exp(rng.normal(0, 0.06, 3))
    tables = np.clip(ramp[:, None] * gains * 255, 0, 255).astype(np.uint8)  # (256, 3)
    image = np.asarray(cv2.LUT(image, tables[None]), np.uint8)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    amount = float(rng.uniform(0.5, 1.5))
    return np.asarray(cv2.addWeighted(image, amount, grey, 1 - amount, 0), np.uint8)


def _light(image: Image, rng: Rng) -> Image:
    """A shadow or a light from one side, with a hard or a soft edge."""
    size = image.shape[0]
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    ramp = np.cos(angle) * axis[None] + np.sin(angle) * axis[:, None] - rng.uniform(-0.6, 0.6)
    step = 1 / (1 + np.exp(-ramp * rng.uniform(2, 25)))
    factor = 1 - rng.uniform(0.2, 0.7) * step if rng.random() < 0.7 else 1 + rng.uniform(0.1, 0.6) * step
    return np.asarray(np.clip(image * factor[..., None], 0, 255), np.uint8)


def compose(
    face: Pair,
    *,
    size: int,
    rng: Rng,
    config: AugmentConfig,
    table: TargetTable,
    scenes: Callable[[], Image] | None = None,
    neighbours: Callable[[], Pair] | None = None,
) -> Pair:
    """One training sample of `size` x `size` from a face photo, and scenes and further faces where given."""
    scene = _scene_canvas(scenes(), size, rng, table) if scenes else None
    if scene is not None and rng.random() < config.empty:
        return photograph(scene[0], rng, config), scene[1]
    placement = place(rng, config)
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
    pair: Pair = warped[0], warped[1]
    if scene is not None and rng.random() < config.scene:
        canvas = scene
        if neighbours and rng.random() < config.neighbour:
            canvas = _beside(canvas, neighbours(), placement, rng, table)
        pair = on_scene(canvas, warped, cut_out=rng.random() < 0.6, rng=rng, table=table)
    if scenes and rng.random() < config.occluder:
        pair = occlude(pair, _scene_canvas(scenes(), size, rng, table)[0], rng)
    return photograph(pair[0], rng, config), pair[1]


def _scene_canvas(scene: Image, size: int, rng: Rng, table: TargetTable) -> Pair:
    """A random square piece of a scene, all of it background."""
    side = int(min(scene.shape[:2]) * rng.uniform(0.35, 1))
    y, x = (int(rng.integers(0, edge - side + 1)) for edge in scene.shape[:2])
    piece = cv2.resize(scene[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return np.ascontiguousarray(piece, np.uint8), np.zeros((size, size), np.uint8)


def _beside(canvas: Pair, other: Pair, placement: Sequence[float], rng: Rng, table: TargetTable) -> Pair:
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
    return on_scene(canvas, warped, cut_out=True, rng=rng, table=table)
