"""A PostgreSQL of its own, from Debian's package."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import free_port

DEBIAN = Path("/usr/lib/postgresql")


def program(name: str) -> str:
    """Of the newest version installed; raises AssertionError without one."""
    found = [str(path) for path in sorted(DEBIAN.glob(f"*/bin/{name}"))] or [shutil.which(name) or ""]
    assert found[-1], "PostgreSQL is missing, so it was NOT tested with: apt-get install postgresql"
    return found[-1]


@contextmanager
def postgres() -> Iterator[str]:
    """Its DATABASE_URL; stopped and removed afterwards. PostgreSQL refuses to run as root, so root becomes another."""
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="jobs-postgres-"))
    if user:
        shutil.chown(folder, "postgres")
    port, data = free_port(), folder / "data"
    try:
        initdb = [program("initdb"), "--auth=trust", "--username=test", "--no-sync", "--pgdata", str(data)]
        subprocess.run([*user, *initdb], check=True, capture_output=True, cwd="/")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        start = [program("pg_ctl"), "--wait", "--pgdata", str(data), "-o", options]
        log = ["--log", str(folder / "log")]
        subprocess.run([*user, *start, *log, "start"], check=True, capture_output=True, cwd="/")
        try:
            yield f"postgres://test@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [*user, *start, "--mode=immediate", "stop"], check=True, capture_output=True, cwd="/"
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
