"""Data sets from elsewhere, fetched once into a folder: http(s) URLs, Google Drive links, S3 objects and prefixes."""

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pooch
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import Progress

from training.archives import is_archive
from training.photos import DataError
from training.staging import making

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DRIVE_ID = re.compile(r"https://(?:drive|docs)\.google\.com/(?:file/d/|(?:open|uc)\?(?:.*&)?id=)([\w-]+)")
PAGE = (b"<!doctype html", b"<html")
THREADS = 8


def fetch(url: str, sha256: str | None, cache: Path, limit: float) -> Path:
    """The file at a URL, or the folder of an S3 prefix. Raises DataError, which says what to do.

    `limit` bounds what an S3 prefix may hold, in bytes.
    """
    if url.startswith("s3://"):
        return _from_s3(url, cache, limit)
    try:
        known = f"sha256:{sha256}" if sha256 else None
        path = Path(pooch.retrieve(direct(url), known, path=cache, progressbar=True))
    except (OSError, ValueError) as error:
        raise DataError(f"{url}: {error}") from error
    if not is_archive(path):
        with path.open("rb") as file:
            begin = file.read(65536)
        path.unlink()  # fetch it again next time
        raise DataError(_about(url, begin))
    return path


def direct(url: str) -> str:
    """Where the file itself is that a Google Drive sharing link shows; other URLs stay as they are."""
    found = DRIVE_ID.match(url)
    return (
        f"https://drive.usercontent.google.com/download?id={found[1]}&export=download&confirm=t"
        if found
        else url
    )


def _about(url: str, begin: bytes) -> str:
    """What a file is that is no archive, by its first bytes, and what to do about it."""
    if not begin.lstrip().lower().startswith(PAGE):
        return f"{url}: what was downloaded is neither a zip nor a tar archive, it begins with {begin[:40]!r}"
    if b"google" not in begin.lower() and "google.com" not in url:
        return f"{url}: what was downloaded is a web page; open it in a browser, download there, and give the path"
    reason = (
        "has too many downloads today"
        if b"quota" in begin.lower()
        else "asks for a confirmation or for a login, or the file is not shared with anyone who has the link"
    )
    return (
        f"{url}: Google Drive sent a page and not the file, it {reason}. Open the link in a browser, download the "
        "file there, and give its path"
    )


def _from_s3(url: str, cache: Path, limit: float) -> Path:
    """s3://bucket/key is that object, which is an archive; s3://bucket/prefix is the folder of all under it."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise DataError(f"{url}: not of the form s3://bucket/archive.zip or s3://bucket/folder")
    try:
        client = boto3.client(
            "s3", config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4})
        )
        rows = _rows(client, bucket, key)
        one = [row for row in rows if row["Key"] == key]
        return _objects(client, url, bucket, key, one or rows, cache, limit)
    except DataError:
        raise
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: of an address that is none
        told = " ".join(str(error).split())
        raise DataError(
            f"{url}: {told} (AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say who asks, "
            "AWS_ENDPOINT_URL where)"
        ) from error


def _rows(client: "S3Client", bucket: str, key: str) -> list[Any]:
    """The object of this key, and all under it as a folder."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    under = f"{key.rstrip('/')}/" if key else ""
    return [
        row
        for page in pages
        for row in page.get("Contents", [])
        if row["Key"] == key or (row["Key"].startswith(under) and not row["Key"].endswith("/"))
    ]


def _objects(
    client: "S3Client", url: str, bucket: str, key: str, rows: Sequence[Any], cache: Path, limit: float
) -> Path:
    """Download them, unless they are there as they are now."""
    total = sum(row["Size"] for row in rows)
    if not rows:
        raise DataError(f"{url}: there is nothing of this name")
    if total > limit:
        raise DataError(f"{url}: {total} bytes, more than the {limit:.0f} of unpack_limit_gb in config.yaml")
    tag = hashlib.sha256(repr([(row["Key"], row["ETag"]) for row in rows]).encode()).hexdigest()[:12]
    name = Path(key).name or bucket
    single = len(rows) == 1 and rows[0]["Key"] == key
    root = cache / (f"s3-{tag}" if single else f"{name}-{tag}")
    if not root.exists():
        with making(root) as part, Progress() as bar:
            task = bar.add_task(f"fetching {url}", total=total)

            def download(row: Any) -> None:
                path = part / (name if single else row["Key"].removeprefix(key.rstrip("/")).lstrip("/"))
                if not path.resolve().is_relative_to(part.resolve()):
                    raise DataError(f"{url}: the key {row['Key']} reaches outside of its folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                client.download_file(
                    bucket, row["Key"], str(path), Callback=lambda count: bar.advance(task, count)
                )

            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(download, rows))
    return root / name if single else root
