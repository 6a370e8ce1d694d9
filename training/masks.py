"""Label pictures in colours: RGB, as annotation tools export them, turned into class ids by a class list."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ml_core.labels import IGNORE, LabelSet
from training.photos import IMAGES, DataError, Files, Labels, child, each, match, opened_labels, read_labels

COLORED = ("RGB", "RGBA")
VOID = (224, 224, 192)
"""PASCAL VOC's colour of pixels that do not count, unless a class has it."""
SHOWN = 5


def in_colors(path: Path) -> bool:
    """Whether a label picture is RGB. Raises DataError."""
    with opened_labels(path) as picture:
        return picture.mode in COLORED


def read_any(path: Path, labels: LabelSet) -> Labels:
    """(H, W) uint8 class ids of a label picture of any kind. Raises DataError."""
    if not in_colors(path):
        return read_labels(path)
    with opened_labels(path) as picture:
        pixels = np.array(picture.convert("RGB"), np.uint32)
    found, places = np.unique(_packed(pixels), return_inverse=True)
    ids = _by_color(path, labels)
    strange = [value for value in found.tolist() if value not in ids]
    if strange:
        told = ", ".join(f"({color >> 16}, {color >> 8 & 255}, {color & 255})" for color in strange[:SHOWN])
        rest = f" and {len(strange) - SHOWN} more" if len(strange) > SHOWN else ""
        raise DataError(
            f"{path}: colours {told}{rest} are of none of the classes (classes.json has their colours)"
        )
    return np.array([ids[value] for value in found.tolist()], np.uint8)[places].reshape(pixels.shape[:2])


def to_ids(source: Path, target: Path, labels: LabelSet) -> None:
    """Write the labels of <source>/images into <target>/labels as class ids, and link source's other folders."""
    (target / "labels").mkdir(parents=True)
    for kind, names in (("images", IMAGES), ("landmarks", ("landmarks",))):
        if folder := child(source, *names):
            (target / kind).symlink_to(folder.absolute(), target_is_directory=True)
    for _ in each(partial(_write, target / "labels", labels), match(source)[0], "colours to class ids"):
        pass


def _write(folder: Path, labels: LabelSet, files: Files) -> None:
    PIL.Image.fromarray(read_any(files[1], labels)).save(folder / f"{files[0].stem}.png")


def _by_color(path: Path, labels: LabelSet) -> dict[int, int]:
    """Packed colour -> class id. Raises DataError when two classes share a colour."""
    colors = _packed(np.array([VOID, *labels.colors], np.uint32)).tolist()
    if len(set(colors[1:])) < len(labels):
        raise DataError(f"{path}: an RGB picture of classes of which two have the same colour")
    return {colors[0]: IGNORE} | {color: index for index, color in enumerate(colors[1:])}


def _packed(pixels: NDArray[np.uint32]) -> NDArray[np.integer[Any]]:
    return pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
