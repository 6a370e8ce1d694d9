"""Bulk runs from and to buckets, as moto plays them: what is there, what is done again, what is left."""

import itertools
import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws
from numpy.typing import NDArray
from PIL import Image

from ml_core.bundle import Bundle
from ml_core.images import colorize
from segmentation_api.bulk import bucket
from segmentation_api.bulk.bucket import Bucket
from segmentation_api.bulk.folder import Folder
from segmentation_api.bulk.places import Item, Place
from segmentation_api.bulk.plan import plan
from segmentation_api.bulk.run import Engine, Tally, run
from segmentation_api.bulk.work import BulkError, Record, Work, Worker
from tests.conftest import encode
from tests.segmentation_api.test_bulk import make_work
from training.lapa import LAPA


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket named `bucket`, in moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket.client.cache_clear()
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client
    bucket.client.cache_clear()


def here(work: Work, items: Iterator[Item]) -> Generator[list[Record], None, None]:
    """An engine without processes, which moto does not reach."""
    worker = Worker(work)
    yield from ([worker(item)] for item in items)


def keys(client: Any) -> list[str]:
    """All keys."""
    return [row["Key"] for row in client.list_objects_v2(Bucket="bucket").get("Contents", [])]


def test_a_bucket_is_read_and_written(
    s3: Any, photo: bytes, models_dir: Path, tmp_path: Path, face: NDArray[np.uint8]
) -> None:
    for key, body in {
        "in/a.jpg": photo, "in/a.png": photo, "in/b/c": photo, "in/b/notes": b"text", "in/d.jpg": b"broken",
        "in/._d.jpg": b"", "in/out/old.png": photo, "in/folder/": b"", "inside.jpg": photo,
    }.items():  # fmt: skip
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    planned = plan("s3://bucket/in", "s3://bucket/in/out", ["labels"])
    left: dict[str, str] = {}
    work = make_work(models_dir, planned.source, planned.sink)

    def go(*, resume: bool) -> Tally:
        items = planned.items(left.__setitem__)
        return run(work, items, here, work_bundle(models_dir), lambda *told: None, resume=resume)

    tally = go(resume=False)
    assert (tally.ok, tally.failed) == (3, 1)
    assert left == {"b/notes": "not a photo", "._d.jpg": "metadata of macOS (._*)"}
    results = ["in/out/a.png", "in/out/a.png.png", "in/out/b/c.png"]
    assert {key for key in keys(s3) if key.startswith("in/out/")} == {
        *results,
        "in/out/manifest.parquet",
        "in/out/old.png",
    }
    body = s3.get_object(Bucket="bucket", Key="in/out/b/c.png")["Body"].read()
    (tmp_path / "c.png").write_bytes(body)
    with Image.open(tmp_path / "c.png") as picture:
        assert (np.asarray(picture) == face).all()
    s3.put_object(Bucket="bucket", Key="in/e.bmp", Body=encode(colorize(face, LAPA), "BMP"))
    tally = go(resume=True)
    assert (tally.ok, tally.before, tally.failed) == (1, 3, 1)
    single = plan("s3://bucket/in/a.jpg", "s3://bucket/one/mask.png", ["labels"])
    assert (single.photo, single.file) == (Item("a.jpg", "mask"), "mask.png")


def work_bundle(models_dir: Path) -> Any:
    """The tiny model's."""
    from ml_core.bundle import Bundle

    return Bundle.load(models_dir / "tiny")


def test_a_run_into_a_bucket_that_ends_early_goes_on(
    s3: Any, models_dir: Path, tmp_path: Path, photo: bytes
) -> None:
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(photo)
    work = make_work(models_dir, Folder(str(tmp_path)), Bucket("bucket", "out/"))
    items = [Item(f"{number}.png", str(number)) for number in range(6)]

    def fails(work: Work, items: Iterator[Item]) -> Generator[list[Record], None, None]:
        yield from itertools.islice(here(work, items), 4)
        raise BulkError("the power went")

    with pytest.raises(BulkError, match="power"):
        run(work, iter(items), fails, work_bundle(models_dir), lambda *told: None)
    assert "out/manifest.parquet" not in keys(s3)
    tally = run(work, iter(items), here, work_bundle(models_dir), lambda *told: None, resume=True)
    assert (tally.before, tally.ok) == (4, 2)
    assert keys(s3) == [*(f"out/{number}.png" for number in range(6)), "out/manifest.parquet"]


def killed(work: Work, items: Iterator[Item]) -> Generator[list[Record], None, None]:
    """Writes the results of four photos, of which the run hears of one before it ends."""
    worker = Worker(work)
    records = [worker(item) for item in itertools.islice(items, 4)]
    yield records[:1]
    raise BulkError("killed")


class Photos:
    """Six photos in a folder and a run of them into a bucket."""

    def __init__(self, models_dir: Path, folder: Path, photo: bytes) -> None:
        self.bundle = Bundle.load(models_dir / "tiny")
        self.work = make_work(models_dir, Folder(str(folder)), Bucket("bucket", "out/"))
        self.names = [f"{number}.png" for number in range(6)]
        for name in self.names:
            (folder / name).write_bytes(photo)

    def run(self, engine: Engine = here, *, resume: bool = True, **changes: Any) -> Tally:
        """Of all of them."""
        items = iter([Item(name, name.removesuffix(".png")) for name in self.names])
        work = replace(self.work, **changes)
        return run(work, items, engine, self.bundle, lambda *told: None, resume=resume)

    def killed(self, **changes: Any) -> None:
        """A new run that is."""
        with pytest.raises(BulkError, match="killed"):
            self.run(killed, resume=False, **changes)


@pytest.fixture
def photos(s3: Any, models_dir: Path, tmp_path: Path, photo: bytes) -> Photos:
    """In `tmp_path`."""
    return Photos(models_dir, tmp_path, photo)


def written(client: Any, name: str) -> Any:
    """When."""
    return client.head_object(Bucket="bucket", Key=f"out/{name}")["LastModified"]


@pytest.mark.parametrize("collected", [(), ("coco",)])
def test_finished_results_whose_rows_were_lost_are_not_made_again(
    s3: Any, photos: Photos, collected: tuple[str, ...]
) -> None:
    photos.killed(collected=collected)
    tally = photos.run(collected=collected)
    assert (tally.before, tally.ok, tally.failed) == (4, 2, 0)
    made = ["coco.json"] if collected else []
    assert keys(s3) == [*(f"out/{name}" for name in photos.names + made), "out/manifest.parquet"]
    again = photos.run(collected=collected)
    assert (again.before, again.ok) == ((0, 6) if collected else (6, 0))


def test_parts_of_what_is_collected_are_found_without_results(s3: Any, photos: Photos) -> None:
    only: dict[str, Any] = {"collected": ("label-studio",), "endings": ()}
    photos.killed(**only)
    tally = photos.run(**only)
    assert (tally.before, tally.ok) == (4, 2)
    assert keys(s3) == [
        f"out/{name}" for name in ("label-studio.json", "label-studio.xml", "manifest.parquet")
    ]


def test_results_of_other_options_and_of_an_earlier_run_are_made_again(s3: Any, photos: Photos) -> None:
    photos.run(resume=False)
    photos.killed()
    tally = photos.run()
    assert (tally.before, tally.ok) == (4, 2), "those that the killed run had not got to are old"
    photos.killed()
    tally = photos.run(settings="others")
    assert (tally.before, tally.ok) == (0, 6)


def test_a_result_that_was_removed_is_made_again(s3: Any, photos: Photos) -> None:
    photos.run(resume=False)
    s3.delete_object(Bucket="bucket", Key="out/3.png")
    tally = photos.run()
    assert (tally.before, tally.ok) == (5, 1)
    assert "out/3.png" in keys(s3)


@pytest.mark.parametrize("length", [0, 1, 1000, 100_000])
def test_an_object_tells_what_it_was_staged_with(s3: Any, length: int) -> None:
    about = "".join(chr(32 + (number * number * 7919) % 5000) for number in range(length))
    place = Bucket("bucket", "out/")
    place.stage("a.png", b"body", about)
    assert place.about("a.png") == about
    assert place.read("a.png", 1000) == b"body"
    s3.put_object(Bucket="bucket", Key="out/theirs.png", Body=b"body")
    assert place.about("theirs.png") == place.about("missing.png") == ""


def test_more_than_a_page_of_keys_is_listed_and_removed(s3: Any) -> None:
    place: Place = Bucket("bucket", "out/")
    for number in range(1100):
        s3.put_object(Bucket="bucket", Key=f"out/{number:04d}.jpg", Body=b"")
    found = list(place.photos(lambda *told: None, None))
    assert found == [f"{number:04d}.jpg" for number in range(1100)]
    assert isinstance(place, Bucket)
    for page in place.pages():
        place.delete(page)
    assert keys(s3) == []


def test_photos_whose_names_no_key_can_have_are_rows(photos: Photos, tmp_path: Path, photo: bytes) -> None:
    photos.names = ["0.png", os.fsdecode(b"caf\xe9.png"), f"{'d' * 200}/" * 5 + "a.png"]
    for name in photos.names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(photo)
    photos.work = replace(photos.work, sink=Bucket("bucket", f"{'out' * 10}/"))
    tally = photos.run(resume=False)
    assert (tally.ok, tally.failed) == (1, 2)
