"""manage.py segment_images: what is taken, what is left out, where results go, what a killed run leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet

from segmentation_api.bulk import manifest
from tests.conftest import ROOT, decode, encode

COMMAND = ("segment_images", "--faces", "whole", "--workers", "1")


def kind_of(file: Path) -> tuple[str | None, str]:
    """Format and mode of a picture."""
    with Image.open(file) as picture:
        return picture.format, picture.mode


def run(*arguments: str | Path) -> tuple[str, str]:
    """What the command writes to stdout and stderr; it must succeed."""
    out, err = StringIO(), StringIO()
    call_command(*COMMAND, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def files(folder: Path) -> list[str]:
    """All that is in it, hidden files too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows(folder: Path) -> list[dict[str, Any]]:
    """The manifest, but for what no two runs share."""
    (file,) = folder.glob("manifest.*")
    return [{**row, "milliseconds": None} for row in manifest.read(file)]


@pytest.fixture
def photos(tmp_path: Path, photo: bytes) -> Path:
    """A folder with photos, one of them broken, and something that is none."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "a.jpg", "more/b.PNG"):
        (folder / name).write_bytes(photo)
    (folder / "broken.jpg").write_bytes(b"broken")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_a_folder_is_parsed_and_the_broken_one_reported(
    photos: Path, tmp_path: Path, face: NDArray[np.uint8]
) -> None:
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command(*COMMAND, photos, tmp_path / "out", "--output", "labels", stdout=out, stderr=err)
    assert caught.value.code == 1
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["a.png", "a.png.png", "manifest.parquet", "more/b.png"]
    assert (decode((tmp_path / "out" / "a.png").read_bytes()) == face).all()
    assert "3 of 4 written" in out.getvalue()
    assert "broken.jpg: This is not a" in err.getvalue()


def test_progress_is_shown_on_a_terminal(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    err = StringIO()
    monkeypatch.setattr(err, "isatty", lambda: True)
    with pytest.raises(SystemExit):
        call_command(*COMMAND, photos, tmp_path / "out", stdout=err, stderr=err)
    assert re.search(r"\r1/4  [\d.]+ images/s  \d+ s left ", err.getvalue())
    assert re.search(r"\r4/4  [\d.]+ images/s  0 s left \s*\n", err.getvalue())


@pytest.mark.parametrize(
    ("output", "suffix"), [("mask", "png"), ("overlay", "jpg"), ("classes", "zip"), ("json", "json")]
)
def test_one_photo_to_each_output(photos: Path, tmp_path: Path, output: str, suffix: str) -> None:
    run(photos / "a.png", tmp_path / "out", "--output", output)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"a.{suffix}"]


def test_a_photo_is_never_overwritten(photos: Path) -> None:
    before = (photos / "a.png").read_bytes()
    with pytest.raises(CommandError, match="is one of the photos"):
        call_command("segment_images", photos, photos)
    with pytest.raises(CommandError, match="is one of the photos"):
        call_command("segment_images", photos / "a.png", photos)
    assert (photos / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere"],
        ["{}/more", "--classes", "beard"],
        ["{}/more", "--model", "other"],
        ["{}/more", "--alpha", "2"],
    ],
)
def test_wrong_arguments_are_told_before_work_begins(
    photos: Path, tmp_path: Path, arguments: list[str]
) -> None:
    with pytest.raises(CommandError):
        call_command("segment_images", arguments[0].format(photos), str(tmp_path / "out"), *arguments[1:])
    assert not (tmp_path / "out").exists()


def test_photos_are_told_by_content_and_what_is_left_out_is_named(
    tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segmentation_api.bulk.places.FORMATS", ["JPEG"])  # without pillow-heif
    folder = tmp_path / "photos"
    folder.mkdir()
    image = decode(photo)
    for name, kind in (
        ("a.jfif", "JPEG"),
        ("b.jpe", "JPEG"),
        ("c", "WEBP"),
        ("d.backup", "PNG"),
        ("e", "TIFF"),
    ):
        (folder / name).write_bytes(encode(image, kind))
    (folder / "link.jpg").symlink_to(folder / "a.jfif")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "._a.jpg").write_bytes(b"\0\5\x16\7")
    (folder / "e.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    (folder / "f.txt").write_text("not a photo")
    (folder / "empty").touch()
    os.mkfifo(folder / "pipe.png")
    out, err = run(folder, tmp_path / "out")
    assert files(tmp_path / "out") == ["a.png", "b.png", "c.png", "d.png", "e.png", "manifest.parquet"]
    assert "5 of 5 written" in out
    told = {line.split(": left out: ")[0]: line.split(": left out: ")[1] for line in err.splitlines()}
    assert told == {
        "link.jpg": "link",
        "linked": "link",
        "._a.jpg": "metadata of macOS (._*)",
        "e.heic": "HEIC (pip install -r requirements-heif.txt)",
        "f.txt": "not a photo",
        "empty": "not a photo",
        "pipe.png": "not a file",
    }
    heic = "1 × HEIC (pip install -r requirements-heif.txt)"
    others = "2 × link, 1 × metadata of macOS (._*), 1 × not a file, 2 × not a photo"
    assert f"7 left out: {heic}, {others}\n" in out


def test_one_photo_to_the_file_that_is_named(photos: Path, tmp_path: Path, face: NDArray[np.uint8]) -> None:
    run(photos / "a.png", tmp_path / "new" / "out.png", "--output", "labels")
    assert files(tmp_path / "new") == ["out.png"]
    assert (decode((tmp_path / "new" / "out.png").read_bytes()) == face).all()
    run(photos / "a.png", tmp_path / "over.PNG", "--output", "overlay")
    assert kind_of(tmp_path / "over.PNG") == ("PNG", "RGB")
    run(photos / "a.png", tmp_path / "over.jpeg", "--output", "overlay")
    assert kind_of(tmp_path / "over.jpeg") == ("JPEG", "RGB")
    run(photos / "a.png", tmp_path / "new" / "out.png", "--output", "mask")
    assert kind_of(tmp_path / "new" / "out.png") == ("PNG", "P")
    there = {*(f"photos/{name}" for name in files(photos)), "new/out.png", "over.PNG", "over.jpeg"}
    assert set(files(tmp_path)) == there


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/a.png", "{}/../out.gif"], "out.gif: mask is a .png file"),
        (["{}/a.png", "{}/../out.png", "--output", "mask,json"], "are several; choose a folder"),
        (["{}/a.png", "{}/a.png"], "one of the photos"),
        (["{}", "out", "--classes", "beard"], "classes: 'beard' is not one of background, "),
        (["{}", "{}/../out.png"], "need a folder as DST"),
        (["{}", "{}/a.png"], "need a folder as DST"),
        (["{}", "{}/../out.zip", "--output", "coco"], "is a .json file"),
        (["{}", "out", "--output", "mask,colors"], "'colors' is not one of mask, labels"),
        (["{}", "out", "--workers", "0"], "workers: must be from 1"),
        (["{}/more/none.jpg", "out"], "no such file or folder"),
        (["s3:///x", "out"], "s3://bucket"),
    ],
)
def test_what_cannot_be_is_said_before_work_begins(photos: Path, arguments: list[str], said: str) -> None:
    before = files(photos.parent)
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command(*COMMAND, *(word.format(photos) for word in arguments))
    assert files(photos.parent) == before


def test_several_outputs_lie_side_by_side(photos: Path, tmp_path: Path) -> None:
    run(photos / "more", tmp_path / "out", "--output", "mask,overlay,json")
    assert files(tmp_path / "out") == ["b.json", "b.mask.png", "b.overlay.jpg", "manifest.parquet"]


def test_results_among_the_photos_are_not_photos(photos: Path) -> None:
    (photos / "broken.jpg").unlink()
    for _ in range(2):
        out, _ = run(photos, photos / "masks")
        assert "3 of 3 written" in out
    assert files(photos / "masks") == ["a.png", "a.png.png", "manifest.parquet", "more/b.png"]


def test_the_manifest_has_a_row_a_photo(
    photos: Path, tmp_path: Path, face: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        run(photos, tmp_path / "out")
    table = parquet.read_table(tmp_path / "out" / "manifest.parquet")
    found = {row["path"]: row for row in table.to_pylist()}
    assert list(found) == ["a.jpg", "a.png", "broken.jpg", "more/b.PNG"]
    whole, broken = found["more/b.PNG"], found["broken.jpg"]
    assert (whole["status"], whole["width"], whole["faces"], whole["results"]) == (
        "ok",
        64,
        0,
        ["more/b.png"],
    )
    assert whole["share"]["hair"] == (face == 10).mean()
    assert 0 < whole["confidence"]["hair"] <= 1
    assert whole["milliseconds"] > 0
    assert len(whole["sha256"]) == 64
    assert (broken["status"], broken["results"]) == ("unsupported_image", [])
    assert broken["error"].startswith("This is not a")
    monkeypatch.setattr(
        "segmentation_api.bulk.manifest.find_spec", lambda name: None
    )  # pyarrow is not installed
    with pytest.raises(SystemExit):
        run(photos, tmp_path / "lines")
    lines = [json.loads(line) for line in (tmp_path / "lines" / "manifest.jsonl").read_text().splitlines()]
    assert [row["path"] for row in lines] == list(found)
    assert rows(tmp_path / "lines") == rows(tmp_path / "out")


def test_resume_does_what_is_new_or_asked_otherwise(photos: Path, tmp_path: Path, photo: bytes) -> None:
    (photos / "broken.jpg").unlink()
    run(photos, tmp_path / "out")
    made = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in files(tmp_path / "out")}
    (photos / "new.png").write_bytes(photo)
    (tmp_path / "out" / "a.png").unlink()
    out, _ = run(photos, tmp_path / "out", "--resume")
    assert "4 of 4 written" in out
    assert "2 of them before" in out
    assert len(rows(tmp_path / "out")) == 4
    again = {name for name, at in made.items() if (tmp_path / "out" / name).stat().st_mtime_ns != at}
    assert again == {"a.png", "manifest.parquet"}
    out, _ = run(photos, tmp_path / "out", "--resume", "--classes", "hair")
    assert "before" not in out


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_unbroken(tmp_path: Path, photo: bytes, models_dir: Path) -> None:
    folder = tmp_path / "photos"
    for number in range(300):
        (folder / str(number % 3)).mkdir(parents=True, exist_ok=True)
        (folder / str(number % 3) / f"{number}.png").write_bytes(photo)
    (folder / "broken.jpg").write_bytes(b"broken")
    environment = {**os.environ, "MODELS_DIR": str(models_dir), "MODEL": "tiny", "STATE_DIR": str(tmp_path)}
    results, kept = ("--output", "mask,json"), dict[Path, int]()

    def start(name: str, *more: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "manage.py", *COMMAND, str(folder), str(tmp_path / name), *results, *more]
        return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stderr=subprocess.DEVNULL)

    def finished() -> dict[Path, int]:
        """Both results of a photo: with one alone, it is begun anew."""
        masks = list((tmp_path / "cut").glob("[0-9]/*.mask.png"))
        pairs = [(mask, mask.with_name(mask.name.replace(".mask.png", ".json"))) for mask in masks]
        found = [path for pair in pairs if pair[1].exists() for path in pair]
        return {path: path.stat().st_mtime_ns for path in found}

    for kill in (40, 250):
        with start("cut", "--resume") as process:
            while len(finished()) < kill and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert kept.items() <= finished().items()
        kept = finished()
        assert kill <= len(kept) < 600
    with start("cut", "--resume"), start("whole"):
        pass
    assert kept.items() <= finished().items()
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    for name in files(tmp_path / "cut"):
        if not name.startswith("manifest."):
            assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
