"""Results in a bucket: docs/training.md's commands of `dvc[s3]`, against a pretended S3.

`make test-backends` installs it into an environment of its own and runs this.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT

BIN = ROOT / ".venv-dvc" / "bin"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def address() -> Iterator[str]:
    """Where a pretended S3 listens; it has the bucket `results`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([BIN / "moto_server", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                httpx.put(f"{url}/results").raise_for_status()
                break
            except httpx.ConnectError:
                assert server.poll() is None, "it did not start"
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not BIN.exists(), reason="make test-backends installs dvc[s3]")
def test_results_go_to_a_bucket_and_come_back(address: str, tmp_path: Path) -> None:
    def run(line: str) -> None:
        words = shlex.split(
            line.partition("#")[0].replace("BUCKET", "results").replace("https://...", address)
        )
        words[0] = str(BIN / "dvc") if words[0].endswith("dvc") else words[0]
        done = subprocess.run(
            words, cwd=tmp_path, env={**os.environ, **KEYS}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    guide = (ROOT / "docs/training.md").read_text()
    lines = re.findall(r"^\.venv-dvc/bin/dvc .*$", guide, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["remote", "remote", "push", "pull"]
    result = tmp_path / "outputs" / "weights.npz"
    result.parent.mkdir()
    result.write_bytes(b"weights" * 1000)
    for line in ("git init -q", "dvc init -q", "dvc add -q outputs/weights.npz", *lines[:3]):
        run(line)
    shutil.rmtree(tmp_path / ".dvc" / "cache")
    result.unlink()
    run(lines[3])
    assert result.read_bytes() == b"weights" * 1000
