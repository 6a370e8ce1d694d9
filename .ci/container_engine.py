"""Docker and compose for container_checks.py: small wrappers, and one compose project that leaves nothing behind."""

import io
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

GIVEN = os.environ.get("IMAGE", "")
IMAGE = GIVEN or "face-parsing-ci"
PROJECT = "face-parsing-ci"
SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def say(text: str) -> None:
    """One line of the report, at once."""
    print(f"  {text}", flush=True)


def check(held: object, what: str) -> None:
    """Ends the run where something does not hold."""
    if not held:
        raise SystemExit(f"FAILED: {what}")


def same_mask(png: bytes) -> float:
    """Share of the pixels that are as in the picture in the README."""
    expected = np.asarray(Image.open(SAMPLES / "astronaut-mask.png").convert("RGB"))
    got = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    share = float((got == expected).all(axis=2).mean()) if got.shape == expected.shape else 0.0
    check(share > 0.99, f"the mask is the README's on {share:.2%} of its pixels only")
    return share


def run(*command: str, check: bool = True, timeout: float = 600, **options: Any) -> str:
    """A command's stdout; what it said where it failed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    if check and done.returncode:
        raise SystemExit(f"FAILED: {' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done.stdout


def docker(*arguments: str, **options: Any) -> str:
    """docker ARGUMENTS."""
    return run("docker", *arguments, **options)


def inspect(name: str) -> dict[str, Any]:
    """What docker knows of a container, an image or a volume."""
    return dict(json.loads(docker("inspect", name))[0])


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, test: Callable[[], Any], *, seconds: float = 120) -> float:
    """Seconds until `test` gives something true."""
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        if test():
            return time.perf_counter() - started
        time.sleep(0.02)
    raise SystemExit(f"FAILED: {what}: not within {seconds} s")


def ready(port: int) -> bool:
    """Whether /readyz answers 200."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Compose:
    """The project of compose.yaml in `folder`, with settings of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, "IMAGE": IMAGE, **settings}

    def __call__(self, *arguments: str, **options: Any) -> str:
        """docker compose ARGUMENTS."""
        return docker("compose", *arguments, cwd=self.folder, env=self.environment, **options)

    def fails(self, *arguments: str) -> bool:
        """Whether docker compose ARGUMENTS ends with an error."""
        command = ("docker", "compose", *arguments)
        return (
            subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True).returncode
            != 0
        )

    def container(self, service: str) -> str:
        """The container of a service."""
        return self("ps", "-q", "--all", service).split()[0]

    def manage(self, service: str, *arguments: str) -> str:
        """manage.py ARGUMENTS in a service's running container."""
        return self("exec", "-T", service, "python", "manage.py", *arguments).strip()

    def logs(self) -> str:
        """The last lines of all services."""
        return self("--profile", "*", "logs", "--tail", "40", check=False)

    def remove(self) -> None:
        """Containers, networks and volumes."""
        self("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
