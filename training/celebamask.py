"""CelebAMask-HQ (Lee et al. 2020) as it is published: photos, and one picture per part of each face.

    CelebA-HQ-img/0.jpg                              1024 x 1024
    CelebAMask-HQ-mask-anno/0/00000_skin.png         512 x 512, white where the part is
    CelebA-HQ-to-CelebA-mapping.txt                  CelebA's numbers, which say the official split

It is converted into LaPa's layout, at the size of the parts.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ml_core.labels import IGNORE, LabelSet
from training.classes import NAME, voc_color
from training.lapa import LAPA
from training.layouts import CELEBAMASK_PARTS, CELEBAMASK_PHOTOS, Split
from training.photos import (
    DataError,
    Image,
    Labels,
    UnusableFiles,
    child,
    each,
    opened_labels,
    pictures,
    read_photo,
)

Parts = Mapping[str, Path]
Mask = NDArray[np.bool_]

# In the order in which they are painted, each over those before, as the authors' own script has it
FACE = (
    "skin",
    "nose",
    "eye_g",
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "l_ear",
    "r_ear",
    "mouth",
    "u_lip",
    "l_lip",
)
ORDER = (*FACE, "hair", "hat", "ear_r", "neck_l", "neck", "cloth")
MIRRORS = {"l_eye": "r_eye", "l_brow": "r_brow", "l_ear": "r_ear"}

LAPA_OF = {
    "skin": "skin",
    "nose": "nose",
    "l_ear": "skin",
    "r_ear": "skin",
    "mouth": "inner_mouth",
    "u_lip": "upper_lip",
    "l_lip": "lower_lip",
    "hair": "hair",
}
SIDED = {"l_eye": "eye", "r_eye": "eye", "l_brow": "eyebrow", "r_brow": "eyebrow"}

FIRST_VAL, FIRST_TEST = 162771, 182638
"""By CelebA's numbers, the authors' split of 24,183 photos, 2,993 and 2,824."""


def _own_classes() -> LabelSet:
    mirror = MIRRORS | {right: left for left, right in MIRRORS.items()}
    ids = {name: index for index, name in enumerate(ORDER, start=1)}
    rows: list[dict[str, object]] = [{"name": "background", "color": voc_color(0)}]
    for name, index in ids.items():
        row: dict[str, object] = {"name": name, "color": voc_color(index)}
        if name in mirror:
            row["mirror"] = ids[mirror[name]]
        if name in FACE:
            row["role"] = "face"
        elif name == "hair":
            row["role"] = "hair"
        rows.append(row)
    return LabelSet.from_json(rows)


CELEBAMASK = _own_classes()
"""Its 19 classes, ids in the order of the authors' script."""


def convert(source: Path, target: Path, classes: Literal["own", "lapa"]) -> None:
    """Write CelebAMask-HQ's photos and labels into the empty folder `target`. Raises DataError, UnusableFiles.

    `own` keeps its 19 classes; `lapa` makes LaPa's: ears are skin, neck, clothes, hats and jewellery background,
    what glasses cover does not count, and left is the viewer's left.
    """
    photos = child(source, CELEBAMASK_PHOTOS)
    parts = _parts(source)
    assert photos is not None  # find_celebamask has seen both folders
    by_stem = {int(path.stem): path for path in pictures(photos) if path.stem.isdecimal()}
    numbers = sorted(by_stem)
    if not numbers:
        raise DataError(f"{photos}: no photos")
    splits = _splits(source, numbers)
    for split in set(splits.values()):
        for kind in ("images", "labels"):
            (target / split / kind).mkdir(parents=True)
    if classes == "own":
        (target / NAME).write_text(json.dumps(CELEBAMASK.to_json(), indent=1), encoding="utf-8")
    one = partial(_convert, by_stem, parts, splits, target, classes)
    if problems := [problem for problem in each(one, numbers, "converting CelebAMask-HQ") if problem]:
        raise UnusableFiles(problems)


def _parts(source: Path) -> dict[int, dict[str, Path]]:
    """Photo number -> part -> its mask."""
    folder = child(source, CELEBAMASK_PARTS)
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(folder.rglob("*_*.*")) if folder else ():
        number, _, part = path.stem.partition("_")
        if number.isdecimal() and part in ORDER and path.suffix.lower() == ".png":
            found.setdefault(int(number), {})[part] = path
    return found


def _splits(source: Path, numbers: Sequence[int]) -> dict[int, Split]:
    """The official split by CelebA's numbers; without the mapping file, two of each ten are held out."""
    path = next(
        (path for path in source.glob("*") if path.name.casefold() == "celeba-hq-to-celeba-mapping.txt"), None
    )
    if path is None:
        rest: dict[int, Split] = {0: "val", 1: "test"}
        return {number: rest.get(place % 10, "train") for place, number in enumerate(numbers)}
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    try:
        original = {int(row[0]): int(row[1]) for row in rows if row and row[0].isdecimal()}
        return {number: _official(original[number]) for number in numbers}
    except (IndexError, ValueError) as error:
        raise DataError(f"{path}: not rows of idx, orig_idx, orig_file ({error})") from error
    except KeyError as error:
        raise DataError(f"{path}: no row for photo {error}") from error


def _official(number: int) -> Split:
    if number < FIRST_VAL:
        return "train"
    return "val" if number < FIRST_TEST else "test"


def _convert(
    photos: Mapping[int, Path],
    parts: Mapping[int, Parts],
    splits: Mapping[int, Split],
    target: Path,
    classes: Literal["own", "lapa"],
    number: int,
) -> str | None:
    """Write one photo and its labels; what is wrong with its files, or None."""
    folder = target / splits[number]
    try:
        if number not in parts:
            raise DataError(f"{photos[number]}: no part masks of it")
        masks = {part: _mask(path) for part, path in parts[number].items()}
        sizes = {mask.shape for mask in masks.values()}
        if len(sizes) > 1:
            raise DataError(f"the part masks of photo {number} differ in size")
        height, width = sizes.pop()
        labels = _own(masks, (height, width)) if classes == "own" else _lapa(masks, (height, width))
        image = _resized(read_photo(photos[number]), (width, height))
    except DataError as error:
        return str(error)
    PIL.Image.fromarray(image).save(folder / "images" / f"{number:05d}.jpg", quality=95)
    PIL.Image.fromarray(labels).save(folder / "labels" / f"{number:05d}.png")
    return None


def _mask(path: Path) -> Mask:
    with opened_labels(path) as picture:
        return np.array(picture.convert("L")) > 127


def _resized(image: Image, size: tuple[int, int]) -> Image:
    return (
        image
        if image.shape[1::-1] == size
        else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    )


def _own(masks: Mapping[str, Mask], size: tuple[int, int]) -> Labels:
    labels = np.zeros(size, np.uint8)
    for index, part in enumerate(ORDER, start=1):
        if part in masks:
            labels[masks[part]] = index
    return labels


def _lapa(masks: Mapping[str, Mask], size: tuple[int, int]) -> Labels:
    labels = np.zeros(size, np.uint8)
    names = LAPA_OF | _sides(masks)
    for part in ORDER:
        if part in masks and part != "eye_g":
            labels[masks[part]] = LAPA.names.index(names[part]) if part in names else 0
    if "eye_g" in masks:
        labels[masks["eye_g"]] = IGNORE
    return labels


def _sides(masks: Mapping[str, Mask]) -> dict[str, str]:
    """Eyes and brows by the viewer's left and right: of two, as they lie in the photo; of one, as it is named."""
    named: dict[str, str] = {}
    for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow")):
        places = [_middle(masks.get(part)) for part in (left, right)]
        first, second = ("right", "left") if places[0] > places[1] else ("left", "right")
        named |= {left: f"{first}_{SIDED[left]}", right: f"{second}_{SIDED[left]}"}
    return named


def _middle(mask: Mask | None) -> float:
    """The mean column of a part; NaN, which compares as neither side, where it is not in the photo."""
    columns = np.flatnonzero(mask.any(axis=0)) if mask is not None else np.empty(0)
    return float(columns.mean()) if columns.size else np.nan
