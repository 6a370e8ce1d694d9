"""Bundles side by side, reloaded while they serve, from a folder or a bucket."""

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from moto import mock_aws
from numpy.typing import NDArray
from PIL import Image

from ml_core.labels import LabelSet
from ml_core.segmenter import Segmenter
from segmentation_api.engine import Engine
from segmentation_api.errors import Problem
from segmentation_api.model_store import bundle_folders
from segmentation_api.startup import check_model
from tests.conftest import SIDE
from tests.tiny_bundle import make_palette_bundle

TWO = LabelSet(names=("nothing", "something"), colors=((0, 0, 0), (255, 255, 255)))


@pytest.fixture
def folder(tmp_path: Path, models_dir: Path, settings: Any) -> Path:
    """A MODELS_DIR of the test's own, with `tiny` in it."""
    shutil.copytree(models_dir / "tiny", tmp_path / "models" / "tiny")
    settings.MODELS_DIR = str(tmp_path / "models")
    return tmp_path / "models"


def spoil_golden(bundle: Path) -> None:
    """Golden labels that the model does not give."""
    labels = np.asarray(Image.open(bundle / "golden-labels.png"))
    Image.fromarray((labels + 1).astype(np.uint8)).save(bundle / "golden-labels.png")


def test_several_models_with_classes_of_their_own(folder: Path) -> None:
    make_palette_bundle(folder / "two", size=SIDE, labels=TWO, logits_scale=1)
    engine = Engine()
    assert set(engine.models()) == {"tiny", "two"}
    assert engine.segmenter().bundle.name == "tiny"
    assert engine.segmenter("two").bundle.labels == TWO
    with pytest.raises(Problem, match="not one of tiny, two"):
        engine.segmenter("three")


def test_warming_up_parses_large_photos_several_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    engine.models()
    together, sizes = threading.Barrier(3), []

    def predict(_: Segmenter, image: Image.Image) -> None:
        sizes.append(image.size)
        together.wait(20)

    monkeypatch.setattr(Segmenter, "predict", predict)
    engine.warm_up()
    assert sizes == [(1600, 1600)] * 6


def test_without_its_model_there_is_nothing_to_warm_up(folder: Path) -> None:
    shutil.rmtree(folder / "tiny")
    Engine().warm_up()


def test_a_reload_takes_new_models_and_keeps_unchanged_ones(folder: Path) -> None:
    engine = Engine()
    tiny = engine.segmenter()
    make_palette_bundle(folder / "two", size=SIDE, labels=TWO, logits_scale=1)
    assert engine.reload() == {}
    assert set(engine.models()) == {"tiny", "two"}
    assert engine.segmenter() is tiny
    shutil.rmtree(folder / "two")
    engine.reload()
    assert set(engine.models()) == {"tiny"}


@pytest.mark.parametrize("how", ["cut short", "changed", "not the golden answer", "gone"])
def test_a_broken_reload_keeps_the_old_model_and_says_so(folder: Path, how: str) -> None:
    engine = Engine()
    tiny = engine.segmenter()
    match how:
        case "cut short":
            (folder / "tiny" / "model.onnx").write_bytes(b"onnx")
        case "changed":
            (folder / "tiny" / "model.json").write_text(json.dumps({"format": 1}))
        case "not the golden answer":
            spoil_golden(folder / "tiny")
        case "gone":
            shutil.rmtree(folder / "tiny")
    assert set(engine.reload()) == {"tiny"}
    assert engine.segmenter() is tiny
    assert engine.ready()


def test_a_reload_that_cannot_read_the_folder_keeps_all_models(folder: Path) -> None:
    engine = Engine()
    make_palette_bundle(folder / "two", size=SIDE, labels=TWO, logits_scale=1)
    before = engine.models()
    assert set(before) == {"tiny", "two"}
    folder.rename(folder.with_name("elsewhere"))
    assert set(engine.reload()) == {"tiny", "two"}
    assert engine.models() == before


def test_a_model_that_fails_its_golden_image_is_not_ready(folder: Path) -> None:
    spoil_golden(folder / "tiny")
    engine = Engine()
    assert "golden" in engine.reload()["tiny"]
    assert not engine.ready()
    with pytest.raises(Problem) as caught:
        engine.segmenter()
    assert caught.value.status == 503


def test_the_start_stops_at_a_model_that_is_not_there(folder: Path, settings: Any) -> None:
    check_model()
    settings.MODEL = "other"
    with pytest.raises(ImproperlyConfigured, match=r"^MODEL: no bundle 'other' .*tiny"):
        check_model()
    settings.MODEL = "tiny"
    (folder / "tiny" / "model.onnx").write_bytes(b"onnx")
    with pytest.raises(ImproperlyConfigured, match=r"^MODEL: .*sha256"):
        check_model()
    settings.MODELS_DIR = str(folder / "nowhere")
    with pytest.raises(ImproperlyConfigured, match=r"^MODELS_DIR: "):
        check_model()


def test_the_start_stops_at_a_provider_that_is_not_there(folder: Path, settings: Any) -> None:
    settings.PROVIDERS = ["NoSuchExecutionProvider"]
    with pytest.raises(ImproperlyConfigured, match=r"^PROVIDERS: no NoSuch.*CPUExecutionProvider"):
        check_model()


def test_a_parsed_class_list_is_the_models_own(
    folder: Path, segment: Callable[..., Any], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_palette_bundle(folder / "two", size=SIDE, labels=TWO, logits_scale=1)
    monkeypatch.setattr("segmentation_api.services.engine", Engine())
    rows = segment(output="json", model="two").json()["classes"]
    assert [row["name"] for row in rows] == ["nothing", "something"]
    assert segment(model="two", classes="hair").status_code == 400


@pytest.fixture
def bucket(tmp_path: Path, models_dir: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """s3://models/faces with `tiny` in it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.MODELS_DIR, settings.MODELS_CACHE = "s3://models/faces", tmp_path / "cache"
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        upload(client, models_dir / "tiny")
        yield client


def upload(client: Any, bundle: Path) -> None:
    """All of a bundle, and what serving has no use for."""
    for file in bundle.iterdir():
        client.put_object(Bucket="models", Key=f"faces/{bundle.name}/{file.name}", Body=file.read_bytes())
    client.put_object(Bucket="models", Key=f"faces/{bundle.name}/weights.npz", Body=b"large")


def test_bundles_come_from_a_bucket_once(bucket: Any, face: NDArray[np.uint8]) -> None:
    folders = bundle_folders()
    assert set(folders) == {"tiny"}
    assert sorted(path.name for path in folders["tiny"].iterdir()) == [
        "golden-labels.png",
        "golden.png",
        "model.json",
        "model.onnx",
    ]
    bucket.delete_object(Bucket="models", Key="faces/tiny/README.md")
    before = folders["tiny"].stat().st_ino
    assert bundle_folders() == folders
    assert folders["tiny"].stat().st_ino == before
    assert Engine().segmenter().bundle.name == "tiny"


def test_a_new_version_replaces_the_old_one_only_when_it_is_whole(bucket: Any, tmp_path: Path) -> None:
    old = bundle_folders()["tiny"]
    bucket.put_object(Bucket="models", Key="faces/tiny/model.onnx", Body=b"cut short")
    assert bundle_folders()["tiny"] == old
    upload(bucket, make_palette_bundle(tmp_path / "new" / "tiny", size=32))
    new = bundle_folders()["tiny"]
    assert new != old
    assert not old.exists()


def empty(client: Any, prefix: str = "faces/") -> None:
    """Delete what is below it in the bucket."""
    for row in client.list_objects_v2(Bucket="models", Prefix=prefix)["Contents"]:
        client.delete_object(Bucket="models", Key=row["Key"])


def test_what_is_gone_from_the_bucket_is_gone_from_the_cache(bucket: Any, tmp_path: Path) -> None:
    upload(bucket, make_palette_bundle(tmp_path / "second" / "two", size=SIDE))
    both = bundle_folders()
    assert set(both) == {"tiny", "two"}
    empty(bucket, "faces/two/")
    assert bundle_folders() == {"tiny": both["tiny"]}
    assert not both["two"].exists()
    empty(bucket)
    assert bundle_folders() == {"tiny": both["tiny"]}, "an empty bucket is taken for a mistake"


def test_without_the_bucket_the_cache_serves(bucket: Any, settings: Any) -> None:
    folders = bundle_folders()
    empty(bucket)
    bucket.delete_bucket(Bucket="models")
    assert bundle_folders() == folders
    settings.MODELS_DIR = "s3://nowhere/faces"
    with pytest.raises(ImproperlyConfigured, match=r"^MODELS_DIR: "):
        bundle_folders()


@pytest.fixture
def served(folder: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> Engine:
    """The engine behind the views, of `folder`."""
    engine = Engine()
    monkeypatch.setattr("segmentation_api.views.engine", engine)
    return engine


FILE = "/api/models/tiny/model.onnx"


def test_a_models_file_is_sent_as_it_is_and_once(client: Client, served: Engine, folder: Path) -> None:
    content = (folder / "tiny" / "model.onnx").read_bytes()
    sha256 = served.segmenter().bundle.sha256
    answer = client.get(FILE, headers={"Accept": "application/octet-stream"})
    assert answer.streaming
    assert b"".join(answer) == content
    assert (answer["Content-Type"], answer["Content-Length"]) == (
        "application/octet-stream",
        str(len(content)),
    )
    assert (answer["ETag"], answer["X-Model"]) == (f'"{sha256}"', "tiny/1.0.0")
    assert answer["Cache-Control"] == "private, no-cache"
    for known in (f'"{sha256}"', f'W/"{sha256}"', f'"other", "{sha256}"', "*"):
        again = client.get(FILE, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", f'"{sha256}"')
    assert client.get(FILE, headers={"If-None-Match": '"other"'}).status_code == 200
    head = client.head(FILE)
    assert (b"".join(head), head["Content-Length"]) == (b"", str(len(content)))
    assert client.get("/api/models/other/model.onnx").status_code == 404
    assert client.post(FILE).status_code == 405


@pytest.mark.parametrize("how", ["replaced", "gone"])
def test_until_it_reloads_a_worker_sends_the_file_that_it_runs(
    client: Client, served: Engine, folder: Path, tmp_path: Path, how: str
) -> None:
    old = (folder / "tiny" / "model.onnx").read_bytes()
    running = client.get(FILE)
    shutil.rmtree(folder / "tiny")
    if how == "replaced":
        make_palette_bundle(folder / "tiny", size=32)
    assert b"".join(running) == b"".join(client.get(FILE)) == old
    served.reload()
    expected = (folder / "tiny" / "model.onnx").read_bytes() if how == "replaced" else old
    answer = client.get(FILE)
    assert b"".join(answer) == expected
    assert answer["ETag"] == f'"{hashlib.sha256(expected).hexdigest()}"'


def test_a_file_that_somebody_writes_into_is_not_sent(client: Client, served: Engine, folder: Path) -> None:
    served.models()
    running = client.get(FILE)
    (folder / "tiny" / "model.onnx").write_bytes(b"onnx")
    answer = client.get(FILE)
    assert (answer.status_code, answer.json()["type"], answer["Retry-After"]) == (503, "not_ready", "5")
    with pytest.raises(OSError, match="cut short"):
        b"".join(running)


def test_a_models_file_comes_from_a_bucket_too(
    bucket: Any, client: Client, models_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: None
) -> None:
    engine = Engine()
    monkeypatch.setattr("segmentation_api.views.engine", engine)
    old = (models_dir / "tiny" / "model.onnx").read_bytes()
    assert b"".join(client.get(FILE)) == old
    new = make_palette_bundle(tmp_path / "new" / "tiny", size=32)
    upload(bucket, new)
    bundle_folders()  # another worker, which reloads first, clears the old version away
    assert b"".join(client.get(FILE)) == old
    engine.reload()
    assert b"".join(client.get(FILE)) == (new / "model.onnx").read_bytes()
