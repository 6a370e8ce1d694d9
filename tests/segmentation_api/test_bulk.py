"""The pieces of bulk runs: names, streams, buckets, processes that die, files for annotation tools."""

import json
import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO

from ml_core.bundle import Bundle
from ml_core.images import colorize
from ml_core.labels import LabelSet
from ml_core.outputs import FORMATS
from segmentation_api.bulk import bucket, manifest, processes
from segmentation_api.bulk.bucket import Bucket
from segmentation_api.bulk.collected import brush_rle
from segmentation_api.bulk.folder import Folder
from segmentation_api.bulk.places import Item, named
from segmentation_api.bulk.run import run
from segmentation_api.bulk.state import opened
from segmentation_api.bulk.work import BulkError, Record, Work, Worker, failure
from tests.conftest import encode
from tests.segmentation_api.deadly import Deadly
from tests.segmentation_api.test_segment_images import files
from tests.segmentation_api.test_segment_images import run as command
from training.lapa import LAPA


def nothing(path: str, reason: str) -> None:
    """Nobody asks what is left out."""


def make_work(models_dir: Path, source: Any, sink: Any) -> Work:
    """Label pictures by the tiny model."""
    labels = next(one for one in FORMATS if one.name == "labels")
    bundle = models_dir / "tiny"
    return Work(source, sink, bundle, "tiny", ((labels, ".png"),), faces="whole", settings="test")


def test_bases_are_unique_and_each_photos_own() -> None:
    paths = ["a", "a-1.jpg", "a.jpg", "a.png", "a.png.jpg", "b.c.jpg", "b.jpg", "d/a.jpg", "d/a.webp"]
    found = {item.path: item.base for item in named(paths)}
    assert len(set(found.values())) == len(paths)
    assert found["a.jpg"] == "a.jpg"  # `a` has the base
    assert (found["d/a.jpg"], found["d/a.webp"]) == ("d/a", "d/a.webp")
    assert found["a.png.jpg"] == "a.png.jpg"
    assert found["b.c.jpg"] == "b.c"


class Pages:
    """Lists a million keys, and counts how many are held."""

    def __init__(self) -> None:
        self.given = 0

    def get_paginator(self, name: str) -> "Pages":
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, list[dict[str, str]]]]:
        for page in range(1000):
            self.given += 1000
            yield {"Contents": [{"Key": f"photos/{page:04d}/{number:04d}.jpg"} for number in range(1000)]}


@pytest.mark.slow
def test_a_million_keys_are_listed_as_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages()
    monkeypatch.setattr(bucket, "client", lambda: pages)
    held = [
        pages.given - taken
        for taken, _ in enumerate(named(Bucket("bucket", "photos/").photos(nothing, None)))
    ]
    assert len(held) == 1_000_000
    assert max(held) <= 1000


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_a_photo_that_ends_its_process_is_a_row(
    threads: int, models_dir: Path, tmp_path: Path, photo: bytes
) -> None:
    names = ["a.png", "deadly.png", *(f"{number}.png" for number in range(8))]
    for name in names:
        (tmp_path / name).write_bytes(photo)
    work = make_work(models_dir, Deadly(str(tmp_path), threads=threads), Folder(str(tmp_path / "out")))
    (tmp_path / "out").mkdir()
    items = (Item(name, name) for name in names)
    records = chain.from_iterable(processes.run(work, items, workers=2))
    found = {record.row["path"]: record.row for record in records}
    assert sorted(found) == sorted(names)
    assert {path for path, row in found.items() if row["status"] != "ok"} == {"deadly.png"}
    assert found["deadly.png"]["error"] == "The process that parsed it died twice: signal SIGABRT."


class Killed(Folder):
    """A run into it ends between two results."""

    def publish(self, path: str, staged: str) -> None:
        if path == "2.png":
            raise KeyboardInterrupt
        super().publish(path, staged)


def test_results_that_were_about_to_be_put_in_place_are_not_made_again(
    models_dir: Path, tmp_path: Path, photo: bytes
) -> None:
    source, out = Folder(str(tmp_path / "in")), tmp_path / "out"
    for folder in (Path(source.root), out):
        folder.mkdir()
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        Path(source.root, name).write_bytes(photo)
    work, bundle = make_work(models_dir, source, Folder(str(out))), Bundle.load(models_dir / "tiny")

    def together(work: Work, items: Iterator[Item]) -> Generator[list[Record], None, None]:
        worker = Worker(work)
        yield [worker(item) for item in items]

    with pytest.raises(KeyboardInterrupt):
        run(replace(work, sink=Killed(str(out))), named(names), together, bundle, lambda *told: None)
    assert sorted(path.name for path in out.glob("*.png")) == names[:2]
    tally = run(work, named(names), together, bundle, lambda *told: None, resume=True)
    assert (tally.before, tally.ok) == (4, 0)
    assert sorted(path.name for path in out.glob("*.png")) == names


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path: Path, models_dir: Path) -> None:
    work = make_work(tmp_path, Folder(str(tmp_path)), Folder(str(tmp_path)))
    with pytest.raises(BulkError, match="no such folder"):
        list(processes.run(work, iter([Item("a.png", "a")]), workers=1))


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    first, second = (opened(Folder(str(tmp_path)), resume=False, manifests=()) for _ in range(2))
    with first, pytest.raises(BulkError, match="is another run writing there"):
        second.__enter__()
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_no_text_are_rows_too(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    row = failure(Item(name, name), "failed", "reason", "settings").row
    for kind in manifest.NAMES:
        manifest.write(tmp_path / kind, [row], LAPA.names)
    assert [one["path"] for one in manifest.read(tmp_path / manifest.LINES)] == [name]
    assert [one["path"] for one in manifest.read(tmp_path / manifest.PARQUET)] == ["caf�.jpg"]


@pytest.fixture
def labelled(tmp_path: Path, face: NDArray[np.uint8]) -> Path:
    """Three photos of different faces, one broken."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "broken.jpg").write_bytes(b"broken")
    for name, labels in {
        "a.png": face,
        "more/b c.png": face[:, ::-1],
        "none.png": np.zeros_like(face),
    }.items():
        (folder / name).write_bytes(encode(colorize(np.ascontiguousarray(labels), LAPA)))
    return folder


@pytest.mark.parametrize("outlines", [(), ("--polygons",)])
def test_coco_is_read_back_by_pycocotools(
    labelled: Path, tmp_path: Path, face: NDArray[np.uint8], outlines: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit):
        command(labelled, tmp_path / "out", "--output", "coco", *outlines)
    assert files(tmp_path / "out") == ["coco.json", "manifest.parquet"]
    found = COCO(tmp_path / "out" / "coco.json")
    images = {row["file_name"]: row["id"] for row in found.dataset["images"]}
    assert list(images) == ["a.png", "more/b c.png", "none.png"]
    assert [row["name"] for row in found.dataset["categories"]] == list(LAPA.names[1:])
    for name, labels in {
        "a.png": face,
        "more/b c.png": face[:, ::-1],
        "none.png": np.zeros_like(face),
    }.items():
        painted = np.zeros_like(labels)
        for one in found.loadAnns(found.getAnnIds(imgIds=[images[name]])):
            painted[found.annToMask(one) > 0] = one["category_id"]
            assert one["area"] == (labels == one["category_id"]).sum()
        assert (painted != labels).mean() <= (0.02 if outlines else 0)


def test_one_file_for_an_annotation_tool(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        command(labelled, tmp_path / "tasks.json", "--output", "label-studio")
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "tasks.json", "tasks.xml"}
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert [task["data"]["image"] for task in tasks] == [
        f"/data/local-files/?d={name}" for name in ("a.png", "more/b%20c.png", "none.png")
    ]
    assert 'value="hair"' in (tmp_path / "tasks.xml").read_text()


def read_brush(code: list[int]) -> NDArray[np.uint8]:
    """Values of Label Studio's run lengths, as its converter reads them; `make test-bulk` has that itself."""
    bits = "".join(f"{byte:08b}" for byte in code)
    place = 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    total, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < total:
        repeated, length = take(1), 0
        length = take(sizes[take(2)]) + 1
        values += [take(word)] * length if repeated else [take(word) for _ in range(length)]
    return np.array(values, np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 64), (300, 200)])
def test_a_brush_stroke_is_the_mask(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    for mask in (
        np.zeros(size, bool), np.ones(size, bool), generator.random(size) < 0.5, np.indices(size).sum(0) > size[0],
    ):  # fmt: skip
        assert (read_brush(brush_rle(mask)) == np.repeat(mask.ravel(), 4) * 255).all()


def test_labels_of_a_class_list_with_odd_names(tmp_path: Path) -> None:
    from segmentation_api.bulk.collected import write_label_studio

    labels = LabelSet(("background", 'a "b" <c>'), ((0, 0, 0), (1, 2, 255)))
    bundle: Any = SimpleNamespace(name="odd", version="1", labels=labels)
    write_label_studio(tmp_path / "odd.json", bundle, list, str)
    text = (tmp_path / "odd.xml").read_text()
    assert "value='a \"b\" &lt;c&gt;'" in text
    assert '"#0102ff"' in text


def test_results_whose_names_cannot_be_are_rows(models_dir: Path, tmp_path: Path, photo: bytes) -> None:
    """A folder is called like a photo's result; a name that fills its 255 bytes gets a longer suffix."""
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "a.png").mkdir(parents=True)
    names = ["a.jpg", "a.png/b.jpg", f"{'l' * 251}.jpg", "z.jpg"]
    for name in names:
        (source / name).write_bytes(photo)
    with pytest.raises(SystemExit):
        command(source, out, "--output", "labels")
    rows = {row["path"]: row for row in manifest.read(out / manifest.PARQUET)}
    assert set(rows) == set(names)
    assert {name for name in names if rows[name]["status"] != "ok"} == {"a.png/b.jpg"}
    assert "a.png" in rows["a.png/b.jpg"]["error"]
    out = tmp_path / "several"
    with pytest.raises(SystemExit):
        command(source, out, "--output", "labels,json")
    rows = {row["path"]: row for row in manifest.read(out / manifest.PARQUET)}
    assert {name for name in names if rows[name]["status"] != "ok"} == {names[2]}, "a.labels.png is no folder"


def test_a_photo_called_like_what_is_collected_keeps_its_suffix(labelled: Path, tmp_path: Path) -> None:
    (labelled / "a.png").rename(labelled / "coco.png")
    with pytest.raises(SystemExit):
        command(labelled, tmp_path / "out", "--output", "json,coco")
    found = files(tmp_path / "out")
    assert {"coco.json", "coco.png.json", "none.json"} <= set(found)
    assert "images" in json.loads((tmp_path / "out" / "coco.json").read_text())
