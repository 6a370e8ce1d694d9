"""What .ci/containers checks of the image itself: what is in it, what is not, and how it starts."""

import os
import re
import secrets
import subprocess
import tarfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from container_engine import (
    GIVEN,
    IMAGE,
    PROJECT,
    Compose,
    check,
    docker,
    free_port,
    inspect,
    ready,
    say,
    wait_for,
)

BASE = "python:3.11-slim-bookworm"
MOST_MEGABYTES = 600
MOST_SECONDS_TO_READY = 5.0
STARTED = f"{PROJECT}-started"
OURS = re.compile(r"(\./)?(app/|var/lib/face-parsing|home/|wanted/|page/|opt/(?!venv/lib))")
SECRET_FILE = re.compile(
    r"(^|/)(\.env.*|secret_key|.*\.sqlite3|id_rsa|\.git|\.npmrc|\.netrc|pip\.conf|\.pypirc)$"
)
SECRET_SETTING = re.compile(r"(?i)(password|token|secret|api_?key|index.?url)\w*=\S")


def check_image(compose: Compose) -> None:
    """All of it, in turn."""
    try:
        check_build(compose)
        check_contents()
        check_refusals()
        check_start()
    finally:
        docker("rm", "-f", "-v", STARTED, check=False)


def check_build(compose: Compose) -> None:
    """Built from the folder, in which secrets lie about; none of them is in a layer or in the history."""
    marker = f"marker-{secrets.token_hex(16)}"
    for name in (
        ".env",
        "secret_key",
        "db.sqlite3",
        "backend/.env",
        "frontend/.env.local",
        "id_rsa",
        "data/faces.zip",
    ):
        (compose.folder / name).parent.mkdir(exist_ok=True)
        (compose.folder / name).write_text(f"SECRET_{secrets.token_hex(4)}={marker}\n")
    if not GIVEN:
        started = time.perf_counter()
        compose("build", "api", timeout=3600)
        say(f"built by compose in {time.perf_counter() - started:.0f} s")
    (compose.folder / ".env").unlink()

    size = (inspect(IMAGE)["Size"] - inspect(BASE)["Size"]) / 1e6
    say(f"{size:.0f} MB over {BASE} (at most {MOST_MEGABYTES})")
    check(size <= MOST_MEGABYTES, "the image is too large")
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE)
    history += str(inspect(IMAGE)["Config"])
    check(marker not in history and not SECRET_SETTING.search(history), "the history holds a secret")
    files = 0
    for path, content in layer_files():
        files += 1
        check(not SECRET_FILE.search(path), f"{path} is in a layer")
        check(marker.encode() not in content, f"{path} in a layer holds a secret that lay about")
    check(files > 100, "docker save gave no layers")
    say(f"{files} files of ours in its layers: none holds a secret that lay about, none is called like one")


def layer_files() -> Iterator[tuple[str, bytes]]:
    """Path and content of each file of ours in every layer, also of those that a later layer hides."""
    save = subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE)
    with save, tarfile.open(fileobj=save.stdout, mode="r|") as image:
        for part in image:
            layer = image.extractfile(part)
            if layer is None or part.name.endswith(".json"):
                continue
            try:
                yield from files_of(layer)
            except tarfile.ReadError:  # the engine's own JSON, under a name without an ending
                continue


def files_of(layer: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The same of one layer."""
    with tarfile.open(fileobj=layer, mode="r|*") as entries:
        for entry in entries:
            content = entries.extractfile(entry) if entry.isfile() and OURS.match(entry.name) else None
            if content is not None:
                yield entry.name, content.read()


def check_contents() -> None:
    """No compiler, no TensorFlow, no pip of its own; labels, user, healthcheck and volume as they should be."""
    config = inspect(IMAGE)["Config"]
    check(config["User"].split(":")[0] not in ("", "0", "root"), "the image runs as root")
    check(config["Healthcheck"] and config["Volumes"], "no HEALTHCHECK or no VOLUME")
    licence = config["Labels"]["org.opencontainers.image.licenses"]
    check("research" in licence, "the label does not tell the weights' licence")
    found = docker(
        "run", "--rm", "--network", "none", IMAGE, "sh", "-c",
        "for name in cc gcc g++ c++ clang make ld as rustc go node npm; do command -v $name || true; done;"
        "cd /opt/venv/lib/python3.11/site-packages;"
        "ls | grep -iE '^(tensorflow|keras|torch|onnx|pip|setuptools|pytest)([-._]|$)' || true;"
        "find /app /opt/venv -xdev \\( -perm -4000 -o -perm -2000 -o -writable \\) ! -type l",
    )  # fmt: skip
    check(not found.strip(), f"what should not be in the image is: {found}")
    say(
        f"user {config['User']}, no compiler, no TensorFlow, nothing setuid or writable in /app, /opt/venv; {licence}"
    )


def check_refusals() -> None:
    """An image that nobody told to be open does not start open, and a wrong setting is named."""
    for named, settings in (
        ("API_PUBLIC", {}),
        ("WORKERS", {"API_PUBLIC": "true", "WORKERS": "many"}),
        ("MODELS_DIR", {"API_PUBLIC": "true", "MODELS_DIR": "/nowhere"}),
    ):
        given = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
        done = subprocess.run(
            ["docker", "run", "--rm", "--network", "none", *given, IMAGE],
            capture_output=True,
            text=True,
            timeout=120,
        )
        check(
            done.returncode and named in done.stderr,
            f"{settings} did not stop the start: {done.stderr[-500:]}",
        )
    say("open to all unasked, a wrong number, a folder that is not there: each stops the start by its name")


def check_start() -> None:
    """From `docker run --read-only`, nothing else prepared, to ready: CPU time, and the best of three on the clock.

    The clock is judged only on a machine with nothing else to do; CPU time says the same on a busy one.
    """
    free = idle_share()
    seconds, cpu = [], []
    for _ in range(3):
        port = free_port()
        options = (
            "--read-only",
            "--cap-drop",
            "ALL",
            "-e",
            "API_PUBLIC=true",
            "-p",
            f"127.0.0.1:{port}:8000",
        )
        started = time.perf_counter()
        docker("run", "-d", "--name", STARTED, *options, IMAGE)
        try:
            wait_for("ready after docker run", partial(ready, port))
            seconds.append(time.perf_counter() - started)
            cpu.append(cpu_seconds(inspect(STARTED)["State"]["Pid"]))
        finally:
            docker("rm", "-f", "-v", STARTED)
    clock = ", ".join(f"{value:.1f}" for value in seconds)
    say(
        f"docker run to ready, first migration included: {clock} s, {min(cpu):.1f} s of CPU time"
        f" (at most {MOST_SECONDS_TO_READY}; the machine was {free:.0%} idle before)"
    )
    check(min(cpu) <= MOST_SECONDS_TO_READY, "too much to do at the start")
    check(free < 0.8 or min(seconds) <= MOST_SECONDS_TO_READY, "too slow to start")


def idle_share() -> float:
    """Share of all cores' time that nobody uses, over a second."""

    def ticks() -> list[int]:
        return [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]

    before = ticks()
    time.sleep(1)
    spent = [after - earlier for earlier, after in zip(before, ticks(), strict=True)]
    return spent[3] / max(1, sum(spent))


def cpu_seconds(pid: int) -> float:
    """CPU time of a container's first process, of those it has waited for, and of its workers."""
    processes = [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    fields = [Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[11:15] for name in processes]
    return sum(int(ticks) for row in fields for ticks in row) / os.sysconf("SC_CLK_TCK")
