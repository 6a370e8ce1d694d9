"""Bulk runs over names, files and earlier runs that nobody plans for."""

import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ml_core.image_errors import ImageTooLarge
from segmentation_api.bulk import manifest
from segmentation_api.bulk.bucket import Bucket
from segmentation_api.bulk.plan import plan
from segmentation_api.bulk.run import Tally
from segmentation_api.bulk.run import run as run_work
from segmentation_api.bulk.work import BulkError
from segmentation_api.management.commands.segment_images import progress_line
from tests.segmentation_api.test_bulk import make_work, nothing
from tests.segmentation_api.test_bulk_buckets import here, keys, s3, work_bundle
from tests.segmentation_api.test_segment_images import COMMAND, files, rows, run

__all__ = ["s3"]

OUTSIDE = ("../../up.png", "/{}/absolute.png", "a//b.png", "./c.png", "x/../d.png", "n\0ul.png")
"""Keys of S3 that are no plain path below a folder."""


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_key_names_no_file_out_of_dst(
    s3: Any, models_dir: Path, tmp_path: Path, photo: bytes, name: str
) -> None:
    name = name.format(str(tmp_path).strip("/"))
    s3.put_object(Bucket="bucket", Key=f"in/{name}", Body=photo)
    s3.put_object(Bucket="bucket", Key="in/z.png", Body=photo)
    planned = plan("s3://bucket/in", str(tmp_path / "deep" / "out"), ["labels"])
    work = make_work(models_dir, planned.source, planned.sink)
    tally = run_work(work, planned.items(nothing), here, work_bundle(models_dir), lambda *told: None)
    assert (tally.ok, tally.failed) == (1, 1)
    assert files(tmp_path) == ["deep/out/manifest.parquet", "deep/out/z.png"]
    failed, _ = manifest.read(tmp_path / "deep/out/manifest.parquet")
    assert (failed["path"], failed["results"]) == (name, [])
    assert "cannot have this name" in failed["error"]


def test_photos_of_a_prefix_within_dst_are_found(s3: Any, models_dir: Path, photo: bytes) -> None:
    s3.put_object(Bucket="bucket", Key="all/in/a.jpg", Body=photo)
    planned = plan("s3://bucket/all/in", "s3://bucket/all", ["labels"])
    work = make_work(models_dir, planned.source, planned.sink)
    tally = run_work(work, planned.items(nothing), here, work_bundle(models_dir), lambda *told: None)
    assert tally.ok == 1
    assert keys(s3) == ["all/a.png", "all/in/a.jpg", "all/manifest.parquet"]
    s3.put_object(Bucket="bucket", Key="all/in/in/a.jpg", Body=photo)
    with pytest.raises(BulkError, match="would be among the photos"):
        list(planned.items(nothing))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "out"], "SRC is empty"),
        (["photos", ""], "DST is empty"),
        (["photos", "out", "--output", ""], "output: '' is not one of"),
        (["photos", "out", "--output", "mask,"], "output: '' is not one of"),
    ],
)
def test_what_is_empty_is_not_guessed(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*arguments)


def test_a_file_larger_than_any_image_is_not_read(s3: Any, tmp_path: Path) -> None:
    """A terabyte, of which the disk has nothing: read, it would fill the memory."""
    with (tmp_path / "a.tif").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SystemExit):
        run(tmp_path, tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["sha256"]) == ("image_too_large", None)
    assert "1,099,511,627,776 bytes" in row["error"]
    s3.put_object(Bucket="bucket", Key="a.tif", Body=bytes(17))
    assert Bucket("bucket", "").read("a.tif", 17) == bytes(17)
    with pytest.raises(ImageTooLarge):
        Bucket("bucket", "").read("a.tif", 16)


def test_an_empty_object_is_no_photo(s3: Any) -> None:
    left: dict[str, str] = {}
    for key in ("in/empty", "in/empty.png"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    assert list(Bucket("bucket", "in/").photos(left.__setitem__, None)) == ["empty.png"]
    assert left == {"empty": "not a photo"}


def test_another_output_of_the_same_name_is_made_on_resume(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(photo)
    run(tmp_path / "in", tmp_path / "out", "--output", "mask")
    run(tmp_path / "in", tmp_path / "labels", "--output", "labels")
    printed, _ = run(tmp_path / "in", tmp_path / "out", "--output", "labels", "--resume")
    assert "before" not in printed
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "labels" / "a.png").read_bytes()
    printed, _ = run(tmp_path / "in", tmp_path / "out", "--output", "labels", "--resume")
    assert "1 of them before" in printed


def test_names_that_are_no_text_stay_one_row_each(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "in").mkdir()
    for name in (b"caf\xe9.png", b"caf\xea.png", b"plain.png"):
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(photo)
    out = tmp_path / os.fsdecode(b"out\xff")
    run(tmp_path / "in", out)
    printed, _ = run(tmp_path / "in", out, "--resume")
    assert "3 of 3 written" in printed
    assert "1 of them before" in printed
    assert [row["path"] for row in rows(out)] == ["caf\ufffd.png", "caf\ufffd.png", "plain.png"]


def test_no_name_breaks_a_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("two\nlines.png", "red\x1b[31m.jpg", "other\r.txt"):
        (tmp_path / "in" / name).write_bytes(b"no photo")
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit):
        call_command(*COMMAND, tmp_path / "in", tmp_path / "out", stdout=out, stderr=err)
    lines = err.getvalue().splitlines()
    assert sorted(line.split(": ")[0] for line in lines) == [
        "other\\r.txt",
        "red\\x1b[31m.jpg",
        "two\\nlines.png",
    ]


def test_the_manifest_of_the_other_kind_goes(
    tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(photo)
    with monkeypatch.context() as without:
        without.setattr(manifest, "find_spec", lambda name: None)
        run(tmp_path / "in", tmp_path / "out")
    assert files(tmp_path / "out") == ["a.png", "manifest.jsonl"]
    printed, _ = run(tmp_path / "in", tmp_path / "out", "--resume")
    assert "1 of them before" in printed
    assert files(tmp_path / "out") == ["a.png", "manifest.parquet"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.parquet", b"garbage"),
        ("manifest.jsonl", b'{"path":'),
        ("manifest.jsonl", b"[]\n"),
        ("manifest.jsonl", b'{"other": 1}\n'),
        ("manifest.jsonl", b"\xff\xfe"),
        (".segment_images/journal.sqlite", b"garbage" * 1000),
    ],
)
def test_what_an_earlier_run_left_may_be_damaged(
    tmp_path: Path, photo: bytes, name: str, content: bytes
) -> None:
    (tmp_path / "a.png").write_bytes(photo)
    file = tmp_path / "out" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(CommandError, match=f"{file.name}.*damaged"):
        run(tmp_path, tmp_path / "out", "--resume")
    file.unlink()
    assert "1 of 1 written" in run(tmp_path, tmp_path / "out", "--resume")[0]


def test_where_all_was_finished_no_time_is_left_to_tell() -> None:
    """Rows that were lost are found at results in a bucket, so that nothing is parsed and there is no rate."""
    assert progress_line(Tally(before=3), 7) == "3/7  0.0 images/s "
    assert progress_line(Tally(before=3), None) == "3  0.0 images/s "
