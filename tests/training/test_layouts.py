"""Data as people have it: published archives, nested folders, colours, S3."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws
from PIL import Image

from ml_core.labels import IGNORE
from tests.conftest import ROOT
from tests.training.published import CELEBA_ROWS, celebamask, colored, landmarks_text, lapa_archive
from training.celebamask import CELEBAMASK
from training.classes import read_classes
from training.config import Config, ConfigError, load_config
from training.fetch import direct
from training.ingest import ingest
from training.landmarks import landmarks_of, read_landmarks, turn
from training.lapa import LAPA
from training.manifest import Manifest
from training.options import RunOptions
from training.photos import DataError, read


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ingested(data: object) -> Manifest:
    """What a run in ./out trains on."""
    return ingest(RunOptions(data=str(data), out=Path("out")))


def test_lapa_as_it_is_published(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        DataError, match=r"LaPa\.tar\.gz is not there.*agrees to its licence.*--data lapa=PATH"
    ):
        ingested("lapa")
    lapa_archive(drawn, tmp_path / "LaPa.tar.gz")
    manifest = ingested("lapa=LaPa.tar.gz")
    assert (manifest.name, manifest.labels) == ("lapa", LAPA)
    assert manifest.counts == {"train": 8, "val": 4, "test": 4}
    assert "LaPa" in manifest.licence
    told = capsys.readouterr().err
    assert "agrees to its licence" in told
    assert "'train': 18176" in told
    path = landmarks_of(manifest.files("test")[0][0])
    assert path is not None
    assert turn(read_landmarks(path)) == "profile"


@pytest.mark.parametrize(("place", "name"), [(0.5, "frontal"), (0.7, "turned"), (0.05, "profile")])
def test_landmarks_say_how_far_a_head_is_turned(tmp_path: Path, place: float, name: str) -> None:
    (tmp_path / "a.txt").write_text(landmarks_text(place, 64))
    assert turn(read_landmarks(tmp_path / "a.txt")) == name


def test_broken_landmarks_are_named_at_ingest(drawn: Path, tmp_path: Path) -> None:
    root = shutil.copytree(drawn, tmp_path / "faces")
    (root / "val/landmarks").mkdir()
    (root / "val/landmarks/00001.txt").write_text("106\n1 2\n")
    with pytest.raises(DataError, match=r"00001\.txt: 1 points"):
        ingested(root)


@pytest.mark.parametrize("mapping", [True, False])
def test_celebamask_is_converted_with_its_own_classes(tmp_path: Path, mapping: bool) -> None:
    manifest = ingested(celebamask(tmp_path / "of/someone", mapping=mapping))
    assert len(manifest.labels) == 19
    assert manifest.labels == CELEBAMASK
    expected = {"train": 2, "val": 2, "test": 1} if mapping else {"train": 3, "val": 1, "test": 1}
    assert manifest.counts == expected
    image, labels = read(manifest.files("test")[0])
    assert image.shape == (64, 64, 3)
    assert {manifest.labels.names[value] for value in np.unique(labels)} >= {
        "hat",
        "eye_g",
        "neck",
        "hair",
        "skin",
    }
    if mapping:
        number = list(CELEBA_ROWS)[-1]
        assert manifest.files("test")[0][0].stem == f"{number:05d}"


def test_celebamask_is_converted_to_lapas_classes(tmp_path: Path) -> None:
    root = celebamask(tmp_path)
    archive = shutil.make_archive("celeba", "zip", root.parent, root.name)
    manifest = ingested(f"celebamask-hq-lapa={archive}")
    assert manifest.labels == LAPA
    _, labels = read(manifest.files("test")[0])
    assert (labels[:4] == 0).all()  # the hat
    assert (labels[61:, 61:] == IGNORE).all()  # the glasses
    middle = {
        name: np.nonzero(labels == LAPA.names.index(name))[1].mean() for name in ("left_eye", "right_eye")
    }
    assert middle["left_eye"] < middle["right_eye"]


def test_all_faces_that_cannot_be_converted_are_named(tmp_path: Path) -> None:
    """Without part masks, with a broken one, with some of another size, and a photo that is none."""
    root = celebamask(tmp_path)
    for path in root.rglob("00003_*.png"):
        path.unlink()
    (root / "CelebAMask-HQ-mask-anno/0/00001_hair.png").write_bytes(b"")
    Image.new("RGB", (9, 9)).save(root / "CelebAMask-HQ-mask-anno/0/00002_nose.png")
    (root / "CelebA-HQ-img/4.jpg").write_text("none")
    with pytest.raises(DataError, match="4 files cannot be used"):
        ingested(root)
    told = Path("out/problems.txt").read_text().splitlines()
    for line, named in zip(
        told, ("00001_hair.png", "photo 2 differ", "3.jpg: no part", "4.jpg"), strict=True
    ):
        assert named in line
    assert not list(Path("data").glob("*Celeb*"))


@pytest.mark.parametrize("rename", [str.upper, str.title])
def test_folders_may_be_nested_and_in_any_letter_case(drawn: Path, tmp_path: Path, rename: type[str]) -> None:
    root = tmp_path / "a/b c/d"
    shutil.copytree(drawn, root)
    (tmp_path / "a/README").write_text("hello")
    (tmp_path / "a/b c/docs").mkdir()
    for path in sorted(root.rglob("*"), reverse=True):
        path.rename(path.with_name(rename(path.name)))
    manifest = ingested(tmp_path / "a")
    assert manifest.counts == {"train": 8, "val": 4, "test": 4}
    read(manifest.files("val")[0])


def test_a_folder_without_splits_is_split(drawn: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn / "train", tmp_path / "photos/all")
    (tmp_path / "photos/all/labels").rename(tmp_path / "photos/all/Masks")
    manifest = ingested(tmp_path / "photos")
    assert manifest.counts == {"train": 6, "val": 1, "test": 1}
    names = [photo.stem for split in ("train", "val", "test") for photo, _ in manifest.files(split)]
    assert len(set(names)) == 8


def test_what_macos_hides_beside_each_file_is_no_photo(drawn: Path, tmp_path: Path) -> None:
    root = shutil.copytree(drawn, tmp_path / "faces")
    for path in (*root.rglob("*.jpg"), *root.rglob("*.png")):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    assert ingested(root).counts == {"train": 8, "val": 4, "test": 4}


def test_two_data_sets_in_one_folder_are_named(drawn: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(drawn, tmp_path / "sets" / name)
    with pytest.raises(DataError, match=r"several data sets, name one of them: .*one, .*two"):
        ingested(tmp_path / "sets")


def test_rgb_labels_are_read_by_the_colours_of_the_classes(drawn: Path, tmp_path: Path) -> None:
    expected = ingested(drawn)
    root = shutil.copytree(drawn, tmp_path / "faces")
    colored(root)
    manifest = ingested(root)
    assert manifest.root.is_relative_to(tmp_path / "data")
    for split in ("train", "val", "test"):
        for before, after in zip(expected.files(split), manifest.files(split), strict=True):
            for plain, found in zip(read(before), read(after), strict=True):
                np.testing.assert_array_equal(plain, found)
    made = manifest.root.stat().st_mtime_ns
    assert ingested(root).root.stat().st_mtime_ns == made
    table = LAPA.to_json()
    table[6]["color"] = [1, 2, 3]
    (root / "classes.json").write_text(json.dumps(table))
    with pytest.raises(DataError, match=r"16 files cannot be used(.|\n)*colours \(255, 153, 0\) are of none"):
        ingested(root)


def test_a_class_list_may_be_names_alone(drawn: Path, tmp_path: Path) -> None:
    root = shutil.copytree(drawn, tmp_path / "faces")
    (root / "Classes.JSON").write_text(json.dumps([*LAPA.names]))
    manifest = ingested(root)
    assert manifest.labels.names == LAPA.names
    assert manifest.labels.colors[:4] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))
    (root / "Classes.JSON").write_text(json.dumps({"classes": {"road": [9, 9, 9], "sky": [0, 0, 250]}}))
    assert read_classes(root / "Classes.JSON").colors == ((9, 9, 9), (0, 0, 250))


@pytest.mark.parametrize(
    "text",
    [
        '"road"',
        "[1, 2]",
        '[["a"]]',
        '[{"color": [0, 0, 0]}]',
        "null",
        '["a", "a"]',
        '["a", " "]',
        "[",
        '{"a": 1, "b": 2}',
    ],
)
def test_a_class_list_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.json").write_text(text)
    with pytest.raises(DataError, match=r"classes\.json: not a list of class names"):
        read_classes(tmp_path / "classes.json")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            [{"name": "road", "colour": [0, 0, 0]}],
            r"class 0: 'colour' is none of id, name, color, mirror, role",
        ),
        (["verge", {"name": "road", "Role": "face", "x": 1}], r"class 1: 'Role', 'x' is none of"),
        ({"Cut": "whole", "classes": ["verge", "road"]}, r"beside `classes`: 'Cut' is none of cut, classes"),
    ],
)
def test_a_misspelt_key_of_a_class_list_is_named(tmp_path: Path, table: Any, told: str) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(table))
    with pytest.raises(DataError, match=told):
        read_classes(tmp_path / "classes.json")


def limited(gigabytes: float) -> Config:
    """The shipped configuration with another limit."""
    return load_config().model_copy(update={"unpack_limit_gb": gigabytes})


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "zeros").write_bytes(bytes(2_000_000))
    if name.endswith("zip"):
        with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write("zeros")
    else:
        with tarfile.open(name, "w:gz") as tarred:
            tarred.add("zeros")
    with pytest.raises(DataError, match=r"more than 0\.001 GB, unpack_limit_gb of config\.yaml"):
        ingest(RunOptions(data=name, out=Path("out")), limited(0.001))
    assert not list(Path("data").glob("*"))


@pytest.mark.parametrize(
    ("kind", "size", "spoilt"),
    [
        *(("gz", share, None) for share in (0.001, 0.5)),
        ("bz2", 0.5, None),
        ("xz", 0.5, None),
        ("xz", 1.0, 0.5),
        ("tar", 0.5, None),
        ("bz2", 1.0, 0.001),
        ("zip", 1.0, 0.5),
        ("zip", 0.9, None),
        ("zip", 0.01, None),
    ],
)
def test_a_damaged_archive_is_refused_by_name(
    drawn: Path, tmp_path: Path, kind: str, size: float, spoilt: float | None
) -> None:
    """Cut short, or with bytes that are not those that were written."""
    formats = {"zip": "zip", "gz": "gztar", "bz2": "bztar", "xz": "xztar", "tar": "tar"}
    whole = Path(shutil.make_archive("whole", formats[kind], drawn)).read_bytes()
    damaged = bytearray(whole[: int(size * len(whole)) + 20])
    if spoilt is not None:
        place = int(spoilt * len(damaged))
        damaged[place : place + 40] = bytes(40)
    Path("faces.archive").write_bytes(damaged)
    with pytest.raises(DataError, match=r"^faces\.archive: .") as caught:
        ingested("faces.archive")
    assert "\n" not in str(caught.value)
    assert not list(Path("data").glob("*"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a pretended S3."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="faces")
        yield "faces"


def test_an_archive_and_a_folder_are_read_from_s3(drawn: Path, tmp_path: Path, bucket: str) -> None:
    client = boto3.client("s3")
    lapa_archive(drawn, tmp_path / "LaPa.tar.gz")
    client.upload_file("LaPa.tar.gz", bucket, "sets/LaPa.tar.gz")
    for path in drawn.rglob("*.*"):
        client.upload_file(str(path), bucket, f"sets/drawn/{path.relative_to(drawn)}")
    archive = ingested(f"lapa=s3://{bucket}/sets/LaPa.tar.gz")
    assert (archive.name, archive.counts) == ("lapa", {"train": 8, "val": 4, "test": 4})
    folder = ingested(f"s3://{bucket}/sets/drawn/")
    assert (folder.name, folder.counts) == ("drawn", {"train": 8, "val": 4, "test": 4})
    assert ingested(f"s3://{bucket}/sets/drawn").root == folder.root
    with pytest.raises(DataError, match="there is nothing of this name"):
        ingested(f"s3://{bucket}/sets/dra")
    with pytest.raises(DataError, match=r"s3://nowhere/x: .*NoSuchBucket.*AWS_PROFILE"):
        ingested("s3://nowhere/x")
    with pytest.raises(DataError, match=r"^[^\n]*Invalid bucket name[^\n]*$"):
        ingested("s3://no bucket!/x")
    with pytest.raises(DataError, match="unpack_limit_gb"):
        ingest(RunOptions(data=f"s3://{bucket}/sets/drawn/val", out=Path("out")), limited(1e-7))


def test_an_endpoint_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no address")
    with pytest.raises(DataError, match=r"s3://faces/x: Invalid endpoint: no address .*AWS_ENDPOINT_URL"):
        ingested("s3://faces/x")


def test_a_key_that_reaches_outside_is_refused(bucket: str) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="sets/../../outside", Body=b"x")
    with pytest.raises(DataError, match="reaches outside"):
        ingested(f"s3://{bucket}/sets")
    assert not Path("outside").exists()


@pytest.mark.parametrize(
    "link",
    [
        "https://drive.google.com/file/d/1abc-D_e/view?usp=sharing",
        "https://drive.google.com/open?id=1abc-D_e",
        "https://drive.google.com/uc?export=download&id=1abc-D_e",
    ],
)
def test_a_link_of_google_drive_leads_to_the_file(link: str) -> None:
    assert direct(link) == (
        "https://drive.usercontent.google.com/download?id=1abc-D_e&export=download&confirm=t"
    )
    assert direct("https://example.org/a.zip") == "https://example.org/a.zip"


def test_a_source_of_an_unknown_set_is_no_name() -> None:
    with pytest.raises(ConfigError, match="neither a path nor"):
        load_config().find("lappa=LaPa.tar.gz")
    with pytest.raises(ConfigError, match="it is empty"):
        load_config().find("")
    with pytest.raises(ConfigError, match="say where lapa lies"):
        load_config().find("lapa=")


def test_names_in_any_encoding_are_told(drawn: Path, tmp_path: Path) -> None:
    """As archives made on other systems have them."""
    root = shutil.copytree(drawn, tmp_path / "faces")
    before = root / "train/images/00000.jpg"
    before.rename(os.fsdecode(os.fsencode(before.parent) + b"/caf\xe9.jpg"))
    (root / "train/images/nothing.jpg").symlink_to("nowhere")
    (root / "train/labels/nothing.png").symlink_to("nowhere")
    done = subprocess.run(
        [sys.executable, "-m", "training.ingest", "--data", "faces", "--out", "out"],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: 3 files cannot be used")
    told = Path("out/problems.txt").read_bytes()
    assert b"caf\xe9.jpg has no labels" in told
    assert b"nothing.png" in told
