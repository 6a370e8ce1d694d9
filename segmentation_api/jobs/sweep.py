"""What a worker does beside its work, every few seconds: take over what died, remove what expired, call back again."""

import threading
from contextlib import suppress
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from segmentation_api.jobs.models import ENDED, Job, State
from segmentation_api.startup import run_dir

logger = structlog.get_logger(__name__)

GRACE = timedelta(seconds=5)
"""Between a worker's last word on a job and the end of its task."""
SWEPT = "swept"


def sweep() -> None:
    """Once; several workers may do so at the same time."""
    take_over()
    remove_expired()
    call_back()
    prune_tasks()


def take_over() -> None:
    """Queue jobs anew whose worker died, in the job or between taking its task and taking the job."""
    now = timezone.now()
    stale = now - timedelta(seconds=settings.JOB_LEASE)
    alive = DBTaskResult.objects.filter(
        Q(status=TaskResultStatus.READY) | Q(status=TaskResultStatus.RUNNING, started_at__gt=stale)
    )
    dead = Q(state=State.RUNNING, lease_until__lt=now)
    never_begun = Q(state=State.QUEUED) & ~Q(task_id__in=alive.values("id"))
    for job in Job.objects.filter(dead | never_begun):
        task_id = job.task_id
        if job.enqueue(state=job.state, task_id=task_id, lease_until=job.lease_until) and task_id:
            DBTaskResult.objects.filter(id=task_id, status=TaskResultStatus.RUNNING).update(
                status=TaskResultStatus.FAILED, finished_at=now
            )
            logger.warning("job_taken_over", job=str(job), state=job.state, done=job.done)


def remove_expired() -> None:
    """Files and rows of jobs past their time, of broken uploads, and of cancelled jobs that their worker let go."""
    now = timezone.now()
    for job in Job.objects.filter(state=State.CANCELLED, lease_until__lt=now - GRACE):
        job.remove_files()
        job.delete_rows(running=True)
    expired = Q(state__in=(State.QUEUED, *ENDED), expires_at__lt=now)
    broken_off = Q(state=State.UPLOADING, lease_until__lt=now)
    for job in Job.objects.filter(expired | broken_off):
        job.remove()
        logger.info("job_removed", job=str(job), state=job.state)
    for job in Job.objects.filter(state=State.FAILED):  # of a worker that died just then
        if job.folder.exists():
            job.remove_files()


def call_back() -> None:
    """Queue callbacks that are due; the time set here is when to try again if that worker dies.

    One at a time for each job: while all workers are busy, tries would pile up, and be made all at once.
    """
    from segmentation_api.jobs.tasks import notify

    now = timezone.now()
    later = now + timedelta(seconds=settings.JOB_LEASE)
    waiting = DBTaskResult.objects.filter(status=TaskResultStatus.READY, task_path=notify.module_path)
    for job in Job.objects.filter(state__in=ENDED, callback_due__lt=now):
        if waiting.filter(args_kwargs={"args": [str(job.pk)], "kwargs": {}}).exists():
            continue
        with transaction.atomic():
            due = Job.objects.filter(pk=job.pk, callback_due=job.callback_due)
            if due.update(callback_due=later):
                notify.enqueue(str(job.pk))


def prune_tasks() -> None:
    """Rows of tasks that are over, or whose worker must have died: no job runs longer than JOB_SECONDS."""
    now = timezone.now()
    over = Q(status__in=(TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED), finished_at__lt=now - GRACE)
    longest = timedelta(seconds=settings.JOB_SECONDS + 2 * settings.JOB_LEASE)
    dead = Q(status=TaskResultStatus.RUNNING, started_at__lt=now - longest)
    DBTaskResult.objects.filter(over | dead).delete()


class Sweeper(threading.Thread):
    """Sweeps as long as the worker lives, also while it works at a job; the file SWEPT in RUN_DIR tells when."""

    def __init__(self) -> None:
        super().__init__(name="sweeper", daemon=True)
        self.seconds = min(10.0, settings.JOB_LEASE / 4)
        self.stopping = threading.Event()

    def run(self) -> None:
        """An error now, such as of the database, is no reason not to try again."""
        while not self.stopping.wait(self.seconds):
            try:
                sweep()
                with suppress(ImproperlyConfigured, OSError):
                    (run_dir() / SWEPT).touch()
            except Exception as error:
                logger.error("sweep_failed", reason=type(error).__name__)
                connection.close()
