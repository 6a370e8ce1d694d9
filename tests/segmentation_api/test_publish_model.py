"""publish_model, and what the service does with what is in the bucket then."""

import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from moto import mock_aws
from PIL import Image

from segmentation_api.model_store import bundle_folders
from segmentation_api.startup import check_model
from tests.tiny_bundle import make_palette_bundle

URL = "s3://models/faces"


@pytest.fixture
def bundle(tmp_path: Path, models_dir: Path) -> Path:
    """The bundle `tiny`, with weights."""
    folder = shutil.copytree(models_dir / "tiny", tmp_path / "tiny")
    (folder / "weights.npz").write_bytes(b"large")
    (folder / "notes.txt").write_text("stays here")
    return folder


@pytest.fixture
def bucket(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The empty bucket `models`; the service reads s3://models/faces."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    settings.MODELS_DIR, settings.MODELS_CACHE = URL, tmp_path / "cache"
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="models")
        yield client


def publish(folder: Path, url: str = URL) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("publish_model", folder, url, stdout=out)
    return out.getvalue()


def keys(bucket: Any) -> list[str]:
    """What is in it."""
    rows = bucket.list_objects_v2(Bucket="models").get("Contents", [])
    return [row["Key"] for row in rows]


def test_a_published_bundle_is_served(bundle: Path, bucket: Any) -> None:
    printed = publish(bundle)
    assert "MODELS_DIR=s3://models/faces MODEL=tiny" in printed
    assert {Path(key).name for key in keys(bucket)} == {
        *("model.onnx", "model.json", "golden.png", "golden-labels.png", "weights.npz", "README.md")
    }
    check_model()
    assert (bundle_folders()["tiny"] / "model.onnx").read_bytes() == (bundle / "model.onnx").read_bytes()


def test_the_root_of_a_bucket_will_do(bundle: Path, bucket: Any, settings: Any) -> None:
    publish(bundle, "s3://models/")
    settings.MODELS_DIR = "s3://models"
    assert set(bundle_folders()) == {"tiny"}


def test_model_json_comes_last(bundle: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    upload = type(bucket).upload_file

    def record(self: Any, filename: str, *args: Any, **kwargs: Any) -> None:
        upload(self, filename, *args, **kwargs)
        sent.append(Path(filename).name)
        assert ("model.json" in sent) == ("tiny" in bundle_folders_now())

    def bundle_folders_now() -> dict[str, Path]:
        try:
            return bundle_folders()
        except ImproperlyConfigured:
            return {}

    recording = _Recording(bucket, record)
    monkeypatch.setattr("segmentation_api.s3_bundles.make_client", lambda: recording)
    publish(bundle)
    assert sent[-1] == "model.json" and len(sent) == 6


class _Recording:
    """An S3 client that tells of uploads."""

    def __init__(self, client: Any, record: Any) -> None:
        self._client, self._record = client, record

    def upload_file(self, *args: Any, **kwargs: Any) -> None:
        self._record(self._client, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_publishing_twice_sends_nothing_twice(bundle: Path, bucket: Any, tmp_path: Path) -> None:
    publish(bundle)
    before = {key: bucket.head_object(Bucket="models", Key=key)["LastModified"] for key in keys(bucket)}
    assert "Nothing to do" in publish(bundle)
    assert before == {
        key: bucket.head_object(Bucket="models", Key=key)["LastModified"] for key in keys(bucket)
    }
    make_palette_bundle(tmp_path / "new" / "tiny", size=32)
    printed = publish(tmp_path / "new" / "tiny")
    assert "faces/tiny/model.onnx: uploaded" in printed
    assert "faces/tiny/README.md: there already" in printed


@pytest.mark.parametrize(
    ("damage", "message"),
    [("onnx", "sha256"), ("golden", "golden image agrees"), ("json", "not JSON"), ("gone", "no such folder")],
)
def test_a_bad_bundle_is_not_sent(bundle: Path, bucket: Any, damage: str, message: str) -> None:
    match damage:
        case "onnx":
            (bundle / "model.onnx").write_bytes(b"onnx")
        case "golden":
            labels = np.asarray(Image.open(bundle / "golden-labels.png"))
            Image.fromarray((labels + 1).astype(np.uint8)).save(bundle / "golden-labels.png")
        case "json":
            (bundle / "model.json").write_text("{")
        case "gone":
            shutil.rmtree(bundle)
    with pytest.raises(CommandError, match=message):
        publish(bundle)
    assert keys(bucket) == []


def test_a_wrong_address_is_named(bundle: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("models/faces", "s3://", "https://models/faces"):
        with pytest.raises(CommandError, match="not of the form s3://bucket/prefix"):
            publish(bundle, url)
    with pytest.raises(CommandError, match=r"s3://nowhere/faces: .*NoSuchBucket"):
        publish(bundle, "s3://nowhere/faces")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers the credentials of before
    monkeypatch.setattr("botocore.credentials.CredentialResolver.load_credentials", lambda self: None)
    with pytest.raises(CommandError, match="No AWS credentials"):
        publish(bundle)


def test_the_start_says_why_a_published_model_cannot_be_served(
    bundle: Path, bucket: Any, settings: Any, tmp_path: Path
) -> None:
    publish(bundle)
    bucket.put_object(Bucket="models", Key="faces/tiny/model.onnx", Body=b"cut short")
    with pytest.raises(ImproperlyConfigured, match=r"^MODELS_DIR: s3://models/faces/tiny/model.onnx: sha256"):
        check_model()
    settings.MODELS_CACHE = tmp_path / "a-file"
    settings.MODELS_CACHE.write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"^MODELS_CACHE: .*a-file"):
        check_model()


def test_what_a_killed_process_left_in_the_cache_does_no_harm(bundle: Path, bucket: Any) -> None:
    publish(bundle)
    home = bundle_folders()["tiny"].parent
    (home / ".left").mkdir()
    make_palette_bundle(bundle, size=32)
    publish(bundle)
    bundle_folders()
    assert len(list(home.iterdir())) == 1
