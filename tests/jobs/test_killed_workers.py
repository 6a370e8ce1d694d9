"""Many jobs with a worker killed every few seconds: all end, none twice, none is lost; on SQLite and on PostgreSQL.

JOBS_IN_TEST says how many.
"""

import io
import json
import logging
import os
import random
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT, Server
from tests.jobs.conftest import zip_of
from tests.jobs.postgres import postgres

COUNT = int(os.environ.get("JOBS_IN_TEST", "200"))
IMAGES = 20
WORKERS = 2
JOBS_TO_BEGIN = 4
LONGEST = 900
logging.getLogger("httpx").setLevel(logging.WARNING)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST + 120)]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """DATABASE_URL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.sqlite3"
        return
    with postgres() as url:
        yield url


class Worker:
    """A db_worker process, to be killed within one of its first jobs: by count, so that few jobs on a fast machine
    see a worker killed as well.
    """

    def __init__(self, server: Server, log: Path) -> None:
        self.log = log
        self.last_job = random.randint(1, JOBS_TO_BEGIN)
        command = [sys.executable, "manage.py", "db_worker", "--interval", "0.1", "--no-startup-delay"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=server.environment, stdout=file, stderr=subprocess.STDOUT
            )

    def due(self) -> bool:
        """Whether its time is over."""
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text().count('"job_started"') >= self.last_job

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


class Crew:
    """Workers, each replaced when it was killed."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.logs: list[Path] = []
        self.running = [self.start() for _ in range(WORKERS)]

    @property
    def killed(self) -> int:
        """How many were."""
        return len(self.logs) - WORKERS

    def start(self) -> Worker:
        """One more."""
        self.logs.append(self.folder / f"worker-{len(self.logs)}.log")
        return Worker(self.server, self.logs[-1])

    def replace_due(self) -> None:
        """Kill those whose time is over."""
        for index, worker in enumerate(self.running):
            if worker.due():
                worker.kill()
                self.running[index] = self.start()

    def lines(self) -> list[dict[str, Any]]:
        """What all logged, but for lines that a kill cut short."""
        found = []
        for line in "\n".join(log.read_text() for log in self.logs).splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Callable[[Server], Crew]]:
    """Start workers; the test's end stops them."""
    made: list[Crew] = []

    def start(server: Server) -> Crew:
        made.append(Crew(server, tmp_path))
        return made[-1]

    yield start
    for crew in made:
        for worker in crew.running:
            worker.kill()


def migrate(environment: dict[str, str]) -> None:
    """As make serve does."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def test_all_jobs_end_once_and_whole(
    database: str,
    start_server: Callable[..., Server],
    workers: Callable[[Server], Crew],
    photo: bytes,
    tmp_path: Path,
) -> None:
    server = start_server(
        JOBS="true",
        JOB_LEASE="2",
        DATABASE_URL=database,
        JOBS_DIR=str(tmp_path / "jobs"),
        JOBS_TOTAL=str(COUNT),
    )
    migrate(server.environment)
    server.wait_until_ready()
    archive = zip_of({f"{index:02d}.png": photo for index in range(IMAGES)} | {"broken.png": b"none"})
    with httpx.Client(base_url=server.url, timeout=60) as web:
        expected = web.post(
            "/api/segment/?faces=whole", content=photo, headers={"Content-Type": "image/png"}
        ).content
        jobs = []
        for _ in range(COUNT):
            answer = web.post(
                "/api/jobs/?faces=whole", content=archive, headers={"Content-Type": "application/zip"}
            )
            assert answer.status_code == 202, answer.text
            jobs.append(answer.headers["Location"])
        assert len(set(jobs)) == COUNT
        assert web.post("/api/jobs/", content=archive).json()["type"] == "jobs_full"

        crew, deadline, waiting = workers(server), time.monotonic() + LONGEST, list(jobs)
        while waiting:
            assert time.monotonic() < deadline, f"{len(waiting)} of {COUNT} have not ended"
            time.sleep(random.uniform(0, 0.2))
            crew.replace_due()
            while waiting and web.get(waiting[0]).json()["state"] in ("done", "failed"):
                waiting.pop(0)

        for job in jobs:
            found = web.get(job).json()
            assert found["state"] == "done", found
            assert found["progress"] == {"total": IMAGES + 1, "done": IMAGES + 1, "failed": 1}
            result = zipfile.ZipFile(io.BytesIO(web.get(found["result"]).content))
            names = [f"{index:02d}.png" for index in range(IMAGES)]
            assert result.namelist() == [*names, "manifest.jsonl"]
            assert all(result.read(name) == expected for name in names)
            rows = [json.loads(line) for line in result.read("manifest.jsonl").splitlines()]
            assert [row["path"] for row in rows] == [*names, "broken.png"]
        ends = Counter(line["job"] for line in crew.lines() if line["event"] == "job_ended")
        assert set(ends.values()) == {1}, "none ends twice"
        taken_over = sum(line["event"] == "job_taken_over" for line in crew.lines())
        logging.getLogger(__name__).warning(
            "%d jobs, %d workers killed, %d jobs taken over", COUNT, crew.killed, taken_over
        )
        assert crew.killed
        assert taken_over
        for job in jobs:
            assert web.delete(job).status_code == 204
        assert {web.get(job).status_code for job in jobs} == {404}
        assert not list((tmp_path / "jobs").iterdir())
