"""Miniatures of published data sets and other people's folders, drawn."""

import shutil
import tarfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.lapa import LAPA
from training.synthetic import draw_face

CELEBA_ROWS = {0: 119613, 1: 162770, 2: 162771, 3: 182637, 4: 182638}
"""Photo -> CelebA's number: two of train, two of val, one of test."""


def landmarks_text(place: float, size: int) -> str:
    """106 points whose nose tip lies at this share of the way between the contour's ends."""
    points = np.full((106, 2), size / 2)
    points[0], points[32], points[54] = (0, size / 2), (size, size / 2), (place * size, size / 2)
    return "106\n" + "\n".join(f"{x:.2f} {y:.2f}" for x, y in points) + "\n"


def lapa_archive(drawn: Path, archive: Path) -> None:
    """LaPa.tar.gz as it is published: LaPa/{train,val,test}/{images,labels,landmarks}."""
    root = archive.parent / "tar" / "LaPa"
    shutil.copytree(drawn, root)
    for split in ("train", "val", "test"):
        (root / split / "landmarks").mkdir()
        for number, photo in enumerate(sorted((root / split / "images").iterdir())):
            text = landmarks_text(0.5 if number % 2 else 0.05, 64)
            (root / split / "landmarks" / f"{photo.stem}.txt").write_text(text)
    with tarfile.open(archive, "w:gz") as file:
        file.add(root, "LaPa")


def celebamask(folder: Path, *, mapping: bool = True) -> Path:
    """CelebAMask-HQ of five faces: photos of 128 pixels, a picture of 64 for each part, in folders by number."""
    root = folder / "CelebAMask-HQ"
    (root / "CelebA-HQ-img").mkdir(parents=True)
    (root / "CelebAMask-HQ-mask-anno" / "0").mkdir(parents=True)
    for number in CELEBA_ROWS:
        image, labels = draw_face(128, np.random.default_rng(number))
        Image.fromarray(image).save(root / "CelebA-HQ-img" / f"{number}.jpg")
        for part, mask in part_masks(labels).items():
            path = root / "CelebAMask-HQ-mask-anno" / "0" / f"{number:05d}_{part}.png"
            Image.fromarray(mask).convert("RGB").save(path)
    if mapping:
        rows = "".join(f"{key} {value} {value + 1:06d}.jpg\n" for key, value in CELEBA_ROWS.items())
        (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text(f"idx orig_idx orig_file\n{rows}")
    return root


def part_masks(labels: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """White where the part is, as CelebAMask-HQ names them, with a hat and glasses besides.

    Its left and right are swapped against the viewer's here, to see that the place in the photo counts.
    """
    ids = {name: LAPA.ids([name]) for name in LAPA.names}
    named = {"l_eye": "right_eye", "r_eye": "left_eye", "l_brow": "right_eyebrow", "r_brow": "left_eyebrow"}
    named |= {
        "nose": "nose",
        "u_lip": "upper_lip",
        "l_lip": "lower_lip",
        "mouth": "inner_mouth",
        "hair": "hair",
    }
    small = np.asarray(cv2.resize(labels, (64, 64), interpolation=cv2.INTER_NEAREST), np.uint8)
    found = {part: np.isin(small, ids[name]) for part, name in named.items()}
    found["skin"] = np.isin(small, range(1, 10))
    found["hat"] = np.zeros((64, 64), bool)
    found["hat"][:4] = True
    found["eye_g"] = np.zeros((64, 64), bool)
    found["eye_g"][60:, 60:] = True
    found["neck"] = np.zeros((64, 64), bool)
    found["neck"][60:, :4] = True
    return {part: (mask * 255).astype(np.uint8) for part, mask in found.items() if mask.any()}


def colored(root: Path) -> None:
    """Turn every label picture of a folder into RGB, by LaPa's colours."""
    for path in root.rglob("labels/*.png"):
        with Image.open(path) as picture:
            labels = np.array(picture)
        Image.fromarray(LAPA.palette[labels]).save(path)
