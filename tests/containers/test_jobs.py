"""`docker compose --profile jobs up`: a job goes in, its worker parses it, and nothing of the photos stays."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import httpx
import pytest

from tests.containers.compose import Compose
from tests.engine import PHOTO, free_port, inspect, run, share_as_in_readme, wait_until

AS_ROOT = ("--user", "0")


class Jobs(NamedTuple):
    """The running project and its published address."""

    compose: Compose
    url: str

    def post(self, names: list[str], **options: str) -> httpx.Response:
        """A job with the README's photo under these names."""
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            for name in names:
                archive.writestr(name, PHOTO if name.endswith(".jpg") else b"no photo")
        headers = {"Content-Type": "application/zip"}
        return httpx.post(
            f"{self.url}/api/jobs/", params=options, content=body.getvalue(), headers=headers, timeout=60
        )

    def get(self, path: str) -> httpx.Response:
        """By the path that an answer names."""
        return httpx.get(f"{self.url}{path}", timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def jobs(compose: Callable[..., Compose]) -> Jobs:
    """`JOBS=true docker compose --profile jobs up --detach --wait`"""
    port = free_port()
    project = compose(PORT=str(port), JOBS="true")
    project("--profile", "jobs", "up", "--detach", "--wait", "--wait-timeout", "180")
    return Jobs(project, f"http://127.0.0.1:{port}")


def test_a_job_is_done_by_the_worker_and_leaves_no_photo(jobs: Jobs) -> None:
    posted = jobs.post(["a.jpg", "sub/b.jpg", "notes.txt"])
    assert posted.status_code == 202, posted.text
    location = posted.headers["Location"]
    wait_until("the job's end", lambda: jobs.get(location).json()["state"] in ("done", "failed"))
    job = jobs.get(location).json()
    assert (job["state"], job["progress"]) == ("done", {"total": 3, "done": 3, "failed": 1}), job
    archive = zipfile.ZipFile(io.BytesIO(jobs.get(job["result"]).content))
    assert archive.namelist() == ["a.png", "sub/b.png", "manifest.jsonl"]
    assert archive.read("a.png") == archive.read("sub/b.png")
    assert share_as_in_readme(archive.read("a.png")) > 0.99
    rows = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    folder = f"/var/lib/face-parsing/jobs/{job['id']}"
    assert "photos.zip" not in jobs.compose.shell("api", f"ls {folder}")
    assert httpx.delete(f"{jobs.url}{location}", timeout=60).status_code == 204
    assert jobs.compose.shell("api", "ls /var/lib/face-parsing/jobs").split() == []


def test_the_worker_is_as_locked_down_as_the_service(jobs: Jobs) -> None:
    status = jobs.compose.shell("worker", "cat /proc/1/status /proc/1/cmdline")
    assert "db_worker" in status and "10001" in status
    assert "Read-only file system" in jobs.compose.shell("worker", "touch /app/x 2>&1 || true", *AS_ROOT)


def test_a_stopped_worker_hands_its_job_to_the_next(jobs: Jobs) -> None:
    location = jobs.post([f"{number}.jpg" for number in range(60)]).headers["Location"]
    wait_until("a running job", lambda: jobs.get(location).json()["progress"]["done"] > 2)
    container = jobs.compose.container("worker")
    run("docker", "stop", "-t", "30", container)
    assert inspect(container)["State"]["ExitCode"] == 0
    job = jobs.get(location).json()
    assert job["state"] == "queued"
    assert 2 < job["progress"]["done"] < 60
    jobs.compose("--profile", "jobs", "up", "--detach", "--wait", "worker")
    wait_until("the job's end", lambda: jobs.get(location).json()["state"] == "done")
    assert jobs.get(location).json()["progress"] == {"total": 60, "done": 60, "failed": 0}
