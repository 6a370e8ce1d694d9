"""The live service against its own schema: whatever is sent, it answers as the schema says, and never with 5xx."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server

LEFT_OUT = "positive_data_acceptance"
"""The one check that cannot hold: random bytes fit the schema's `binary`, but are no image."""


@pytest.mark.timeout(300)
def test_the_service_keeps_what_its_schema_says(server: Server, tmp_path: Path) -> None:
    schema = httpx.get(f"{server.url}/api/schema/", headers={"Accept": "application/json"}).json()
    assert all(
        {} in operation["security"] for methods in schema["paths"].values() for operation in methods.values()
    )
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/schema/"),
            *("--checks", "all", "--exclude-checks", LEFT_OUT),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1"),
            *("--generation-database", "none", "--request-timeout", "10", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    counted = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert counted and counted[1] == counted[2] and int(counted[1]) > 100, run.stdout[-8000:]
    log = server.log.read_text()
    assert "Traceback" not in log and "request_failed" not in log, log[-4000:]
    assert httpx.get(f"{server.url}/readyz").status_code == 200
