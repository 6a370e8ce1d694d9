"""Fixtures: a service with jobs, and a worker in this process."""

import io
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from segmentation_api.jobs.callbacks import deliver
from segmentation_api.jobs.models import Job
from segmentation_api.jobs.work import work
from tests.conftest import _service, encode, face, log, models_dir, photo, run_dir, start_server

__all__ = ["_service", "encode", "face", "log", "models_dir", "photo", "run_dir", "start_server"]


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with these entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return target.getvalue()


@pytest.fixture(autouse=True)
def jobs_dir(settings: Any, tmp_path: Path) -> Path:
    """JOBS_DIR."""
    settings.JOBS_DIR = tmp_path / "jobs"
    return tmp_path / "jobs"


@pytest.fixture
def photos(photo: bytes) -> dict[str, bytes]:
    """Three photos, one of them none."""
    return {"a.png": photo, "sub/b.png": photo, "sub/broken.jpg": b"no photo"}


@pytest.fixture
def post(client: Client, photos: dict[str, bytes]) -> Callable[..., Any]:
    """POST /api/jobs/ with a zip as the body; keywords are query parameters."""

    def posted(
        body: bytes | None = None, *, content_type: str = "application/zip", key: str = "", **query: Any
    ) -> Any:
        headers = {"Authorization": f"Api-Key {key}"} if key else {}
        return client.post(
            "/api/jobs/",
            zip_of(photos) if body is None else body,
            content_type=content_type,
            query_params={"faces": "whole", **query},
            headers=headers,
        )

    return posted


def run_tasks(*, stopping: bool = False, most: int = 1000) -> int:
    """As db_worker does, in this process; how many tasks there were."""
    count = 0
    while count < most and (task := DBTaskResult.objects.ready().first()):
        count += 1
        task.claim("test")
        (job_id,) = task.args_kwargs["args"]
        if task.task_path.endswith("notify"):
            deliver(job_id)
        else:
            event = threading.Event()
            if stopping:
                event.set()
            work(job_id, str(task.id), event)
        DBTaskResult.objects.filter(pk=task.pk).update(status=TaskResultStatus.SUCCESSFUL)
        if stopping:
            break
    return count


def only_job() -> Job:
    """The one there is."""
    return Job.objects.get()
