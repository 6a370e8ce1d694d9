"""Bundles in an S3 bucket, brought into a local cache: verified, and put in place at once."""

import fcntl
import hashlib
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import boto3
import structlog
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from ml_core.bundle import CARD, GOLDEN, GOLDEN_LABELS, MODEL, Bundle, BundleError

logger = structlog.get_logger(__name__)

FETCHED = {MODEL, CARD, GOLDEN, GOLDEN_LABELS}
"""Files of a bundle that serving needs; weights.npz stays in the bucket."""


def fetch_bundles(url: str, cache: Path) -> dict[str, Path]:
    """Bring the bundles under s3://bucket/prefix into the cache; verified ones take their place at once.

    Where the bucket cannot be reached or a bundle is broken, the version already in the cache stays.
    """
    store = cache / hashlib.sha256(url.encode()).hexdigest()[:16]
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (store / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for name, files in _list(url).items():
                _fetch(url, name, files, store / name)
        except (BotoCoreError, ClientError) as error:
            logger.error("models_not_fetched", models_dir=url, reason=str(error))
            if not any(store.glob(f"*/*/{CARD}")):
                raise ImproperlyConfigured(f"MODELS_DIR: {url} cannot be read: {error}") from None
    return {
        folder.parent.name: folder for folder in sorted(store.glob("*/[!.]*")) if (folder / CARD).is_file()
    }


def _split(url: str) -> tuple[str, str]:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def _list(url: str) -> dict[str, dict[str, str]]:
    """Bundle name -> file name -> ETag, of whole bundles only."""
    bucket, prefix = _split(url)
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for page in boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for row in page.get("Contents", []):
            name, _, file = row["Key"].removeprefix(prefix).partition("/")
            if file in FETCHED and not name.startswith("."):
                found[name][file] = row["ETag"]
    return {name: files for name, files in found.items() if CARD in files}


def _fetch(url: str, name: str, files: dict[str, str], home: Path) -> None:
    """Download one bundle to home/<fingerprint>, unless it is there; other versions go when this one is good."""
    bucket, prefix = _split(url)
    version = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    if (home / version).is_dir():
        return
    home.mkdir(exist_ok=True)
    client = boto3.client("s3")
    with tempfile.TemporaryDirectory(prefix=".", dir=home) as work:
        for file in files:
            client.download_file(bucket, f"{prefix}{name}/{file}", str(Path(work) / file))
        try:
            Bundle.load(work)
        except BundleError as error:
            logger.error("model_refused", model=name, reason=str(error))
            return
        old = [folder for folder in home.iterdir() if not folder.name.startswith(".")]
        shutil.copytree(work, home / f".{version}")
        (home / f".{version}").rename(home / version)
        for folder in old:
            shutil.rmtree(folder)
