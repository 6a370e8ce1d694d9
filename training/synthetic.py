"""Drawn faces with exact labels: the data set that needs no download.

Not a substitute for photographs: a network trained on these parses drawings. They are for tests, and for a whole
run in minutes.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.lapa import LAPA

Rng = np.random.Generator
Point = tuple[float, float]

SUPERSAMPLE = 2


class _Canvas:
    """Draws each shape into a picture and, as its class, into the labels."""

    def __init__(self, size: int, background: NDArray[np.uint8]) -> None:
        self.size = size * SUPERSAMPLE
        self.image = cv2.resize(background, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        self.labels = np.zeros((self.size, self.size), np.uint8)

    def polygon(self, points: NDArray[np.float64], color: NDArray[np.float64], name: str) -> None:
        """Fill a polygon; points are (N, 2) in 0..1 of the frame."""
        corners = np.round(points * self.size).astype(np.int32)
        red, green, blue = (float(value) for value in np.clip(color, 0, 255))
        cv2.fillPoly(self.image, [corners], (red, green, blue), lineType=cv2.LINE_8)
        cv2.fillPoly(self.labels, [corners], LAPA.names.index(name), lineType=cv2.LINE_8)


def draw_face(size: int, rng: Rng) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One face in an aligned frame: ((size, size, 3) uint8 RGB, (size, size) uint8 LaPa ids).

    The proportions follow the aligned cut of `ml_core.faces`: eyes a quarter of the frame apart.
    """
    canvas = _Canvas(size, _scene(size, rng))
    skin = np.array([1.0, rng.uniform(0.68, 0.82), rng.uniform(0.5, 0.7)]) * rng.uniform(70, 245)
    hair = np.array([rng.uniform(0.8, 1.0), rng.uniform(0.5, 0.8), rng.uniform(0.2, 0.6)]) * rng.uniform(
        20, 200
    )
    turn, tilt = rng.uniform(-0.05, 0.05), rng.uniform(-0.25, 0.25)

    def shape(cx: float, cy: float, rx: float, ry: float, *, bend: float = 0.0) -> NDArray[np.float64]:
        """An ellipse about (cx, cy) from the face's centre, bent up or down at its ends, tilted with the head."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        x = cx + rx * np.cos(angle)
        y = cy + ry * np.sin(angle) + bend * np.cos(angle) ** 2
        return np.stack(
            [0.5 + x * np.cos(tilt) - y * np.sin(tilt), 0.55 + x * np.sin(tilt) + y * np.cos(tilt)], axis=1
        )

    width, length = rng.uniform(0.22, 0.27), rng.uniform(0.29, 0.34)
    _hair(canvas, shape, hair, width, rng)
    canvas.polygon(shape(0, 0.36, 0.1, 0.2), skin * 0.85, "background")  # the neck, which LaPa does not count
    canvas.polygon(shape(0, 0.55, 0.42, 0.16), rng.uniform(10, 245, 3), "background")
    for side in (-1, 1):
        canvas.polygon(shape(side * width * 1.02, 0.02, 0.035, 0.06), skin * 0.92, "skin")
    canvas.polygon(shape(0, 0, width, length), skin, "skin")
    _eyes(canvas, shape, skin, hair, turn, rng)
    nose = shape(turn * 1.4, 0.03, rng.uniform(0.035, 0.05), rng.uniform(0.08, 0.1))
    canvas.polygon(nose, skin * rng.uniform(0.78, 0.92), "nose")
    _mouth(canvas, shape, skin, turn, rng)
    if rng.random() < 0.5:
        fringe = shape(turn, -length * 0.8, width * 0.9, length * rng.uniform(0.2, 0.35))
        canvas.polygon(fringe, hair * 1.05, "hair")
    return _photographed(canvas, size, rng)


def _hair(
    canvas: _Canvas,
    shape: Callable[..., NDArray[np.float64]],
    color: NDArray[np.float64],
    width: float,
    rng: Rng,
) -> None:
    long = rng.random() < 0.5
    reach = rng.uniform(0.33, 0.45) if long else rng.uniform(0.26, 0.31)
    canvas.polygon(shape(0, 0.08 if long else -0.1, width + rng.uniform(0.03, 0.1), reach), color, "hair")


def _eyes(
    canvas: _Canvas,
    shape: Callable[..., NDArray[np.float64]],
    skin: NDArray[np.float64],
    hair: NDArray[np.float64],
    turn: float,
    rng: Rng,
) -> None:
    height, opening = rng.uniform(-0.09, -0.06), rng.uniform(0.014, 0.026)
    brow, bend = rng.uniform(0.05, 0.07), rng.uniform(0.0, 0.02)
    iris = rng.uniform(20, 150, 3)
    for side, name in ((-1, "left"), (1, "right")):
        x = side * 0.125 + turn
        canvas.polygon(shape(x, height - brow, 0.06, 0.012, bend=bend), hair * 0.8, f"{name}_eyebrow")
        canvas.polygon(shape(x, height, 0.045, opening), np.full(3, 240.0), f"{name}_eye")
        canvas.polygon(shape(x + turn * 0.2, height, 0.018, opening * 0.9), iris, f"{name}_eye")


def _mouth(
    canvas: _Canvas,
    shape: Callable[..., NDArray[np.float64]],
    skin: NDArray[np.float64],
    turn: float,
    rng: Rng,
) -> None:
    x, y, half = turn, rng.uniform(0.15, 0.19), rng.uniform(0.07, 0.1)
    lip = np.array([skin[0] * 0.9, skin[1] * 0.5, skin[2] * 0.55])
    smile = -rng.uniform(0.0, 0.02)
    canvas.polygon(shape(x, y + 0.013, half, rng.uniform(0.022, 0.032), bend=smile), lip * 1.1, "lower_lip")
    canvas.polygon(shape(x, y - 0.008, half, rng.uniform(0.016, 0.024), bend=smile), lip, "upper_lip")
    if rng.random() < 0.5:
        inner = shape(x, y + 0.004, half * 0.75, rng.uniform(0.008, 0.02), bend=smile)
        canvas.polygon(inner, np.array([90.0, 20.0, 30.0]), "inner_mouth")


def _scene(size: int, rng: Rng) -> NDArray[np.uint8]:
    """Blurred patches of colour behind the head."""
    cells = int(rng.integers(2, 9))
    coarse = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
    smooth = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=smooth), np.uint8)


def _photographed(canvas: _Canvas, size: int, rng: Rng) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Downsample, shade from one side and add noise; labels keep the class at each pixel's centre."""
    image = cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    ramp = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1), size, dtype=np.float32)
    image = image * ramp[None, :, None] + rng.normal(0, rng.uniform(1, 6), image.shape)
    labels = cv2.resize(canvas.labels, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.clip(image, 0, 255).astype(np.uint8), np.asarray(labels, np.uint8)


def draw_data_set(
    folder: Path,
    counts: dict[str, int],
    *,
    size: int,
    seed: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> None:
    """Write `counts` drawn faces per split into `folder` in LaPa's layout; a seed always draws the same faces."""
    for number, (split, count) in enumerate(counts.items()):
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            image, labels = draw_face(size, np.random.default_rng((seed, number, index)))
            name = f"{index:05d}"
            cv2.imwrite(
                str(folder / split / "images" / f"{name}.jpg"),
                image[..., ::-1],
                [cv2.IMWRITE_JPEG_QUALITY, 92],
            )
            cv2.imwrite(str(folder / split / "labels" / f"{name}.png"), labels)
            progress()
