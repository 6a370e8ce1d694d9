"""Draw the pictures of the page's welcome: a portrait, and its parts in the page's colours to lie over it.

../.venv/bin/python scripts/welcome.py

Run it again when the page's colours change, or samples/astronaut-mask.png.
"""

import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

FRONTEND = Path(__file__).resolve().parent.parent
SAMPLES = FRONTEND.parent / "samples"
HEAD = (30, 0, 390, 360)
SIZE = 640
"""Of both pictures, in pixels: they are shown at about half of it."""

TINT, LINE = 0.4, 4
"""Opacity of the parts, and the width in pixels of the line about them."""


def main() -> None:
    """Command line."""
    target = FRONTEND / "public" / "welcome"
    target.mkdir(exist_ok=True)
    photo = Image.open(SAMPLES / "astronaut.jpg").crop(HEAD).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    photo.save(target / "portrait.webp", quality=72, method=6)
    mask = Image.open(SAMPLES / "astronaut-mask.png")
    parts(np.asarray(mask.crop(HEAD))).save(target / "parts.webp", quality=60, alpha_quality=60, method=6)


def parts(labels: np.ndarray) -> Image.Image:
    """(h, w) labels -> RGBA, their borders smoothed on the way to the larger size."""
    colors = tints()
    shares = [
        cv2.GaussianBlur(cv2.resize((labels == label).astype(np.float32), (SIZE, SIZE)), (0, 0), 2.5)
        for label in range(len(colors))
    ]
    smooth = np.argmax(shares, axis=0)
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    for label, color in enumerate(colors[1:], start=1):
        part = (smooth == label).astype(np.uint8)
        inner = cv2.erode(part, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * LINE - 1, 2 * LINE - 1)))
        opacity = np.where(inner > 0, TINT, 1.0) * part
        picture[part > 0, :3] = color
        picture[..., 3] = np.where(part > 0, np.round(255 * opacity), picture[..., 3])
    return Image.fromarray(picture)


def tints() -> list[tuple[int, ...]]:
    """RGB by class id: the page's table, in the order of the model's classes."""
    source = (FRONTEND / "src" / "labels" / "tints.ts").read_text(encoding="utf-8")
    table = dict(re.findall(r"^  (\w+): \"#([0-9a-f]{6})\"", source, re.MULTILINE))
    names = ["skin", "left_eyebrow", "right_eyebrow", "left_eye", "right_eye"]
    names += ["nose", "upper_lip", "inner_mouth", "lower_lip", "hair"]
    return [(0, 0, 0), *(tuple(bytes.fromhex(table[name])) for name in names)]


if __name__ == "__main__":
    main()
