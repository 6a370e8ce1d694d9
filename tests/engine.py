"""What the suites that need a Docker engine share: commands, the image under test, and waiting for events.

The engine is the one of DOCKER_HOST or of the default socket. It runs on this machine: the suites reach published
ports on 127.0.0.1 and kill processes of containers.
"""

import io
import json
import logging
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PHOTO = (ROOT / "samples" / "astronaut.jpg").read_bytes()
BUILT = "face-parsing-tested"
AS_ROOT = () if os.geteuid() == 0 else ("sudo",)

logging.getLogger("httpx").setLevel(logging.WARNING)


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """End the run if no engine with compose answers."""
    for command in ("docker info", "docker compose version"):
        try:
            done = subprocess.run(command.split(), capture_output=True, text=True, timeout=60)
            error = done.stderr.strip() if done.returncode else ""
        except OSError as missing:
            error = str(missing)
        if error:
            pytest.exit(
                f"NOTHING WAS TESTED: `{command}` failed; is DOCKER_HOST right? {error}", returncode=1
            )


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """The image under test: $IMAGE, or one that docker/deploy/build.sh builds and the end of the run removes."""
    if given := os.environ.get("IMAGE"):
        inspect(given)
        yield given
        return
    name = f"{BUILT}:latest"
    build = run(ROOT / "docker/deploy/build.sh", env={"IMAGE": BUILT, "TAG": "latest"}, timeout=3600)
    assert build.stdout.strip() == name
    yield name
    docker("image", "rm", name, check=False)


def run(
    *command: str | Path,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float = 900,
    input: str | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a command with `env` added to the environment. AssertionError with its output if it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        timeout=timeout,
        input=input,
        capture_output=True,
        text=True,
    )
    if check and done.returncode:
        words = " ".join(map(str, command))
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}")
    return done


def docker(*arguments: str, check: bool = True) -> str:
    """docker ARGUMENTS; returns stdout."""
    return run("docker", *arguments, check=check).stdout.strip()


def inspect(name: str) -> dict[str, Any]:
    """What docker knows of a container or an image."""
    return dict(json.loads(docker("inspect", name))[0])


def as_options(variables: Mapping[str, str]) -> list[str]:
    """`docker run` options that set these environment variables."""
    return [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]


def front_settings() -> dict[str, str]:
    """Settings of docker/Caddyfile that depend on the version of Caddy in caddy:2."""
    version = docker("run", "--rm", "--network", "none", "caddy:2", "caddy", "version")
    if "2.6.2" in version:  # Debian's package; request_buffers is of 2.6.3
        return {"REQUEST_BUFFERS": "buffer_requests\nmax_buffer_size 96MiB"}
    return {}


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def wait_until(what: str, holds: Callable[[], object], *, seconds: float = 180) -> None:
    """Poll until `holds()` is true. AssertionError naming `what` if it never is."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def ready(port: int) -> bool:
    """Whether /readyz answers 200."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def share_as_in_readme(png: bytes) -> float:
    """Share of a mask's pixels that equal samples/astronaut-mask.png, the picture in the README."""
    expected = np.asarray(Image.open(ROOT / "samples" / "astronaut-mask.png").convert("RGB"))
    got = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return float((got == expected).all(axis=2).mean()) if got.shape == expected.shape else 0.0
