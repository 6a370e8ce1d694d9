"""How each contender is started: this service as `make serve` does it, the peers from an environment of their own.

A commit of this service runs from a folder of its own, in this interpreter if what it pins is installed here.
"""

import hashlib
import os
import re
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
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.peers.pipeline import BUNDLE, CORES
from benchmarks.photos import ROOT

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
HOME = Path.home() / ".cache" / "face-parsing"
PEERS_HOME = HOME / "bench-venv"


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
    root: Path = ROOT
    """Where its code is."""


def service(name: str, root: Path, python: str) -> Contender:
    """This service, from the working tree or from the files of a commit."""
    places = (root / "backend" / "server" / "config.py", root / "docker" / "gunicorn.conf.py")
    config = next(path for path in places if path.is_file())
    return Contender(
        name,
        [python, "-m", "gunicorn", "-c", str(config), "backend.wsgi"],
        "/api/segment/?faces=whole",
        "/readyz",
        {"INFERENCE_THREADS": "1", "LOG_LEVEL": "WARNING"},
        before=[python, "manage.py", "migrate", "--verbosity", "0"],
        root=root,
    )


SERVICE = service("this service", ROOT, sys.executable)
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
    """The bin folder of the peers' environment."""
    return installed(REQUIREMENTS, PEERS_HOME)


def installed(requirements: Path, home: Path) -> Path:
    """The bin folder of the environment at `home`, made anew when the pinned requirements have changed."""
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = home / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(pip, check=True)
        stamp.write_text(wanted)
    return home / "bin"


def revision(commit: str, folder: Path) -> Contender:
    """The service as it was at a commit, unpacked into `folder`."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    requirements = folder / "requirements.txt"
    python = Path(sys.executable)
    if not _satisfied(requirements):
        python = installed(requirements, HOME / f"revision-{commit.replace('/', '-')}-venv") / "python"
    return service(commit, folder, str(python))


def _satisfied(requirements: Path) -> bool:
    """Whether this interpreter has all that is pinned."""
    pins = re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", requirements.read_text(), re.MULTILINE)
    try:
        return all(version(name) == pinned for name, pinned in pins)
    except PackageNotFoundError:
        return False


@contextmanager
def running(contender: Contender, bundle: Path, state: Path) -> Iterator[tuple[int, int]]:
    """(process id, port) of a server that is ready. Its output goes to a file in `state`."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # so that a benchmark that is ended stops its servers
    port = free_port()
    names = {"port": port, "bin": PEERS_HOME / "bin", "state": state}
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "PYTHONPATH": str(contender.root),
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
        subprocess.run(contender.before, cwd=contender.root, env=variables, check=True)
    log = state / f"{contender.name.replace(' ', '-')}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=contender.root,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
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
