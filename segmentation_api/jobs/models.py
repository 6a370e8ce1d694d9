"""A job as the database has it, and who works on it.

A worker holds a job by its lease, which it renews as it goes on. `task_id` is the fencing token: whoever takes a job
over sets a new one, and every write of a worker is conditional on its own, so one that lost its lease changes nothing.
"""

import shutil
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from segmentation_api.services import SegmentOptions

ARCHIVE = "photos.zip"
GONE = ".gone"


class State(models.TextChoices):
    """From the upload to its end; `cancelled` lasts until its worker has let go, and is not shown."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


SHOWN = (State.QUEUED, State.RUNNING, State.DONE, State.FAILED)
ENDED = (State.DONE, State.FAILED)


class Job(models.Model):
    """What a client asked for, how far it is, and until when it is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=16, blank=True, db_index=True)
    """Public prefix of the API key; empty without one: then whoever knows the id has the job."""
    state = models.CharField(max_length=9, choices=State, default=State.UPLOADING, db_index=True)
    options = models.JSONField(default=dict)
    source = models.CharField(max_length=1024, blank=True)
    target = models.CharField(max_length=1024, blank=True)
    callback = models.CharField(max_length=1024, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    lease_until = models.DateTimeField(null=True)
    """Of the upload, or of the worker."""
    task_id = models.UUIDField(null=True)

    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    """Images with a result or an error; `failed` of them with an error."""
    failed = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    """On disk: the archive until the job ends, and results."""
    begun_with = models.IntegerField(default=-1)
    """How many images were done when the present worker began; `strikes` workers in a row added none."""
    strikes = models.PositiveSmallIntegerField(default=0)

    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    callback_due = models.DateTimeField(null=True, db_index=True)
    """When to call back, or to try again; null: not to be called, or over."""
    callback_tries = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        """For the log: in an open service the whole id is all it takes to see a job."""
        return str(self.id)[:8]

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return Path(settings.JOBS_DIR) / str(self.id)

    @property
    def archive(self) -> Path:
        """The zip that was uploaded."""
        return self.folder / ARCHIVE

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of each image."""
        return tuple(self.options["output"])

    @property
    def asked(self) -> SegmentOptions:
        """How each image is parsed."""
        given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in self.options.items()}
        given["output"] = None
        return SegmentOptions(**given)

    def mine(self, task_id: str) -> "models.QuerySet[Job]":
        """This job while the worker with that task holds it, else nothing."""
        return Job.objects.filter(pk=self.pk, task_id=task_id, state=State.RUNNING)

    def enqueue(self, **conditions: Any) -> bool:
        """Queue a new task for this job, which makes the old one void. False if `conditions` no longer hold."""
        from segmentation_api.jobs.tasks import run_job  # which imports this module

        with transaction.atomic():
            task = run_job.enqueue(str(self.pk))
            changed = Job.objects.filter(pk=self.pk, **conditions).update(
                state=State.QUEUED, task_id=task.id, lease_until=None, expires_at=expiry()
            )
            if not changed:
                transaction.set_rollback(True)
        return bool(changed)

    def set_aside(self) -> Path:
        """Rename its folder, so that a worker that writes there can make no further file; returns the new place."""
        gone = self.folder.with_name(f"{self.pk}{GONE}")
        with suppress(OSError):
            self.folder.rename(gone)
        return gone

    def remove_files(self) -> None:
        """Its folder, also while a worker writes there."""
        shutil.rmtree(self.set_aside(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove(self) -> None:
        """Files and rows. A running job leaves an empty row until its worker's lease is over."""
        self.set_aside()
        blank: dict[str, Any] = {
            "options": {},
            "source": "",
            "target": "",
            "callback": "",
            "callback_due": None,
        }
        cancelled = Job.objects.filter(pk=self.pk, state=State.RUNNING).update(
            state=State.CANCELLED, owner="", bytes=0, error_detail="", **blank
        )
        self.remove_files()
        if not cancelled:
            self.delete_rows()

    def delete_rows(self, *, running: bool = False) -> None:
        """The row and those of its tasks; of tasks that are `running` only once their worker cannot need them."""
        tasks = DBTaskResult.objects.filter(args_kwargs={"args": [str(self.pk)], "kwargs": {}})
        (tasks if running else tasks.exclude(status=TaskResultStatus.RUNNING)).delete()
        Job.objects.filter(pk=self.pk).delete()


def lease() -> datetime:
    """The end of a lease taken now."""
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE)


def expiry() -> datetime:
    """The end of what is kept from now on."""
    return timezone.now() + timedelta(seconds=settings.JOB_KEEP)


def lock_quotas() -> None:
    """Until the transaction ends, nobody else adds a job. SQLite's write transactions exclude each other anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [0x6A6F6273])  # "jobs"
