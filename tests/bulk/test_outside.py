"""What others play or read: S3, by moto's server, for processes; Label Studio's own code."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import numpy as np
import pytest
from label_studio_sdk.converter.brush import decode_rle
from label_studio_sdk.label_interface import LabelInterface
from moto.server import ThreadedMotoServer
from PIL import Image

from tests.bulk.conftest import Runs, kill, rows


@pytest.fixture
def bucket(runs: Runs) -> Iterator[Any]:
    """A client of moto's server with the bucket `photos`, whose address the runs have."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    access = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    runs.environment.update(access)
    reset = f"{access['AWS_ENDPOINT_URL']}/moto-api/reset"  # all servers of a process share their buckets
    httpx.post(reset).raise_for_status()
    client = boto3.client(
        "s3",
        endpoint_url=access["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="photos")
    yield client
    server.stop()


def names(client: Any, prefix: str) -> list[str]:
    """Keys, sorted."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="photos", Prefix=prefix)
    return [row["Key"].removeprefix(prefix) for page in pages for row in page.get("Contents", [])]


@pytest.mark.parametrize("outputs", ["mask,json", "mask,coco"])
def test_from_bucket_to_bucket_with_kills(runs: Runs, bucket: Any, outputs: str) -> None:
    """A bucket that keeps all versions tells what was written twice."""
    files = sorted(runs.photos.glob("*/*.png"))[:200]
    for file in files:
        bucket.upload_file(str(file), "photos", f"in/{file.relative_to(runs.photos)}")
    bucket.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    options = ("s3://photos/in", "s3://photos/cut", "--workers", "2", "--output", outputs)
    for share in (0.15, 0.3, 0.45):
        with runs.start(*options, *(("--resume",) if share > 0.15 else ())) as process:
            while len(masks(bucket)) < share * len(files) and process.poll() is None:
                time.sleep(0.1)
            kill(process)
    finished = len(masks(bucket))
    assert len(files) / 3 < finished < len(files), "killed too late"
    printed = runs.finish(*options, "--resume")
    assert f"{len(files)} of {len(files)} written" in printed
    before = re.search(r"(\d+) of them before", printed)
    assert before and finished - 10 <= int(before[1]) <= finished + 10
    runs.finish("s3://photos/in", runs.folder / "whole", "--workers", "2", "--output", outputs)
    results = [path for path in (runs.folder / "whole").rglob("*") if path.is_file()]
    assert names(bucket, "cut/") == sorted(str(path.relative_to(runs.folder / "whole")) for path in results)
    for file in results:
        key = f"cut/{file.relative_to(runs.folder / 'whole')}"
        if file.suffix != ".parquet":
            assert bucket.get_object(Bucket="photos", Key=key)["Body"].read() == file.read_bytes()
    bucket.download_file("photos", "cut/manifest.parquet", str(runs.folder / "manifest.parquet"))
    assert rows(runs.folder) == rows(runs.folder / "whole")
    written = versions(bucket, "cut/")
    assert {name for name in results_of(outputs, written) if written[name] > 1} == set()


def masks(client: Any) -> list[str]:
    """Of all photos that have one."""
    return [name for name in names(client, "cut/") if name.endswith(".png")]


def versions(client: Any, prefix: str) -> Counter[str]:
    """How often each object was written."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket="photos", Prefix=prefix)
    return Counter(row["Key"].removeprefix(prefix) for page in pages for row in page.get("Versions", []))


def results_of(outputs: str, names: Iterable[str]) -> list[str]:
    """The last result of each photo: where it is, the photo is finished."""
    last = ".json" if outputs.endswith("json") else ".png"
    return [name for name in names if name.endswith(last) and name[:3].isdecimal()]


def test_label_studio_reads_what_is_written_for_it(runs: Runs) -> None:
    folder = runs.photos / "000"
    runs.finish(folder, runs.folder, "--output", "labels,label-studio")
    interface = LabelInterface((runs.folder / "label-studio.xml").read_text())
    tasks = json.loads((runs.folder / "label-studio.json").read_text())
    assert len(tasks) == len(list(folder.iterdir()))
    names_of_labels = list(interface.get_control("part").labels)
    for number, task in enumerate(tasks[:10]):
        # Its check of a task with predictions raises a TypeError, and its check of regions refuses this brush stroke
        assert interface.validate_task({"data": task["data"]})
        with Image.open(runs.folder / f"{number:06d}.png") as picture:
            labels = np.asarray(picture)
        painted = np.zeros_like(labels)
        (prediction,) = task["predictions"]
        for region in prediction["result"]:
            assert interface.get_control(region["from_name"]).to_name == [region["to_name"]]
            values = decode_rle(region["value"]["rle"]).reshape(*labels.shape, 4)
            assert (values == values[:, :, :1]).all()
            (name,) = region["value"]["brushlabels"]
            painted[values[:, :, 0] > 0] = 1 + names_of_labels.index(name)
        assert (painted == labels).all()


def test_one_bucket_object_to_one_file(runs: Runs, bucket: Any, tmp_path: Path) -> None:
    bucket.upload_file(str(next(runs.photos.glob("*/*.png"))), "photos", "one/photo")
    runs.finish("s3://photos/one/photo", tmp_path / "mask.png")
    assert (tmp_path / "mask.png").is_file()
    runs.finish("s3://photos/one/photo", "s3://photos/out/mask.png")
    assert names(bucket, "out/") == ["mask.png"]
