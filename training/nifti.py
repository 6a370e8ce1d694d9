"""Labelled volumes in NIfTI files: where they lie, reading and checking them, and drawn ones.

A folder has one of these layouts, each with .nii or .nii.gz files of the same name in both places:

train|val/images, train|val/labels   as for photos
imagesTr, labelsTr                   of the Medical Segmentation Decathlon and nnU-Net (NAME_0000.nii.gz too); every
                                     fifth, in the order of names, is kept for validation

dataset.json names the classes under `labels`; without it they are numbered.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray
from rich.progress import track

from ml_core.unetr.volumes import Volume
from training.options import RunError

SUFFIXES = (".nii.gz", ".nii")
HELD_OUT = 5
NOT_COUNTED = 255
UNREADABLE = (
    OSError,
    EOFError,
    TypeError,  # of RGB voxels
    ValueError,
    ImageFileError,
    HeaderDataError,
    zlib.error,
    OverflowError,
    MemoryError,
)
"""What nibabel raises of a damaged file."""


@dataclass(frozen=True)
class VolumeFiles:
    """An image and its labels."""

    image: Path
    labels: Path


@dataclass(frozen=True)
class VolumeSet:
    """A folder of labelled volumes."""

    classes: tuple[str, ...]
    train: tuple[VolumeFiles, ...]
    val: tuple[VolumeFiles, ...]


def find_volumes(root: Path) -> VolumeSet:
    """The volumes of a folder, every one of them checked. Raises RunError, which lists all that cannot be used."""
    problems: list[str] = []
    if (root / "imagesTr").is_dir():
        pairs = list(_pairs(root / "imagesTr", root / "labelsTr", problems))
        splits = {
            "train": [pair for index, pair in enumerate(pairs) if index % HELD_OUT],
            "val": pairs[::HELD_OUT],
        }
    else:
        splits = {
            split: list(_pairs(root / split / "images", root / split / "labels", problems))
            for split in ("train", "val")
        }
    names = _class_names(root)
    highest = 0
    files = [pair for pairs in splits.values() for pair in pairs]
    for pair in track(files, "checking volumes", disable=len(files) < 20):
        highest = max(highest, _check(pair, len(names) if names else NOT_COUNTED, problems))
    problems += [f"{root}: no volumes for {split}" for split, pairs in splits.items() if not pairs]
    if not problems and len(names or range(highest + 1)) < 2:
        problems.append(f"{root}: all labels are 0; a second class is needed to learn anything")
    if len(problems) > 1:
        problems.insert(0, f"{len(problems)} problems in {root}:")
    if problems:
        raise RunError("\n  ".join(problems))
    classes = names or ("background", *(f"class {number}" for number in range(1, highest + 1)))
    return VolumeSet(classes, tuple(splits["train"]), tuple(splits["val"]))


def read_volumes(files: Sequence[VolumeFiles], window: tuple[float, float]) -> list[Volume]:
    """Intensities from `window` to 0..1, and labels, in the orientation RAS."""
    low, high = window
    return [
        (
            np.clip((_read(pair.image) - low) / (high - low), 0, 1).astype(np.float32),
            _read(pair.labels).astype(np.uint8),
        )
        for pair in files
    ]


def draw_volumes(root: Path, counts: dict[str, int], *, size: int) -> Path:
    """Write noisy volumes with a ball and a box in each, darker and brighter than what surrounds them."""
    axes = np.mgrid[:size, :size, :size].astype(np.float32)
    for split, count in counts.items():
        for index in range(count):
            rng = np.random.default_rng((len(split), index))
            labels = np.zeros((size,) * 3, np.int16)
            centre, radius = rng.uniform(0.3, 0.7, (3, 1, 1, 1)) * size, rng.uniform(0.15, 0.25) * size
            labels[((axes - centre) ** 2).sum(axis=0) < radius**2] = 1
            corner, sides = rng.uniform(0.05, 0.6, 3) * size, rng.uniform(0.2, 0.35, 3) * size
            box = tuple(
                slice(int(start), int(start + side)) for start, side in zip(corner, sides, strict=True)
            )
            labels[box] = 2
            image = np.array([0, -120, 180], np.float32)[labels] + rng.normal(0, 30, labels.shape)
            for kind, values in (("images", image.round().astype(np.int16)), ("labels", labels)):
                folder = root / split / kind
                folder.mkdir(parents=True, exist_ok=True)
                nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / f"{index:03}.nii.gz")
    (root / "dataset.json").write_text(json.dumps({"labels": {"0": "background", "1": "ball", "2": "box"}}))
    return root


def _pairs(images: Path, labels: Path, problems: list[str]) -> Iterator[VolumeFiles]:
    named = {_stem(path): path for path in _files(labels)}
    for path in _files(images):
        stem = _stem(path)
        found = named.get(stem) or named.get(stem.removesuffix("_0000"))
        if found is None:
            problems.append(f"{path}: no labels of that name in {labels}")
        else:
            yield VolumeFiles(path, found)


def _files(folder: Path) -> list[Path]:
    """By name; not those that macOS hides beside each file, which the Decathlon's archives have as well."""
    return sorted(
        path for path in folder.glob("*") if path.name.endswith(SUFFIXES) and not path.name.startswith(".")
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _check(pair: VolumeFiles, classes: int, problems: list[str]) -> int:
    """Note what is wrong with a pair; returns its highest class."""
    try:
        image, labels = _read(pair.image), _read(pair.labels)
    except UNREADABLE as error:
        told = " ".join(str(error).split()) or "more voxels than fit into memory"  # a MemoryError has no text
        problems.append(f"{pair.image} or its labels: {told}")
        return 0
    if image.ndim != 3:
        problems.append(f"{pair.image}: {image.ndim} axes, where a volume of one channel has 3")
    elif image.shape != labels.shape:
        problems.append(f"{pair.labels}: of {labels.shape} voxels, its image of {image.shape}")
    if not np.isfinite(image).all():
        problems.append(f"{pair.image}: has values that are no numbers")
    found = np.unique(labels)
    wrong = [f"{value:g}" for value in found if value not in (*range(classes), NOT_COUNTED)]
    if wrong:
        problems.append(f"{pair.labels}: labels that are no classes: {', '.join(wrong[:5])}")
    return int(max((value for value in found if value < classes), default=0))


def _read(path: Path) -> NDArray[np.float32]:
    image = nibabel.load(path)
    if not isinstance(image, nibabel.Nifti1Image):
        raise ValueError("not a NIfTI file")
    return np.asarray(nibabel.as_closest_canonical(image).get_fdata(dtype=np.float32))


def _class_names(root: Path) -> tuple[str, ...] | None:
    """From dataset.json: {"0": "background", ...}, or nnU-Net's {"background": 0, ...}. Raises RunError."""
    path = root / "dataset.json"
    if not path.exists():
        return None
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        by_id = {
            int(key) if str(key).isdigit() else int(value): str(value) if str(key).isdigit() else str(key)
            for key, value in labels.items()
        }
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: `labels` does not name the classes by their numbers ({error})") from error
    if sorted(by_id) != list(range(len(by_id))) or len(by_id) < 2:
        raise RunError(f"{path}: `labels` must number the classes 0, 1, 2 and so on")
    return tuple(by_id[number] for number in range(len(by_id)))
