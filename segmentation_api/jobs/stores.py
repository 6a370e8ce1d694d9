"""Where a job's images come from and its results go: a folder of ours with the zip in it, or a bucket.

Of each image that is done the folder has a row, `000007.row`, written after its results: `000007.mask` and so on, or
objects in the bucket. An archive is never unpacked: entries are read one by one, and their names name no files here.
"""

import errno
import json
import os
import posixpath
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from segmentation_api.errors import Problem, too_large
from segmentation_api.jobs.image import SUFFIXES
from segmentation_api.jobs.models import Job
from segmentation_api.s3_bundles import make_client, split

NAMES = "names.json"
ROW = ".row"
MANIFEST = "manifest.jsonl"
S3_ERRORS = (BotoCoreError, ClientError)
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises for an entry; OSError besides, for one that would lie before the archive's beginning."""


class JobFailed(Exception):
    """The end of a job, with a stable code and a sentence for the client."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def files_lost() -> JobFailed:
    """Somebody removed them."""
    return JobFailed("files_lost", "Its files are gone.")


class Store:
    """The images of a job by index, and their results."""

    def __init__(self, job: Job) -> None:
        self.job, self.folder = job, job.folder
        if not self.folder.is_dir():
            raise files_lost()
        self.rows: dict[int, dict[str, Any]] = {}
        self.bytes = 0
        self._names: list[str] = []
        self._paths: list[str] = []
        for file in sorted(self.folder.iterdir()):
            if file.suffix == ".part":  # of a worker that was killed
                file.unlink(missing_ok=True)
                continue
            self.bytes += file.stat().st_size
            if file.suffix == ROW:
                self.rows[int(file.stem)] = json.loads(file.read_bytes())

    @property
    def done(self) -> int:
        """Images with a result or an error."""
        return len(self.rows)

    @property
    def failed(self) -> int:
        """Those with an error."""
        return sum(row["status"] != "ok" for row in self.rows.values())

    def names(self) -> list[str]:
        """Of all images; the same ones for every worker that takes the job over."""
        file = self.folder / NAMES
        if not file.exists():
            self._write(NAMES, json.dumps(self._list()).encode())
        self._names = json.loads(file.read_bytes())
        self._paths = result_paths(self._names, [self._ending(output) for output in self.job.outputs])
        return self._names

    def has(self, index: int) -> bool:
        """Whether this image is done."""
        return index in self.rows

    def keep(self, index: int, bodies: dict[str, bytes], row: dict[str, Any]) -> None:
        """Results first, then the row, each whole or not at all."""
        row["files"] = []
        for output, body in bodies.items():
            path = f"{self._paths[index]}{self._ending(output)}"
            self._put(index, output, path, body)
            row["files"].append(path)
        self._write(f"{index:06d}{ROW}", json.dumps(row, ensure_ascii=False).encode())
        self.rows[index] = row

    def read(self, name: str) -> bytes:
        """One image. Raises Problem for what is wrong with it alone, JobFailed or OSError for more."""
        raise NotImplementedError

    def finish(self) -> None:
        """All images are done: remove the photos."""
        raise NotImplementedError

    def manifest(self) -> bytes:
        """A line for each image, in order."""
        return b"".join(
            json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
            for _, row in sorted(self.rows.items())
        )

    def results(self) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of each result, and of the manifest."""
        for index, row in sorted(self.rows.items()):
            for output, path in zip(self.job.outputs, row["files"], strict=False):
                yield path, (self.folder / f"{index:06d}.{output}").read_bytes()
        yield MANIFEST, self.manifest()

    def _list(self) -> list[str]:
        raise NotImplementedError

    def _ending(self, output: str) -> str:
        """Of its files; one output alone is not named."""
        return f".{output}{SUFFIXES[output]}" if len(self.job.outputs) > 1 else SUFFIXES[output]

    def _put(self, index: int, output: str, path: str, body: bytes) -> None:
        self._write(f"{index:06d}.{output}", body)

    def _write(self, name: str, body: bytes) -> None:
        """Whole or not at all, where a process is killed; the folder is never made anew once it was removed."""
        draft = self.folder / f"{name}.{os.getpid()}.part"
        draft.write_bytes(body)
        draft.replace(self.folder / name)
        self.bytes += len(body)


class ZipStore(Store):
    """Images from the archive, results in the folder."""

    _archive: zipfile.ZipFile | None = None

    def read(self, name: str) -> bytes:
        """Never more of an entry than an upload may have, whatever its head says."""
        self._archive = self._archive or zipfile.ZipFile(self.job.archive)
        try:
            with self._archive.open(name) as entry:
                data = entry.read(settings.MAX_UPLOAD_BYTES + 1)
        except (*DAMAGED, OSError) as error:
            if (
                isinstance(error, OSError) and error.errno != errno.EINVAL
            ):  # the disk's; that one is a place before 0
                raise
            raise Problem(422, "broken_image", "The zip has it damaged.") from None
        if len(data) > settings.MAX_UPLOAD_BYTES:
            raise too_large(settings.MAX_UPLOAD_BYTES)
        return data

    def finish(self) -> None:
        """The photos go before the job is called done."""
        if self.job.archive.exists():
            self.bytes -= self.job.archive.stat().st_size
            self.job.archive.unlink()


class BucketStore(Store):
    """Images from one prefix, results to another; the folder has the rows alone."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.client = make_client()
        self.source, self.target = split(job.source), split(job.target)

    def read(self, name: str) -> bytes:
        """An object that is gone since it was listed is that image's error."""
        bucket, prefix = self.source
        try:
            found = self.client.get_object(Bucket=bucket, Key=f"{prefix}{name}")
            if found["ContentLength"] > settings.MAX_UPLOAD_BYTES:
                found["Body"].close()
                raise too_large(settings.MAX_UPLOAD_BYTES)
            return found["Body"].read()
        except S3_ERRORS as error:
            if code_of(error) in ("NoSuchKey", "404"):
                raise Problem(404, "not_found", "It is no longer in the bucket.") from None
            raise JobFailed("source_unreadable", f"{self.job.source}: {code_of(error)}") from None

    def finish(self) -> None:
        """The manifest comes last: where it is, all is."""
        self._upload(MANIFEST, self.manifest())

    def _list(self) -> list[str]:
        bucket, prefix = self.source
        names: list[str] = []
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                keys = (row["Key"].removeprefix(prefix) for row in page.get("Contents", []))
                names += [name for name in keys if not is_hidden(name)]
                if len(names) > settings.JOB_IMAGES:
                    raise JobFailed("too_many_images", f"There are more than {settings.JOB_IMAGES:,} images.")
        except S3_ERRORS as error:
            raise JobFailed("source_unreadable", f"{self.job.source}: {code_of(error)}") from None
        if not names:
            raise JobFailed("no_images", "There is no image under the prefix.")
        return names

    def _put(self, index: int, output: str, path: str, body: bytes) -> None:
        self._upload(path, body)

    def _upload(self, path: str, body: bytes) -> None:
        bucket, prefix = self.target
        try:
            self.client.put_object(Bucket=bucket, Key=f"{prefix}{path}", Body=body)
        except S3_ERRORS as error:
            raise JobFailed("target_unwritable", f"{self.job.target}: {code_of(error)}") from None


def open_store(job: Job) -> Store:
    """Raises JobFailed where its folder is gone."""
    return BucketStore(job) if job.source else ZipStore(job)


def is_hidden(name: str) -> bool:
    """Folders, and what file managers leave in archives."""
    file = name.rpartition("/")[2]
    return not file or file.startswith(".") or name.startswith("__MACOSX/")


def result_paths(names: Sequence[str], endings: Sequence[str]) -> list[str]:
    """The source tree mirrored: each image's path without suffix, or with it where two would be the same.

    With it too where a folder is called as a result with one of these `endings` would be: `a.jpg` beside `a.png/b.jpg`.
    """
    stems = [posixpath.splitext(name)[0] for name in names]
    twice = Counter(stems)
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    used: set[str] = set()
    paths = []

    def met(path: str) -> bool:
        return path in used or any(f"{path}{ending}" in folders for ending in endings)

    for index, (name, stem) in enumerate(zip(names, stems, strict=True)):
        path = name if twice[stem] > 1 or met(stem) else stem
        while met(path):
            path = f"{path}-{index}"
        used.add(path)
        paths.append(path)
    return paths


def code_of(error: Exception) -> str:
    """What S3 calls it, or what kind of failure it is."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return type(error).__name__
