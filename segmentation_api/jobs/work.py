"""The work of a job: image by image, each result written whole, so that whoever takes the job over goes on there."""

import errno
import threading
import time
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from segmentation_api.errors import problem_of
from segmentation_api.jobs.image import parse
from segmentation_api.jobs.models import Job, State, expiry, lease
from segmentation_api.jobs.stores import JobFailed, Store, files_lost, open_store
from segmentation_api.services import resolve

logger = structlog.get_logger(__name__)

MOST_STRIKES = 5
"""So many workers in a row may die at one image; then it is left out."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "There is no more room for results."


class Lost(Exception):
    """Another worker has the job, or it was cancelled."""


def work(job_id: str, task_id: str, stopping: threading.Event) -> None:
    """Do the job, unless another task has taken its place. Errors of the database end the worker."""
    job = claim(job_id, task_id)
    if job is None:
        return
    logger.info("job_started", job=str(job), done=job.done, total=job.total)
    try:
        Worker(job, task_id, stopping).run()
    except DatabaseError:
        raise
    except Exception as error:
        if not isinstance(error, Lost) and job.mine(task_id).exists():
            fail(job, task_id, error)
            return
        # Whatever went wrong, such as files that are gone: it is no longer ours
        cancelled = Job.objects.filter(pk=job.pk, task_id=task_id, state=State.CANCELLED)
        cancelled.update(lease_until=timezone.now())
        logger.info("job_lost", job=str(job))


def claim(job_id: str, task_id: str) -> Job | None:
    """Take the lease of a queued job. None if this task is no longer the job's."""
    job = Job.objects.filter(pk=job_id, task_id=task_id, state=State.QUEUED).first()
    if job is None:
        return None
    done = len(list(job.folder.glob("*.row")))
    changed = Job.objects.filter(pk=job.pk, task_id=task_id, state=State.QUEUED).update(
        state=State.RUNNING,
        lease_until=lease(),
        started_at=Coalesce("started_at", timezone.now()),
        strikes=job.strikes + 1 if done == job.begun_with else 0,
        begun_with=done,
    )
    job.refresh_from_db()
    return job if changed else None


class Worker:
    """One worker's hold of a job."""

    def __init__(self, job: Job, task_id: str, stopping: threading.Event) -> None:
        self.job, self.task_id, self.stopping = job, task_id, stopping
        self.beaten = 0.0

    def run(self) -> None:
        """All images that have no result yet. Raises Lost and JobFailed."""
        job = self.job
        resolve(job.asked)
        store = open_store(job)
        names = store.names()
        job.total = len(names)
        self.beat(store)
        for index, name in enumerate(names):
            if store.has(index):
                continue
            if self.stopping.is_set():
                job.enqueue(task_id=self.task_id, state=State.RUNNING)
                logger.info("job_handed_back", job=str(job))
                return
            store.keep(index, *self.parse(store, name))
            if time.monotonic() - self.beaten > min(1, settings.JOB_LEASE / 4):
                self.beat(store)
        store.finish()
        self.beat(store)
        end(job, self.task_id, state=State.DONE)

    def parse(self, store: Store, name: str) -> tuple[dict[str, bytes], dict[str, Any]]:
        """The outputs of an image and its row of the manifest."""
        if self.job.strikes >= MOST_STRIKES:
            self.job.strikes = 0
            detail = f"{MOST_STRIKES} workers died at this image."
            return {}, {"path": name, "status": "failed", "error": {"type": "worker_died", "detail": detail}}
        return parse(name, lambda: store.read(name), self.job.asked, self.job.outputs)

    def beat(self, store: Store) -> None:
        """Renew the lease and tell the progress. Raises Lost and JobFailed."""
        job = self.job
        job.done, job.failed, job.bytes = store.done, store.failed, store.bytes
        changed = job.mine(self.task_id).update(
            lease_until=lease(), total=job.total, done=job.done, failed=job.failed, bytes=job.bytes
        )
        if not changed:
            raise Lost
        self.beaten = time.monotonic()
        if job.started_at and timezone.now() - job.started_at > timedelta(seconds=settings.JOB_SECONDS):
            raise JobFailed("job_timeout", f"It took longer than {settings.JOB_SECONDS:,} s.")
        if stored(Job.objects.all()) > settings.JOBS_BYTES:
            raise JobFailed("disk_full", DISK_FULL)
        if job.owner and stored(Job.objects.filter(owner=job.owner)) > settings.JOBS_BYTES_PER_KEY:
            raise JobFailed("quota_exceeded", "This key's jobs hold too many bytes; delete some.")


def stored(jobs: Any) -> int:
    """Bytes that jobs hold on disk, or may come to hold while they are uploaded."""
    return int(jobs.aggregate(Sum("bytes"))["bytes__sum"] or 0)


def failure_of(error: Exception) -> JobFailed:
    """What the client is told."""
    if isinstance(error, JobFailed):
        return error
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return JobFailed("disk_full", DISK_FULL)
    if problem := problem_of(error):
        return JobFailed(problem.code, problem.detail)
    return JobFailed("internal_error", "Something went wrong here. The log has it.")


def fail(job: Job, task_id: str, error: Exception) -> None:
    """End with an error; nothing of the photos or results is kept."""
    failure = failure_of(error)
    if failure.code == "internal_error" and not job.folder.is_dir():
        failure = files_lost()
    if failure.code == "internal_error":
        logger.error("job_broke", job=str(job), exc_info=error)
    if failure.code == "disk_full":
        job.remove_files()  # first, for the database may need the room
    failed = {"error_code": failure.code, "error_detail": failure.detail[:500], "bytes": 0}
    if end(job, task_id, state=State.FAILED, **failed):
        job.remove_files()


def end(job: Job, task_id: str, **values: Any) -> bool:
    """The one transition to an ended state, with its callback. False if another worker has the job."""
    from segmentation_api.jobs.tasks import notify  # which imports this module

    now = timezone.now()
    due = now + timedelta(seconds=settings.JOB_LEASE) if job.callback else None
    with transaction.atomic():
        changed = job.mine(task_id).update(
            finished_at=now, expires_at=expiry(), lease_until=None, callback_due=due, **values
        )
        if changed and job.callback:
            notify.enqueue(str(job.pk))
    if changed:
        logger.info(
            "job_ended",
            job=str(job),
            **{name: str(v) for name, v in values.items() if name != "error_detail"},
        )
    return bool(changed)
