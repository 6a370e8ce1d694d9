"""A prefix of an S3 bucket as a place of photos or results.

boto3 rather than pyarrow.fs: it lists page by page, where pyarrow's file systems return a whole listing at once; it is
there already, for models in a bucket, and finds its credentials and endpoint as those do.
"""

import base64
import errno
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from posixpath import splitext
from typing import TYPE_CHECKING

from segmentation_api.bulk.places import HEAD, NAMED, SCRATCH, LeftOut, check_bytes, why_left_out

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LONGEST_KEY = 1024
"""Bytes, of S3."""
AT_ONCE = 16
"""Requests for many small things at once, such as the first bytes of objects whose names do not tell what they are."""
ABOUT, APART, MOST_ABOUT = "segment-images", "apart", 1900
"""The metadata of an object by which `Bucket.about` knows it, of which S3 takes 2 KB; longer ones lie apart."""


@dataclass(frozen=True)
class Bucket:
    """All objects of `bucket` whose keys begin with `prefix`, which is empty or ends with a slash."""

    bucket: str
    prefix: str
    scratch: str = SCRATCH
    threads: int = 4

    @property
    def address(self) -> str:
        """As s3://bucket/prefix/."""
        return f"s3://{self.bucket}/{self.prefix}"

    def photos(self, left_out: LeftOut, skip: str | None) -> Iterator[str]:
        """Photos by key; one page of a thousand keys is held. `skip` is an address whose objects are left alone."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for keys in self.pages():
                paths = [key for key in keys if not (skip and f"{self.address}{key}".startswith(skip))]
                odd = [
                    path for path in paths if splitext(path)[1].lower() not in NAMED or "/._" in f"/{path}"
                ]
                reasons = dict(zip(odd, pool.map(self._why, odd), strict=True))
                for path in paths:
                    if reason := reasons.get(path):
                        left_out(path, reason)
                    else:
                        yield path

    def pages(self, folder: str = "") -> Iterator[list[str]]:
        """The paths of all objects, or of a subfolder's, a thousand at a time; those of SCRATCH only by its name."""
        pages = client().get_paginator("list_objects_v2")
        with _as_os_error():
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + folder):
                keys = [row["Key"].removeprefix(self.prefix) for row in page.get("Contents", [])]
                yield [key for key in keys if not key.endswith("/") and (folder or f"{SCRATCH}/" not in key)]

    def read(self, path: str, most: int) -> bytes:
        """The object's bytes. Raises ImageTooLarge for more than `most`, unread."""
        with _as_os_error():
            found = client().get_object(Bucket=self.bucket, Key=self.prefix + path)
            with closing(found["Body"]) as body:
                check_bytes(found["ContentLength"], most)
                return body.read()

    def lines(self, path: str) -> list[bytes]:
        """Those of one of a run's own files."""
        return self._get(path).splitlines()

    def stage(self, path: str, data: bytes, about: str = "") -> str:
        """The object itself: S3 shows it once all of it is there, and `about` with it."""
        packed = base64.b64encode(zlib.compress(about.encode())).decode() if about else ""
        if len(packed) > MOST_ABOUT:
            self.stage(self._apart(path), about.encode())
            packed = APART
        if len(os.fsencode(self.prefix + path)) > LONGEST_KEY:
            raise OSError(errno.ENAMETOOLONG, "a key of S3 has 1,024 bytes at most")
        if any("\ud800" <= letter <= "\udfff" for letter in path):  # as Python has bytes that are no UTF-8
            raise OSError(errno.EILSEQ, "a key of S3 is UTF-8")
        with _as_os_error():
            metadata = {ABOUT: packed} if packed else {}
            client().put_object(Bucket=self.bucket, Key=self.prefix + path, Body=data, Metadata=metadata)
        return ""

    def about(self, path: str) -> str:
        """What the object was staged with; nothing where it was staged without, by others, or not at all."""
        from botocore.exceptions import ClientError

        with _as_os_error():
            try:
                head = client().head_object(Bucket=self.bucket, Key=self.prefix + path)
            except ClientError as error:
                if error.response["Error"]["Code"] == "404":
                    return ""
                raise
        packed = head["Metadata"].get(ABOUT, "")
        if packed == APART:
            return self._get(self._apart(path)).decode()
        return zlib.decompress(base64.b64decode(packed)).decode() if packed else ""

    def publish(self, path: str, staged: str) -> None:
        """Nothing is left to be done."""

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; those that are not there are no error."""

        def one(path: str) -> None:
            client().delete_object(Bucket=self.bucket, Key=self.prefix + path)

        with _as_os_error(), ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, paths))

    def put(self, path: str, file: Path) -> None:
        """Upload a file of any size."""
        with _as_os_error():
            client().upload_file(str(file), self.bucket, self.prefix + path)

    def fetch(self, path: str, file: Path) -> bool:
        """Download an object; false if there is none."""
        with _as_os_error():
            if not is_object(self.bucket, self.prefix + path):
                return False
            client().download_file(self.bucket, self.prefix + path, str(file))
        return True

    def _apart(self, path: str) -> str:
        """Where `about` lies that is too long for the object's metadata."""
        return f"{self.scratch}/about/{hashlib.sha256(os.fsencode(path)).hexdigest()}"

    def _why(self, path: str) -> str | None:
        try:
            return why_left_out(path, lambda: self._get(path, f"bytes=0-{HEAD - 1}"))
        except OSError as error:
            return str(error)

    def _get(self, path: str, part: str = "") -> bytes:
        from botocore.exceptions import ClientError

        with _as_os_error():
            key = self.prefix + path
            if part:
                try:
                    return client().get_object(Bucket=self.bucket, Key=key, Range=part)["Body"].read()
                except ClientError as error:
                    if error.response["Error"]["Code"] == "InvalidRange":  # of an empty object
                        return b""
                    raise
            return client().get_object(Bucket=self.bucket, Key=key)["Body"].read()


def split(url: str) -> tuple[str, str]:
    """s3://bucket/some/key -> ("bucket", "some/key")."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def is_object(bucket: str, key: str) -> bool:
    """Whether there is an object of exactly that key. Raises OSError."""
    with _as_os_error():
        found = client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return any(row["Key"] == key for row in found)


@cache
def client() -> "S3Client":
    """One a process, for all its threads. It gives up on an address that does not answer after half a minute."""
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4, "mode": "standard"}
    )
    return boto3.client("s3", config=patience)


@contextmanager
def _as_os_error() -> Iterator[None]:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, S3UploadFailedError) as error:
        raise OSError(str(error)) from None
