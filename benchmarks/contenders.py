"""How each contender is started: this service as `make serve` does it, the peers from an environment of their own."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.pipeline import BUNDLE, CORES
from benchmarks.photos import ROOT

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
PEERS_HOME = Path.home() / ".cache" / "face-parsing" / "bench-venv"


@dataclass(frozen=True)
class Contender:
    """`command` may hold {port} and {bin}; `ready` answers 200 once requests are served."""

    name: str
    command: list[str]
    path: str
    ready: str
    variables: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    """A command to run first."""


SERVICE = Contender(
    "this service",
    [sys.executable, "-m", "gunicorn", "-c", "backend/server/config.py", "backend.wsgi"],
    "/api/segment/?faces=whole",
    "/readyz",
    {"INFERENCE_THREADS": "1", "LOG_LEVEL": "WARNING"},
    before=[sys.executable, "manage.py", "migrate", "--verbosity", "0"],
)
PEERS = [
    Contender(
        "LitServe", ["{bin}/python", "-m", "benchmarks.peers.litserve_app", "{port}"], "/segment", "/health"
    ),
    Contender(
        "FastAPI",
        [
            *("{bin}/uvicorn", "benchmarks.peers.fastapi_app:app", "--port", "{port}"),
            *("--workers", str(CORES), "--log-level", "warning"),
        ],
        "/segment",
        "/health",
    ),
    Contender(
        "BentoML",
        ["{bin}/bentoml", "serve", "benchmarks.peers.bentoml_app:FaceParser", "--port", "{port}"],
        "/segment",
        "/readyz",
        {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{state}"},
    ),
]
CONTENDERS = {"service": SERVICE, "litserve": PEERS[0], "fastapi": PEERS[1], "bentoml": PEERS[2]}


def install_peers() -> Path:
    """The bin folder of the peers' environment, made anew when the pinned requirements have changed."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = PEERS_HOME / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(PEERS_HOME)], check=True)
        pip = [str(PEERS_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
        subprocess.run(pip, check=True)
        stamp.write_text(wanted)
    return PEERS_HOME / "bin"


@contextmanager
def running(contender: Contender, bundle: Path, state: Path) -> Iterator[tuple[int, int]]:
    """(process id, port) of a server that is ready. Its output goes to a file in `state`."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # else the server would outlive a benchmark that is ended
    port = free_port()
    names = {"port": port, "bin": PEERS_HOME / "bin", "state": state}
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "PYTHONPATH": str(ROOT),
        BUNDLE: str(bundle),
        "MODELS_DIR": str(bundle.parent),
        "MODEL": bundle.name,
        "PORT": str(port),
        "STATE_DIR": str(state),
        "RUN_DIR": str(state / "run"),
        **{name: value.format(**names) for name, value in contender.variables.items()},
    }
    command = [word.format(**names) for word in contender.command]
    if contender.before:
        subprocess.run(contender.before, cwd=ROOT, env=variables, check=True)
    log = state / f"{contender.name.replace(' ', '-')}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{contender.ready}", log)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)  # LitServe leaves workers behind now and then
        except ProcessLookupError:
            pass


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError(f"it did not start:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"it was not ready in time:\n{log.read_text()[-4000:]}")
