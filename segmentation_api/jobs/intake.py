"""From a request to a queued job: room is reserved first, the body goes to disk, then it is looked at."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import UnreadablePostError
from django.utils import timezone
from multipart import MultipartError, MultipartSegment, PushMultipartParser
from rest_framework.exceptions import ParseError

from segmentation_api.database import give_back_connection
from segmentation_api.errors import Problem, invalid, too_large
from segmentation_api.jobs.archive import image_names
from segmentation_api.jobs.callbacks import check_url
from segmentation_api.jobs.models import Job, State, expiry, lock_quotas
from segmentation_api.jobs.serializers import JobSerializer
from segmentation_api.jobs.stores import NAMES
from segmentation_api.jobs.work import NO_SPACE, stored
from segmentation_api.parsers import (
    HEADER_CHARSET,
    READ_BYTES,
    boundary_of,
    is_file,
    malformed_form,
    name_of,
    text_too_large,
    too_many_parts,
)
from segmentation_api.services import SegmentOptions, resolve

SERIALIZER = JobSerializer()
FIELD_BYTES = 64 << 10
"""Of all text in a form, or of a JSON body."""
ZIPS = ("application/zip", "application/x-zip-compressed", "application/octet-stream")
Fields = dict[str, list[Any]]


def take_in(owner: str, stream: Any, content_type: str, length: int, query: Fields) -> Job:
    """A queued job for one request. Raises Problem and ParseError; then nothing of it is left."""
    if length > settings.JOB_BYTES + FIELD_BYTES:
        raise too_large(settings.JOB_BYTES)
    kind = content_type.partition(";")[0].strip().lower()
    with reserved(
        owner, FIELD_BYTES if kind == "application/json" else min(length, settings.JOB_BYTES)
    ) as job:
        give_back_connection()
        with upload_errors():
            job.folder.mkdir(mode=0o700, parents=True)
            fields = receive(stream, kind, content_type, job.archive)
            checked = check({**fields, **query}, job.archive.exists())
            names = image_names(job.archive) if job.archive.exists() else []
            if names:
                (job.folder / NAMES).write_text(json.dumps(names))
        fill(job, checked, len(names))
        with transaction.atomic():
            job.save(force_update=True)
            job.enqueue(state=State.UPLOADING)
        job.refresh_from_db()
    return job


@contextmanager
def reserved(owner: str, size: int) -> Iterator[Job]:
    """A job that holds `size` bytes while they arrive, gone again if the block fails. Raises Problem (429, 503)."""
    lease = timezone.now() + timedelta(seconds=settings.BODY_TIMEOUT + settings.JOB_LEASE)
    job = Job(owner=owner, bytes=size, expires_at=expiry(), lease_until=lease)
    with transaction.atomic():
        lock_quotas()
        check_quotas(owner, size)
        job.save(force_insert=True)
    try:
        yield job
    except BaseException:
        job.remove()
        raise


def check_quotas(owner: str, size: int) -> None:
    """Raises Problem where another job would be one too many, or its bytes too many."""
    kept = Job.objects.exclude(state=State.CANCELLED)
    if owner:
        own = kept.filter(owner=owner)
        if own.count() >= settings.JOBS_PER_KEY or stored(own) + size > settings.JOBS_BYTES_PER_KEY:
            detail = (
                "This key has too many jobs, or they hold too many bytes: delete those you no longer need."
            )
            raise Problem(429, "quota_exceeded", detail, headers={"Retry-After": "60"}, close=True)
    if kept.count() >= settings.JOBS_TOTAL or stored(kept) + size > settings.JOBS_BYTES:
        detail = "There is no room for another job now."
        raise Problem(503, "jobs_full", detail, headers={"Retry-After": "60"}, close=True)


def receive(stream: Any, kind: str, content_type: str, archive: Path) -> Fields:
    """Write a zip to `archive`; the values of all other fields."""
    if kind in ZIPS:
        with archive.open("xb") as file:
            copy(stream, file)
        return {}
    if kind == "multipart/form-data":
        return receive_form(stream, content_type, archive)
    if kind == "application/json":
        return receive_json(stream)
    detail = (
        "/api/jobs/ takes a zip (application/zip), multipart/form-data with a file field `archive`, or JSON."
    )
    raise Problem(415, "unsupported_media_type", detail, close=True)


def copy(stream: Any, file: Any) -> None:
    """Raises Problem (413) for more than JOB_BYTES."""
    left = settings.JOB_BYTES
    while block := stream.read(READ_BYTES):
        left -= len(block)
        if left < 0:
            raise too_large(settings.JOB_BYTES)
        file.write(block)


def receive_json(stream: Any) -> Fields:
    """The members of a small object."""
    body = stream.read(FIELD_BYTES + 1)
    if len(body) > FIELD_BYTES:
        raise too_large(FIELD_BYTES)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ParseError("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    return {name: [one] for name, one in value.items()}


def receive_form(stream: Any, content_type: str, archive: Path) -> Fields:
    """The one file goes to `archive` as it arrives; text fields are returned."""
    fields: Fields = {}
    text = size = parts = 0
    limit = settings.JOB_BYTES + FIELD_BYTES
    file: Any = None
    try:
        with PushMultipartParser(boundary_of(content_type), limit, header_charset=HEADER_CHARSET) as parser:
            for event in parser.parse_blocking(stream.read, READ_BYTES):
                if isinstance(event, MultipartSegment):
                    parts += 1
                    if parts > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
                        raise too_many_parts(f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} fields")
                    name = name_of(event)
                    value = b""
                    if is_file(event):
                        if name != "archive":
                            raise invalid(
                                name[:50], "is not a field for files; a zip of photos goes into `archive`"
                            )
                        if archive.exists():
                            raise invalid("archive", "must be the one file")
                        file = archive.open("xb")
                elif event is None and file is not None:
                    file.close()
                    file = None
                elif event is None:
                    fields.setdefault(name, []).append(value.decode("utf-8", "replace"))
                elif file is not None:
                    size += len(event)
                    if size > settings.JOB_BYTES:
                        raise too_large(settings.JOB_BYTES)
                    file.write(event)
                else:
                    text += len(event)
                    if text > FIELD_BYTES:
                        raise text_too_large(FIELD_BYTES)
                    value += bytes(event)
    except MultipartError:
        raise malformed_form() from None
    finally:
        if file is not None:
            file.close()
    return fields


def check(given: Fields, archive: bool) -> dict[str, Any]:
    """The checked options. Raises ValidationError and Problem (400)."""
    if "archive" in given:
        raise invalid(
            "archive", "must be a file (a part with a file name or the Content-Type application/zip)"
        )
    checked: dict[str, Any] = SERIALIZER.run_validation(given)
    source, target = checked.get("source", ""), checked.get("target", "")
    if archive == bool(source):
        raise invalid("source", "give either a zip or `source`")
    if bool(source) != bool(target):
        raise invalid("target", "goes with `source`, and `source` with it")
    if source and (source.startswith(target) or target.startswith(source)):
        raise invalid("target", "must not be within `source`, nor `source` within it")
    if callback := checked.get("callback"):
        check_url(callback)
    return checked


def fill(job: Job, checked: Mapping[str, Any], total: int) -> None:
    """The job as it was asked for. Raises Problem for an unknown model or class."""
    options = dict(checked)
    job.source, job.target = options.pop("source", ""), options.pop("target", "")
    job.callback = options.pop("callback", "")
    resolve(SegmentOptions(**{**options, "output": None}))
    job.options = {name: list(v) if isinstance(v, tuple) else v for name, v in options.items()}
    job.total = total
    job.bytes = sum(file.stat().st_size for file in job.folder.iterdir())


@contextmanager
def upload_errors() -> Iterator[None]:
    """What goes wrong while a body is read and written, as Problem."""
    try:
        yield
    except UnreadablePostError as error:
        if isinstance(error.__cause__, TimeoutError):
            raise Problem(408, "upload_timeout", "The upload took too long.", close=True) from None
        raise Problem(
            400,
            "malformed_body",
            "The body broke off, is malformed, or comes in chunks that are too small.",
            close=True,
        ) from None
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise Problem(507, "disk_full", "There is no room for the upload.", close=True) from None
