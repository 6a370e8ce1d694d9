"""Does memory stay flat, and what does the death of a worker cost?

python -m benchmarks.soak [--requests 20000] [--output docs]

First so many mixed requests (outputs, sizes, forms, broken ones, faces found) from 8 clients, with the memory of
the whole process tree taken all along. Then load from 16 clients, and in the midst of it kill -9 of a worker: it
is stopped first, for the moment it takes to count the connections it holds, so that each failed request can be
laid against them.
"""

import argparse
import itertools
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from benchmarks.contenders import CONTENDERS, running
from benchmarks.photos import ROOT, as_jpeg, drawn_face, drawn_jpeg, photos
from benchmarks.processes import memory_mb, tree
from benchmarks.soak_report import write_page

SETTLED = 1000
"""Requests after which the memory counts: by then every path was taken."""
EVERY = 250
JPEG = {"Content-Type": "image/jpeg"}


@dataclass(frozen=True)
class Shot:
    """One kind of request and the status it must get."""

    query: str
    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = tuple(JPEG.items())


def mixed() -> list[Shot]:
    """Every output, photos of many sizes up to 1600 pixels, both ways of finding faces, and what is refused."""
    small, large = drawn_jpeg(128, 1), drawn_jpeg(1600, 2)
    usual = photos(drawn=3)
    shots = [
        Shot(f"output={output}&faces=whole", photo)
        for output, photo in itertools.product(("mask", "labels", "overlay", "classes", "json"), usual)
    ]
    shots += [Shot(f"output={output}&faces=whole", small) for output in ("mask", "json")]
    shots += [
        Shot("output=overlay&faces=whole", large),
        Shot("output=json&polygons=true&inline=mask,overlay", usual[0]),
    ]
    shots += [Shot("faces=auto", photo) for photo in [*usual, *in_many_sizes(40)]]
    shots += [Shot("", usual[0][:5000], 422), Shot("", b"no image", 415), Shot("alpha=2", usual[0], 400)]
    return shots


def in_many_sizes(count: int) -> list[bytes]:
    """A drawn face somewhere on grey, no photo like another in size: memory kept for each size would show."""
    rng = np.random.default_rng(0)
    found = []
    for seed in range(count):
        width, height = rng.integers(160, 1600, 2)
        face = drawn_face(int(min(width, height) * rng.uniform(0.4, 1)), seed)
        photo = Image.new("RGB", (width, height), "grey")
        photo.paste(face, ((width - face.width) // 2, (height - face.height) // 2))
        found.append(as_jpeg(photo))
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--output", type=Path, help="write memory.md and its plot there")
    options = parser.parse_args()
    console = Console()
    with (
        tempfile.TemporaryDirectory() as state,
        running(CONTENDERS["service"], options.bundle.resolve(), Path(state)) as (pid, port),
    ):
        memory, statuses = soak(pid, port, options.requests)
        killed = kill_a_worker(pid, port)
    console.print(f"answers: {statuses}")
    console.print(f"memory: {memory[0][1]:.0f} MB at first, {memory[-1][1]:.0f} MB at last, {growth(memory)}")
    console.print(f"kill -9 of a worker: {killed}")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        page = options.output / "memory.md"
        write_page(memory, growth(memory), statuses, killed, settled=SETTLED, path=page)


def soak(pid: int, port: int, requests: int) -> tuple[list[tuple[int, float]], dict[str, int]]:
    """(requests so far, MB) again and again; and how often each status came, as it should or not."""
    shots, turn = mixed(), itertools.count()
    statuses: Counter[str] = Counter()
    lock = threading.Lock()

    def work() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while (number := next(turn)) < requests:
                shot = shots[number % len(shots)]
                seen = ask(client, shot)
                with lock:
                    statuses[f"{seen}" if seen == shot.status else f"{seen} for {shot.status}"] += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    memory: list[tuple[int, float]] = []
    with Progress() as progress:
        task = progress.add_task("requests", total=requests)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.2)
            done = statuses.total()
            progress.update(task, completed=done)
            if not memory or done - memory[-1][0] >= EVERY:
                memory.append((done, memory_mb(pid)))
    memory.append((statuses.total(), memory_mb(pid)))
    return memory, dict(statuses)


def ask(client: httpx.Client, shot: Shot) -> int:
    """The status; 0 if the connection broke."""
    try:
        return client.post(
            f"/api/segment/?{shot.query}", content=shot.body, headers=dict(shot.headers)
        ).status_code
    except httpx.TransportError:
        return 0


def growth(memory: Sequence[tuple[int, float]]) -> str:
    """From the settled state to the end: the mean of the tenth behind it against the mean of the last tenth."""
    settled = [megabytes for done, megabytes in memory if done >= SETTLED]
    if len(settled) < 20:
        return "too few requests to tell its growth"
    tenth = len(settled) // 10
    first, last = sum(settled[:tenth]) / tenth, sum(settled[-tenth:]) / tenth
    return f"growth {100 * (last / first - 1):+.1f} % after the first {SETTLED}"


def kill_a_worker(pid: int, port: int, clients: int = 16, seconds: float = 6) -> dict[str, int]:
    """What a worker held when it was killed, and how many requests failed."""
    stopped = threading.Event()
    statuses: Counter[int] = Counter()
    lock = threading.Lock()
    body = Shot("faces=whole", photos()[0])

    def work() -> None:
        while not stopped.is_set():
            # A connection for each request: on one kept open, a client finds out about the death by a failure
            # that is not the worker's request at all.
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                status = ask(client, body)
            with lock:
                statuses[status] += 1

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 3)
    others = (child for child in tree(pid) if child != pid)
    worker = next(one for one in others if b"gunicorn" in Path(f"/proc/{one}/cmdline").read_bytes())
    os.kill(worker, signal.SIGSTOP)
    held = connections(worker, port)
    os.kill(worker, signal.SIGKILL)
    time.sleep(seconds)
    stopped.set()
    for thread in threads:
        thread.join()
    failed = statuses[0]
    busy = statuses[503]
    return {
        "held": held,
        "failed": failed,
        "answered": statuses[200],
        "busy": busy,
        "other": statuses.total() - failed - busy - statuses[200],
    }


def connections(pid: int, port: int) -> int:
    """Clients' connections that a process has accepted: established, to `port`, among its descriptors."""
    own = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(link.readlink().name)
        except OSError:  # closed meanwhile
            continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = (row for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01")
    return sum(f"socket:[{row[9]}]" in own for row in ours)


if __name__ == "__main__":
    main()
