"""How labelled photos are read, and what ingest says of files that cannot be used."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.ingest import ingest
from training.lapa import LAPA
from training.options import RunOptions
from training.photos import DataError, pairs, read, read_labels


@pytest.fixture
def root(drawn: Path, tmp_path: Path) -> Path:
    """A data set to spoil."""
    return shutil.copytree(drawn, tmp_path / "faces")


def test_the_indices_of_a_palette_png_are_its_labels(root: Path) -> None:
    """As VOC has them, and the service's own output=mask."""
    path = root / "train/labels/00000.png"
    plain = read_labels(path)
    palette = Image.fromarray(plain).convert("P")
    palette.putdata(plain.ravel().tolist())
    palette.putpalette(LAPA.palette.tobytes())
    palette.save(path)
    with Image.open(path) as stored:
        assert stored.mode == "P"
    np.testing.assert_array_equal(read_labels(path), plain)


def test_suffixes_may_have_any_case(root: Path) -> None:
    expected = pairs(root / "train")
    for path in list((root / "train").rglob("*.*")):
        path.rename(path.with_suffix(path.suffix.upper()))
    found = pairs(root / "train")
    assert [photo.stem for photo, _ in found] == [photo.stem for photo, _ in expected]
    assert found[0][0].suffix == ".JPG"
    read(found[0])


def test_every_file_is_checked_and_all_problems_are_named(root: Path, tmp_path: Path) -> None:
    (root / "train/labels/00001.png").unlink()
    Image.fromarray(np.full((64, 64, 3), 9, np.uint8)).save(root / "train/labels/00002.png")
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(root / "train/labels/00003.png")
    Image.fromarray(np.full((64, 64), 77, np.uint8)).save(root / "val/labels/00003.png")
    Image.fromarray(np.full((64, 64), 255, np.uint8)).save(root / "val/labels/00002.png")
    (root / "test/images/00003.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="6 files cannot be used") as caught:
        ingest(RunOptions(data=str(root), out=tmp_path / "out"))
    problems = (tmp_path / "out/problems.txt").read_text().splitlines()
    assert len(problems) == 6
    for name, reason in {
        "train/images/00001.jpg": "has no labels",
        "train/labels/00002.png": "colours (9, 9, 9) are of none of the classes",
        "train/labels/00003.png": "64x32 pixels, but its photo has 64x64",
        "val/labels/00003.png": "label values [77]",
        "val/labels/00002.png": "every pixel is 255",
        "test/images/00003.jpg": "not a",
    }.items():
        assert any(name in problem and reason in problem for problem in problems), name
        assert name in str(caught.value)


def test_labels_belong_to_one_photo(root: Path, tmp_path: Path) -> None:
    """Names that differ in suffix or letter case alone are named, and not trained on with the other's labels."""
    for name in ("00001.png", "0000A.jpg", "0000a.jpg"):
        shutil.copy(root / "train/images/00000.jpg", root / "train/images" / name)
    shutil.copy(root / "train/labels/00000.png", root / "train/labels/0000A.png")
    with pytest.raises(DataError, match="2 files cannot be used") as caught:
        ingest(RunOptions(data=str(root), out=tmp_path / "out"))
    for name in ("00001.png: has the same name as 00001.jpg", "0000a.jpg: has the same name as 0000A.jpg"):
        assert f"train/images/{name}" in str(caught.value)


def test_labels_without_a_photo_are_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A photo may be of a format that is not read."""
    for index in (1, 2):
        (root / f"train/images/0000{index}.jpg").rename(root / f"train/images/0000{index}.webp")
    assert ingest(RunOptions(data=str(root), out=tmp_path / "out")).counts["train"] == 6
    told = " ".join(capsys.readouterr().err.split())
    assert "train/labels/00001.png: no photo of this name (.jpg, .jpeg, .png)" in told
    assert "and 1 more like it" in told


def test_what_was_checked_once_is_not_read_again_until_it_changes(root: Path, tmp_path: Path) -> None:
    options = RunOptions(data=str(root), out=tmp_path / "out")
    assert ingest(options) == ingest(options)
    (root / "val/images/00000.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"val/images/00000\.jpg"):
        ingest(options)
