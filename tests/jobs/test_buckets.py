"""Jobs from one s3:// prefix to another, against moto."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from django.test import Client
from moto import mock_aws

from tests.jobs.conftest import run_tasks

pytestmark = pytest.mark.django_db
Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch, settings: Any, photo: bytes) -> Iterator[Any]:
    """s3://faces with photos in it; photos/ and results/ are allowed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.JOB_S3_PREFIXES = [
        "s3://faces/photos",
        "s3://faces/results/",
        "s3://missing/photos",
        "s3://missing/results",
    ]
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="faces")
        for key in ("photos/2026/a.png", "photos/2026/sub/b.png", "photos-private/c.png"):
            client.put_object(Bucket="faces", Key=key, Body=photo)
        client.put_object(Bucket="faces", Key="photos/2026/notes.txt", Body=b"text")
        client.put_object(Bucket="faces", Key="photos/2026/", Body=b"")
        yield client


def start(
    post: Post, source: Any = "s3://faces/photos/2026", target: Any = "s3://faces/results/2026", **more: Any
) -> Any:
    """POST as JSON."""
    given = {"source": source, "target": target, **more}
    return post(
        json.dumps({name: value for name, value in given.items() if value}).encode(),
        content_type="application/json",
    )


def keys(client: Any, prefix: str) -> list[str]:
    """Of all objects under it."""
    return [row["Key"] for row in client.list_objects_v2(Bucket="faces", Prefix=prefix).get("Contents", [])]


def test_the_results_lie_where_they_were_wanted(client: Client, post: Post, bucket: Any) -> None:
    response = start(post, output="labels")
    assert response.status_code == 202, response.content
    run_tasks()
    job = client.get(response["Location"]).json()
    assert (job["state"], job["progress"]) == ("done", {"total": 3, "done": 3, "failed": 1})
    assert client.get(job["result"]).json() == {
        "prefix": "s3://faces/results/2026/",
        "manifest": "s3://faces/results/2026/manifest.jsonl",
    }
    root = "results/2026/"
    assert keys(bucket, root) == [f"{root}a.png", f"{root}manifest.jsonl", f"{root}sub/b.png"]
    lines = bucket.get_object(Bucket="faces", Key=f"{root}manifest.jsonl")["Body"].read().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["a.png", "notes.txt", "sub/b.png"]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://faces/photos-private", "s3://faces/results/x"),
        ("s3://faces", "s3://faces/results/x"),
        ("s3://other/photos", "s3://faces/results/x"),
        ("s3://faces/photos/../photos-private", "s3://faces/results/x"),
        ("s3://faces/photos//x", "s3://faces/results/x"),
        ("s3://faces/photos/?versionId=1", "s3://faces/results/x"),
        ("https://faces.s3.amazonaws.com/photos", "s3://faces/results/x"),
        ("file:///etc", "s3://faces/results/x"),
        ("s3://faces/photos/x", "s3://faces/elsewhere"),
        ("s3://faces/photos/x", "s3://faces/photos/x/y"),
        ("s3://faces/photos/x", "s3://faces/photos/x"),
        ("s3://faces/photos/x/y", "s3://faces/photos/x"),
        ("s3://faces/photos/x", ""),
        ("", "s3://faces/results/x"),
        (["s3://faces/photos"], "s3://faces/results/x"),
    ],
)
def test_prefixes_that_are_not_allowed(post: Post, source: Any, target: Any) -> None:
    answer = start(post, source, target)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request"), answer.content


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("s3://missing/photos", "s3://faces/results/x", "source_unreadable"),
        ("s3://faces/photos/none", "s3://faces/results/x", "no_images"),
        ("s3://faces/photos/2026", "s3://missing/results/x", "target_unwritable"),
    ],
)
def test_what_is_wrong_with_a_bucket_is_the_jobs_error(
    client: Client, post: Post, source: str, target: str, code: str
) -> None:
    job = start(post, source, target)["Location"]
    run_tasks()
    found = client.get(job).json()
    assert (found["state"], found["error"]["type"]) == ("failed", code)


def test_more_images_than_a_job_may_have(client: Client, post: Post, settings: Any) -> None:
    settings.JOB_IMAGES = 2
    job = start(post)["Location"]
    run_tasks()
    assert client.get(job).json()["error"]["type"] == "too_many_images"


def test_too_large_an_object_is_a_row(client: Client, post: Post, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    job = start(post)["Location"]
    run_tasks()
    assert client.get(job).json()["progress"] == {"total": 3, "done": 3, "failed": 3}
