"""Where in a folder, however nested, the data lies, and in which layout.

splits      train|val|test with images/ and labels/ in each, as LaPa has them
pairs       images/ and labels/ alone: of each ten photos, the first validates and the second tests
celebamask  CelebAMask-HQ's folders of photos and part masks, see celebamask.py
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from training.photos import IMAGES, LABELS, DataError, Files, child, match

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
CELEBAMASK_PHOTOS, CELEBAMASK_PARTS = "celeba-hq-img", "celebamask-hq-mask-anno"
DEPTH = 8


def split_folder(root: Path, split: Split) -> Path | None:
    """The folder of a split, in any letter case."""
    return child(root, *NAMES[split])


def split_match(root: Path, split: Split) -> tuple[list[Files], list[Path]]:
    """The labelled photos of a split, and its photos without labels, in a folder of either layout."""
    if folder := split_folder(root, split):
        return match(folder)
    if has_splits(root):
        return [], []
    labelled, unlabelled = match(root)
    return (
        [files for number, files in enumerate(labelled) if _split_of(number) == split],
        unlabelled if split == "train" else [],
    )


def _split_of(number: int) -> Split:
    return ("val", "test", "train")[min(number % 10, 2)]


def find_labelled(root: Path) -> Path:
    """The folder in or below `root` that holds splits, else pairs. Raises DataError, also when there are several."""
    found = _first(root, has_splits) or _first(root, has_pairs)
    if found is None:
        raise DataError(
            f"{root}: no folder in it has train/images and train/labels, or images and labels, and none is "
            "CelebAMask-HQ's"
        )
    return found


def find_celebamask(root: Path) -> Path | None:
    """The folder in or below `root` that holds CelebAMask-HQ. Raises DataError when there are several."""
    return _first(
        root, lambda folder: bool(child(folder, CELEBAMASK_PHOTOS) and child(folder, CELEBAMASK_PARTS))
    )


def has_splits(folder: Path) -> bool:
    """Whether a folder holds train/ with photos and labels."""
    train = split_folder(folder, "train")
    return train is not None and has_pairs(train)


def has_pairs(folder: Path) -> bool:
    """Whether a folder holds images/ and labels/."""
    return bool(child(folder, *IMAGES) and child(folder, *LABELS))


def _first(root: Path, wanted: Callable[[Path], bool]) -> Path | None:
    """The folder nearest to `root` that is wanted. Raises DataError when several are equally near."""
    for level in _levels(root):
        found = [folder for folder in level if wanted(folder)]
        if len(found) > 1:
            told = ", ".join(str(folder) for folder in found)
            raise DataError(f"{root} holds several data sets, name one of them: {told}")
        if found:
            return found[0]
    return None


def _levels(root: Path) -> Iterator[list[Path]]:
    """The folders by depth, from `root` alone on; hidden ones and those of photos and labels are left out."""
    level, passed = [root], {*IMAGES, *LABELS, CELEBAMASK_PHOTOS, CELEBAMASK_PARTS}
    for _ in range(DEPTH):
        yield level
        level = [
            entry
            for folder in level
            for entry in sorted(folder.glob("*"))
            if entry.is_dir()
            and not entry.name.startswith((".", "__"))
            and entry.name.casefold() not in passed
        ]
