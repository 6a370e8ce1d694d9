"""Who sees a job, how long it is kept, and that nothing of it is left."""

import errno
import io
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from rest_framework_api_key.models import APIKey

from segmentation_api.jobs import work as work_module
from segmentation_api.jobs.metrics import jobs_page
from segmentation_api.jobs.models import Job, State
from segmentation_api.jobs.stores import Store
from segmentation_api.jobs.sweep import sweep
from segmentation_api.throttles import AddressThrottle
from tests.jobs.conftest import only_job, run_tasks, zip_of
from tests.jobs.test_jobs import assert_nothing_is_left

pytestmark = pytest.mark.django_db
Post = Callable[..., Any]


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clock of jobs run ahead."""
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=seconds))


def claimed() -> Any:
    """The next task, as taken by a worker that then died."""
    task = DBTaskResult.objects.ready().first()
    assert task is not None
    task.claim("dead")
    return task


def test_keys_see_their_own_jobs_alone(client: Client, post: Post) -> None:
    keys = [APIKey.objects.create_key(name="test")[1] for _ in range(2)]
    own, other = ({"Authorization": f"Api-Key {key}"} for key in keys)
    job = post(key=keys[0])["Location"]
    run_tasks()
    for path in (job, f"{job}result/"):
        assert client.get(path, headers=own).status_code == 200
        assert client.get(path, headers=other).json()["type"] == "not_found"
        assert client.get(path).status_code == 401
    assert client.delete(job, headers=other).status_code == 404
    assert client.delete(job, headers=own).status_code == 204
    assert client.get(job, headers=own).status_code == 404


def test_no_id_can_be_guessed_at(client: Client) -> None:
    for path in ("/api/jobs/1/", "/api/jobs/00000000-0000-4000-8000-000000000000/"):
        assert client.get(path, headers={"Accept": "text/html"}).json()["type"] == "not_found"
    assert client.get("/api/jobs/").json()["type"] == "method_not_allowed"


@pytest.mark.parametrize("when", ["queued", "running", "done", "failed"])
def test_nothing_is_left_of_a_deleted_job(
    client: Client, post: Post, jobs_dir: Path, when: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    job = post()["Location"]
    if when == "running":
        claimed()
        Job.objects.update(state=State.RUNNING, lease_until=timezone.now())
    elif when == "failed":
        settings.JOBS_BYTES = 1024
        run_tasks()
        assert client.get(job).json()["error"]["type"] == "disk_full"
    elif when == "done":
        run_tasks()
        assert not only_job().archive.exists(), "the photos go as soon as the job has ended"
    assert client.delete(job).status_code == 204
    assert client.get(job).status_code == 404
    assert not list(jobs_dir.iterdir())
    if when == "running":
        row = only_job()
        assert (row.options, row.source, row.callback, row.owner) == ({}, "", "", "")
    later(monkeypatch, 120)
    sweep()
    assert_nothing_is_left(jobs_dir)
    assert_the_database_has_no_trace_of(job.split("/")[-2])


def assert_the_database_has_no_trace_of(job: str) -> None:
    """In any column of any table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                assert job.replace("-", "") not in str(row).replace("-", "")


@pytest.mark.parametrize("when", ["queued", "done"])
def test_nothing_is_left_of_an_expired_job(
    client: Client, post: Post, jobs_dir: Path, when: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    job = post()["Location"]
    if when == "done":
        run_tasks()
    later(monkeypatch, settings.JOB_KEEP + 60)
    assert client.get(job).status_code == 404, "also before it is swept"
    sweep()
    assert_nothing_is_left(jobs_dir)
    assert_the_database_has_no_trace_of(job.split("/")[-2])


def test_a_job_that_a_worker_has_does_not_expire(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    job = post()["Location"]
    claimed()
    lease = timezone.now() + timedelta(days=9)
    Job.objects.update(state=State.RUNNING, lease_until=lease)
    later(monkeypatch, settings.JOB_KEEP + 60)
    sweep()
    assert client.get(job).json()["state"] == "running"
    assert only_job().enqueue(state=State.RUNNING), "handed back, or taken over"
    sweep()
    assert client.get(job).json()["state"] == "queued"
    Job.objects.update(state=State.RUNNING, lease_until=lease)
    assert client.delete(job).status_code == 204


def test_an_upload_that_broke_off_with_its_process_is_removed(
    jobs_dir: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    left = Job.objects.create(expires_at=timezone.now(), lease_until=timezone.now() + timedelta(seconds=60))
    left.folder.mkdir(parents=True)
    left.archive.write_bytes(b"half")
    sweep()
    assert left.archive.exists(), "it may still be arriving"
    later(monkeypatch, 61)
    sweep()
    assert_nothing_is_left(jobs_dir)


def test_a_cancelled_job_stops_after_the_image_in_hand(
    client: Client, post: Post, jobs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = post()["Location"]
    keep = Store.keep

    def cancel(*given: Any) -> None:
        client.delete(job)
        keep(*given)

    monkeypatch.setattr(Store, "keep", cancel)
    run_tasks()
    assert not list(jobs_dir.iterdir())
    later(monkeypatch, 10)
    sweep()
    assert_nothing_is_left(jobs_dir)


def test_files_that_vanish_under_a_worker_are_no_error_of_ours(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = post()["Location"]
    keep = Store.keep

    def lose(self: Store, *given: Any) -> None:
        self.job.remove_files()
        keep(self, *given)

    monkeypatch.setattr(Store, "keep", lose)
    run_tasks()
    assert client.get(job).json()["error"]["type"] == "files_lost"
    assert "job_broke" not in caplog.text


def test_a_dead_workers_job_goes_on_where_it_was(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies after its first image; later it proves to be alive, and changes nothing."""
    job = post()["Location"]
    keep, kept = Store.keep, list[int]()

    def die(self: Store, index: int, *given: Any) -> None:
        if kept:
            raise KeyboardInterrupt
        kept.append(index)
        keep(self, index, *given)

    monkeypatch.setattr(Store, "keep", die)
    task = claimed()
    with pytest.raises(KeyboardInterrupt):
        work_module.work(str(only_job().pk), str(task.id), threading.Event())

    def count(self: Store, index: int, *given: Any) -> None:
        kept.append(index)
        keep(self, index, *given)

    monkeypatch.setattr(Store, "keep", count)
    sweep()
    assert only_job().state == "running", "its lease holds"
    later(monkeypatch, 61)
    sweep()
    assert only_job().state == "queued"
    assert not only_job().mine(str(task.id)).exists()
    work_module.work(str(only_job().pk), str(task.id), threading.Event())
    assert only_job().state == "queued", "the old task is void"
    assert run_tasks() == 1
    assert client.get(job).json()["progress"] == {"total": 3, "done": 3, "failed": 1}
    assert kept == [0, 1, 2], "no image twice"


def test_a_task_whose_worker_died_before_it_took_the_job_is_queued_anew(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = post()["Location"]
    claimed()
    sweep()
    assert run_tasks() == 0, "it may be about to begin"
    later(monkeypatch, 61)
    sweep()
    sweep()
    assert run_tasks() == 1
    assert client.get(job).json()["state"] == "done"


def test_an_image_at_which_workers_die_is_left_out(
    client: Client, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = post()["Location"]

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    for turn in range(5):
        with monkeypatch.context() as patch:
            patch.setattr(work_module, "parse", die)
            with pytest.raises(KeyboardInterrupt):
                run_tasks()
        assert only_job().strikes == turn
        later(monkeypatch, 61)
        sweep()
    run_tasks()
    assert client.get(job).json()["progress"] == {"total": 3, "done": 3, "failed": 2}


def test_a_worker_that_is_stopped_hands_the_job_back(client: Client, post: Post) -> None:
    job = post()["Location"]
    assert run_tasks(stopping=True) == 1
    assert client.get(job).json()["state"] == "queued"
    assert run_tasks() == 1
    assert client.get(job).json()["state"] == "done"


def test_too_long_a_job_fails(client: Client, post: Post, settings: Any, jobs_dir: Path) -> None:
    job = post()["Location"]
    settings.JOB_SECONDS = -1
    run_tasks()
    found = client.get(job).json()
    assert (found["state"], found["error"]["type"]) == ("failed", "job_timeout")
    assert client.get(f"{job}result/").json()["type"] == "job_failed"
    assert not list(jobs_dir.iterdir())


def test_a_full_disk_is_the_jobs_error(
    client: Client, post: Post, jobs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = post()["Location"]

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        run_tasks()
    found = client.get(job).json()
    assert (found["state"], found["error"]["type"]) == ("failed", "disk_full")
    assert not list(jobs_dir.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        answer = post()
    assert (answer.status_code, answer.json()["type"]) == (507, "disk_full")
    assert not list(jobs_dir.iterdir())


def test_jobs_and_bytes_are_limited_in_all(post: Post, settings: Any) -> None:
    settings.JOBS_TOTAL = 1
    assert post().status_code == 202
    answer = post()
    assert (answer.status_code, answer.json()["type"], answer["Retry-After"]) == (503, "jobs_full", "60")
    settings.JOBS_TOTAL, settings.JOBS_BYTES = 10, only_job().bytes
    assert post().json()["type"] == "jobs_full"


def test_jobs_and_bytes_are_limited_per_key(client: Client, post: Post, settings: Any) -> None:
    first, second = (APIKey.objects.create_key(name="test")[1] for _ in range(2))
    settings.JOBS_PER_KEY = 1
    job = post(key=first)["Location"]
    answer = post(key=first)
    assert (answer.status_code, answer.json()["type"]) == (429, "quota_exceeded")
    assert post(key=second).status_code == 202
    client.delete(job, headers={"Authorization": f"Api-Key {first}"})
    assert post(key=first).status_code == 202
    settings.JOBS_PER_KEY, settings.JOBS_BYTES_PER_KEY = 10, 1500
    assert post(key=first).json()["type"] == "quota_exceeded"


def test_uploads_are_throttled(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "1/min", raising=False)
    assert [post().status_code for _ in range(2)] == [202, 429]


def test_metrics_count_jobs_by_state(client: Client, post: Post) -> None:
    post()
    page = client.get("/metrics").content.decode()
    assert 'segment_jobs{state="queued"} 1.0' in page
    assert 'segment_jobs{state="done"} 0.0' in page
    assert f"segment_jobs_bytes {float(only_job().bytes)}" in page
    assert b"segment_jobs_oldest_queued_seconds" in jobs_page()


def test_the_log_has_no_name_and_no_whole_id(client: Client, post: Post, log: io.StringIO) -> None:
    job = post(zip_of({"secret-name.png": b"x"}))["Location"]
    client.get(job)
    run_tasks()
    client.get(f"{job}result/")
    pk = str(only_job().pk)
    assert f"/api/jobs/{pk[:8]}" in log.getvalue()
    assert '"job_ended"' in log.getvalue()
    assert pk not in log.getvalue()
    assert "secret-name" not in log.getvalue()


def test_a_body_that_stalls_leaves_nothing(client: Client, jobs_dir: Path, photo: bytes) -> None:
    class Stalls:
        """A WSGI input that times out after some bytes."""

        def __init__(self) -> None:
            self.blocks: Iterator[bytes] = iter([zip_of({"a.png": photo})[:50]])

        def read(self, size: int = -1) -> bytes:
            """Once."""
            for block in self.blocks:
                return block
            raise TimeoutError

        readline = read

    extra: Any = {"CONTENT_LENGTH": "900", "wsgi.input": Stalls()}
    answer = client.generic("POST", "/api/jobs/", b"", content_type="application/zip", **extra)
    assert (answer.status_code, answer.json()["type"]) == (408, "upload_timeout")
    assert_nothing_is_left(jobs_dir)
