"""Draw what the model is not good at, on the astronaut: docs/limits/*.jpg, each the photo beside what is found in it.

.venv/bin/python -m benchmarks.limits [--bundle ml_core/bundles/lite-int8]

Run it again whenever the weights change, look at the pictures, and bring docs/model.md up to them.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml_core.images import blend
from ml_core.segmenter import Segmenter
from ml_core.unetr.heads import Head, Parts, hair_colour, head_in, parts_of, skin_colour
from ml_core.unetr.occluders import hand
from ml_core.unetr.targets import target_table
from samples.make_pictures import head_and_shoulders

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "limits"
SIDE = 512
SHOWN = 300
"""Pixels of a picture as it is parsed, and of each half as it is shown."""

FEATURES = ("left_eye", "right_eye", "nose", "upper_lip", "inner_mouth", "lower_lip")

Photo = NDArray[np.uint8]
Draw = Callable[[Photo, Photo, Head, Parts], Photo]
"""Of the portrait, its labels and its head."""


def a_hand(photo: Photo, labels: Photo, head: Head, parts: Parts) -> Photo:
    """In the colour of the face, on the hair."""
    rng = np.random.default_rng(4)
    ahead = head.along(0.7, -0.5)
    wrist = head.at(0.1, -0.75) - ahead * 0.65 * head.unit
    tone = skin_colour(photo, labels, parts, rng)
    return hand((photo, labels), wrist, ahead, head.unit, tone, rng, thumb=1, fist=False)[0]


def sunglasses(photo: Photo, _: Photo, head: Head, __: Parts) -> Photo:
    """Two dark glasses and what holds them."""
    x, y = head.grid(SIDE)
    glass = (np.abs(np.abs(x) - 0.19) / 0.16) ** 3 + (np.abs(y + 0.15) / 0.11) ** 3 < 1
    frame = (np.abs(y + 0.2) < 0.02) & (np.abs(x) < 0.42)
    return laid(photo, np.full_like(photo, 18, np.float32), glass | frame)


def long_hair(photo: Photo, labels: Photo, head: Head, parts: Parts) -> Photo:
    """In its own colour, to the chest, on both sides."""
    x, y = head.grid(SIDE)
    inner, outer = 0.4 + 0.05 * np.sin(3 * y), 0.6 + 0.12 * np.sin(1.4 * y + 0.6)
    falls = (np.abs(x) > inner) & (np.abs(x) < outer) & (y > -0.45) & (y < 1.2 + 0.08 * np.sin(40 * x))
    strands = 1 + 0.2 * np.sin(70 * np.abs(x) + 4 * np.sin(5 * y)) * np.sin(23 * np.abs(x) + 2 * y)
    colour = hair_colour(photo, labels, parts)
    assert colour is not None
    return laid(photo, 0.8 * colour * strands[..., None], falls)


def dark(photo: Photo, *_: object) -> Photo:
    """A twenty-fifth of the light."""
    return np.asarray(np.rint(photo * 0.04), np.uint8)


def small(photo: Photo, *_: object) -> Photo:
    """Faces of 24, 16 and 10 pixels, on a wall."""
    wall = np.full((200, 200, 3), (176, 168, 156), np.uint8)
    for (top, left), side in (((40, 5), 87), ((60, 97), 58), ((80, 160), 36)):
        wall[top : top + side, left : left + side] = cv2.resize(
            photo, (side, side), interpolation=cv2.INTER_AREA
        )
    return wall


LIMITS: dict[str, Draw] = {
    "hand": a_hand,
    "sunglasses": sunglasses,
    "long-hair": long_hair,
    "dark": dark,
    "small": small,
}


def laid(photo: Photo, colours: NDArray[np.floating], where: NDArray[np.bool_]) -> Photo:
    """Something over a photo, with soft edges."""
    share = cv2.GaussianBlur(where.astype(np.float32), (0, 0), 1.2)[..., None]
    return np.asarray(np.clip(photo + (colours - photo) * share, 0, 255), np.uint8)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bundle", type=Path, default=FOLDER.parents[1] / "ml_core" / "bundles" / "lite-int8"
    )
    segmenter = Segmenter.load(parser.parse_args().bundle)
    labels = segmenter.bundle.labels
    photo = cv2.resize(head_and_shoulders(), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    codes = segmenter.predict(photo).labels
    parts = parts_of(labels, target_table(labels), FEATURES)
    head = head_in(codes, parts) if parts else None
    assert parts is not None and head is not None, "the model finds no eyes and mouth in the portrait"
    FOLDER.mkdir(exist_ok=True)
    for name, draw in LIMITS.items():
        found = segmenter.predict(draw(photo, codes, head, parts))
        both = [found.image, blend(found.image, found.labels, labels, 0.6)]
        halves = [cv2.resize(each, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA) for each in both]
        Image.fromarray(np.hstack(halves)).save(FOLDER / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
