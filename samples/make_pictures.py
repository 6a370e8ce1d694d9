"""Make group.jpg from astronaut.jpg, and the pictures of what a model finds in both.

.venv/bin/python -m samples.make_pictures [--bundle ml_core/bundles/lite-int8]

Run it again whenever the weights change.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml_core.images import blend, decode
from ml_core.segmenter import Segmenter

FOLDER = Path(__file__).resolve().parent
SIZE = (760, 1280)
"""Height and width of the group."""

PORTRAITS = (
    # centre, side, turn in degrees, mirrored, gain of red, green and blue (None: grey)
    ((255, 260), 390, -4, False, (1.0, 1.0, 1.0)),
    ((660, 235), 310, 16, True, (1.12, 1.0, 0.8)),
    ((1035, 275), 400, 5, True, (0.92, 1.0, 1.08)),
    ((575, 570), 260, -28, False, None),
    ((260, 615), 220, 8, True, (0.62, 0.62, 0.66)),
    ((870, 615), 210, -3, False, (1.15, 1.08, 1.02)),
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=FOLDER.parent / "ml_core" / "bundles" / "lite-int8")
    segmenter = Segmenter.load(parser.parse_args().bundle)
    Image.fromarray(group_of(head_and_shoulders())).save(FOLDER / "group.jpg", quality=88)
    for name in ("astronaut", "group"):
        found = segmenter.predict(FOLDER / f"{name}.jpg")
        overlay = blend(found.image, found.labels, found.bundle.labels, 0.6)
        Image.fromarray(overlay).save(FOLDER / f"{name}-overlay.jpg", quality=88)
        mask = Image.fromarray(found.labels)
        mask.putpalette(found.bundle.labels.palette.tobytes())
        mask.save(FOLDER / f"{name}-mask.png", optimize=True)


def head_and_shoulders() -> NDArray[np.uint8]:
    """Of the astronaut."""
    return decode((FOLDER / "astronaut.jpg").read_bytes())[:360, 30:390]


def group_of(portrait: NDArray[np.uint8], count: int = len(PORTRAITS)) -> NDArray[np.uint8]:
    """A drawn wall with the portrait on it `count` times, in other sizes, turns and lights."""
    height, width = SIZE
    rows = np.linspace(0, 1, height)[:, None, None]
    wall = np.broadcast_to((188, 180, 166) - 46 * rows, (height, width, 3)).astype(np.uint8)
    canvas = np.ascontiguousarray(wall)
    for centre, side, degrees, mirrored, gains in PORTRAITS[:count]:
        picture = framed(lit(portrait[:, ::-1] if mirrored else portrait, gains), side)
        edge = len(picture)
        place = cv2.getRotationMatrix2D((edge / 2, edge / 2), degrees, 1.0)
        place[:, 2] += np.array(centre) - edge / 2
        hung = cv2.warpAffine(picture, place, (width, height), flags=cv2.INTER_LINEAR)
        cover = cv2.warpAffine(np.full_like(picture, 255), place, (width, height), flags=cv2.INTER_LINEAR)
        share = cover / 255
        canvas = np.rint(canvas * (1 - share) + hung * share).astype(np.uint8)
    return canvas


def lit(picture: NDArray[np.uint8], gains: tuple[float, float, float] | None) -> NDArray[np.uint8]:
    """Each channel times its gain, or grey."""
    if gains is None:
        return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2).astype(np.uint8)
    return np.asarray(np.clip(picture * np.array(gains), 0, 255), np.uint8)


def framed(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """As a square of `side` pixels with a dark frame around it."""
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    frame = max(4, side // 28)
    return np.pad(small, ((frame, frame), (frame, frame), (0, 0)), constant_values=52).astype(np.uint8)


if __name__ == "__main__":
    main()
