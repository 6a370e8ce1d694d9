"""What `manage.py db_worker` runs, by Django's interface for tasks."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django_tasks import TaskContext, task

from segmentation_api.jobs import callbacks
from segmentation_api.jobs.work import work

logger = structlog.get_logger(__name__)


@task(takes_context=True)
def run_job(context: TaskContext, job_id: str) -> None:
    """Parse the images of a job that have no result yet."""
    with stop_signal() as stopping:
        work(job_id, context.task_result.id, stopping)


@task(priority=10)
def notify(job_id: str) -> None:
    """Tell the client that a job has ended, before other jobs are begun."""
    callbacks.deliver(job_id)


@contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """Set by SIGTERM and SIGINT, which reach the worker's own handler as well."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: Any) -> None:
        event.set()
        before = kept[signal.Signals(number)]
        if callable(before):
            before(number, frame)

    for number in kept:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
