"""Bundles in an S3 bucket: brought into a local cache, verified and put in place at once; and published there."""

import fcntl
import hashlib
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import structlog
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from ml_core.bundle import CARD, GOLDEN, GOLDEN_LABELS, MODEL, Bundle, BundleError, sha256_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = structlog.get_logger(__name__)

FETCHED = {MODEL, CARD, GOLDEN, GOLDEN_LABELS}
"""Files of a bundle that serving needs; weights.npz stays in the bucket."""

PUBLISHED = (MODEL, GOLDEN, GOLDEN_LABELS, "weights.npz", "figures.png", "README.md", CARD)
"""In this order: a reader takes no bundle without its model.json, and no model.onnx but the one it names."""

S3Error = (BotoCoreError, ClientError, S3UploadFailedError)


def fetch_bundles(url: str, cache: Path) -> dict[str, Path]:
    """Bring the bundles under s3://bucket/prefix into the cache; verified ones take their place at once.

    Those that are gone from the bucket go from the cache. Where the bucket cannot be reached, has none any more, or one
    is broken, the version already in the cache stays.
    Raises ImproperlyConfigured where nothing is left to serve.
    """
    store = cache / hashlib.sha256(url.encode()).hexdigest()[:16]
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (store / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            problem = _fetch_all(url, store)
    except OSError as error:
        raise ImproperlyConfigured(f"MODELS_CACHE: {cache}: {error.strerror or error}") from None
    found = {card.parent.parent.name: card.parent for card in sorted(store.glob(f"*/[!.]*/{CARD}"))}
    if problem and not found:
        raise ImproperlyConfigured(f"MODELS_DIR: {problem}")
    return found


def publish_bundle(folder: Path, url: str) -> Iterator[tuple[str, bool]]:
    """Upload a bundle to s3://bucket/prefix/<folder's name>/, model.json last; files that are there are left alone.

    Yields each file's s3:// address and whether it had to be uploaded. The caller has verified the bundle.
    Raises one of S3Error.
    """
    bucket, prefix = split(url)
    client = make_client()
    client.list_objects_v2(Bucket=bucket, MaxKeys=1)  # names a missing bucket, which HEAD does not
    for file in PUBLISHED:
        if not (folder / file).is_file():
            continue
        key, digest = f"{prefix}{folder.name}/{file}", sha256_of(folder / file)
        new = _published_digest(client, bucket, key) != digest
        if new:
            client.upload_file(str(folder / file), bucket, key, ExtraArgs={"Metadata": {"sha256": digest}})
        yield f"s3://{bucket}/{key}", new


def split(url: str) -> tuple[str, str]:
    """s3://bucket/some/prefix -> ("bucket", "some/prefix/"); the prefix may be empty."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def make_client() -> "S3Client":
    """Gives up on an address that does not answer after half a minute, not after botocore's five."""
    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4})
    return boto3.client("s3", config=patience)


def _published_digest(client: "S3Client", bucket: str, key: str) -> str | None:
    """What `publish_bundle` noted of the object, or None."""
    try:
        return client.head_object(Bucket=bucket, Key=key)["Metadata"].get("sha256")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise


def _fetch_all(url: str, store: Path) -> str | None:
    """The last thing that went wrong; it is logged."""
    problem = None
    try:
        client = make_client()
        listed = _list(client, url)
        for name, files in listed.items():
            try:
                _fetch(client, url, name, files, store / name)
            except BundleError as error:
                problem = str(error)
                logger.error("model_refused", model=name, reason=problem)
        gone = [home for home in store.glob("[!.]*") if home.name not in listed]
        for home in gone if listed else ():  # an empty listing is more likely a wrong prefix
            shutil.rmtree(home)
            logger.info("model_gone", model=home.name, models_dir=url)
    except (BotoCoreError, ClientError) as error:
        problem = f"{url} cannot be read: {error}"
        logger.error("models_not_fetched", models_dir=url, reason=str(error))
    return problem


def _list(client: "S3Client", url: str) -> dict[str, dict[str, str]]:
    """Bundle name -> file name -> ETag, of whole bundles only."""
    bucket, prefix = split(url)
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for row in page.get("Contents", []):
            name, _, file = row["Key"].removeprefix(prefix).partition("/")
            if file in FETCHED and name and not name.startswith("."):
                found[name][file] = row["ETag"]
    return {name: files for name, files in found.items() if CARD in files}


def _fetch(client: "S3Client", url: str, name: str, files: dict[str, str], home: Path) -> None:
    """Download one bundle to home/<fingerprint>, unless it is there; other versions go when this one is good.

    Raises BundleError for one that is not whole or not what its model.json says.
    """
    bucket, prefix = split(url)
    version = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    if (home / version).is_dir():
        return
    home.mkdir(exist_ok=True)
    for left in home.glob(".*"):  # of a process that was killed; we hold the lock
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".", dir=home) as work:
        new = Path(work) / name
        new.mkdir()
        for file in files:
            client.download_file(bucket, f"{prefix}{name}/{file}", str(new / file))
        try:
            Bundle.load(new)
        except BundleError as error:
            raise BundleError(str(error).replace(str(new), f"s3://{bucket}/{prefix}{name}")) from None
        old = list(home.glob("[!.]*"))
        new.rename(home / version)
        for folder in old:
            shutil.rmtree(folder)
