"""Fixtures: a tiny model served in process, drawn faces, and the real server for what only it can show."""

import io
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from django.conf import settings as django_settings
from django.test import Client
from numpy.typing import NDArray
from PIL import Image
from structlog.stdlib import ProcessorFormatter

from ml_core.images import colorize
from segmentation_api import access
from segmentation_api.startup import declare_listeners
from segmentation_api.window_counts import window_counts
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

ROOT = Path(__file__).resolve().parent.parent
SIDE = 64
SLOW_FIXTURES = {"server", "start_server", "documented", "live", "_tiny_preset"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start the server or a training run as slow: `-m "not slow"` leaves them out."""
    for item in items:
        if isinstance(item, pytest.Function) and SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MODELS_DIR with the bundle `tiny`, which parses an image painted in palette colours exactly."""
    folder = tmp_path_factory.mktemp("models")
    make_palette_bundle(folder / "tiny", size=SIDE, logits_scale=1)
    return folder


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUN_DIR of the in-process service."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(autouse=True)
def _service(settings: Any, models_dir: Path, run_dir: Path) -> None:
    """Every test serves the tiny model, as if bound to loopback."""
    settings.MODELS_DIR, settings.MODEL = str(models_dir), "tiny"
    settings.RUN_DIR = run_dir
    declare_listeners(["127.0.0.1"])
    access.KEYS_SEEN.clear()
    window_counts.clear()
    access.keys_exist.cache_clear()


@pytest.fixture
def face() -> NDArray[np.uint8]:
    """Class ids of a drawn face, of the model's input size."""
    return draw_face(SIDE)


@pytest.fixture
def photo(face: NDArray[np.uint8]) -> bytes:
    """A PNG of that face in the palette's colours: its labels are known to the pixel."""
    return encode(colorize(face, LAPA), "PNG")


def encode(pixels: NDArray[np.uint8], kind: str = "PNG", **options: Any) -> bytes:
    """An encoded image."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind, **options)
    return target.getvalue()


def decode(body: bytes) -> NDArray[Any]:
    """The pixels, or of a palette image the ids."""
    return np.asarray(Image.open(io.BytesIO(body)))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the service logs during the test, in its own JSON lines."""
    text = io.StringIO()
    handler = next(h for h in logging.getLogger().handlers if isinstance(h.formatter, ProcessorFormatter))
    monkeypatch.setattr(handler, "stream", text)
    return text


@pytest.fixture
def segment(client: Client, photo: bytes) -> Callable[..., Any]:
    """POST /api/segment/ with the photo as the raw body, or `data`; keywords are query parameters."""

    def post(
        data: bytes = photo,
        *,
        content_type: str = "image/png",
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Any:
        query.setdefault("faces", "whole")
        return client.post(
            "/api/segment/", data, content_type=content_type, headers=headers, query_params=query
        )

    return post


class Server:
    """gunicorn as `make serve` starts it, on a port of its own."""

    def __init__(self, folder: Path, models_dir: Path, **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.run_dir = folder / "run"
        environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "MODELS_DIR": str(models_dir),
            "MODEL": "tiny",
            "STATE_DIR": str(folder),
            "RUN_DIR": str(self.run_dir),
            "QUEUE_TIMEOUT": "30",  # however busy the machine
            **variables,
        }
        self.environment = environment
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "backend/server/config.py", "backend.wsgi"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> "Server":
        """Until /readyz says so."""
        for _ in range(600):
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text())
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


@pytest.fixture
def start_server(tmp_path: Path, models_dir: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that the test's end stops."""
    started: list[Server] = []

    def start(models: Path = models_dir, **variables: str) -> Server:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        started.append(Server(folder, models, **variables))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server for the tests of a module that leave it as it was."""
    running = Server(tmp_path_factory.mktemp("server"), models_dir, HEADER_TIMEOUT="1", BODY_TIMEOUT="2")
    yield running.wait_until_ready()
    running.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


assert django_settings.configured
