"""Clients that wait for each answer before they send the next request, on connections they keep open.

A client that is sent away with 503 comes back when Retry-After says. Threads are enough: against an answer
that takes tens of milliseconds to compute, sending and reading it takes a few tenths of one.
"""

import io
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.photos import CONTENT_TYPE
from benchmarks.processes import cpu_seconds

BUSY = 503
FAILED = 0
"""Stands for a connection that broke, or an answer that did not come."""


@dataclass(frozen=True)
class Answer:
    """One request: its status, how long it took, when it was answered (both in seconds)."""

    status: int
    seconds: float
    at: float


@dataclass(frozen=True)
class Slice:
    """A few seconds of load. Latencies are in milliseconds, CPU in seconds."""

    seconds: float
    good: list[float]
    busy: list[float]
    failed: int
    cpu: float
    client_cpu: float

    @property
    def per_second(self) -> float:
        """Images parsed."""
        return len(self.good) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU of all the server's processes for each image parsed, refusals included."""
        return 1000 * self.cpu / max(1, len(self.good))


@dataclass(frozen=True)
class Measured:
    """What one load did, over all its slices. Latencies are in milliseconds; NaN where there was none."""

    contender: str
    clients: int
    per_second: float
    p50: float
    p99: float
    busy: int
    busy_p99: float
    failed: int
    cpu_ms: float
    memory_mb: float
    client_cpu: float
    """CPU of the clients, in cores."""
    beyond_ms: float
    """CPU an image beyond the bare pipeline's: the median over the slices."""
    of_bare: float
    """Images/s as a share of the bare pipeline's: the median over the slices."""


class Clients:
    """`clients` threads that send `bodies` in turn until told to stop."""

    def __init__(self, port: int, path: str, bodies: Sequence[bytes], clients: int) -> None:
        self.port, self.path, self.bodies = port, path, bodies
        self.stopped = threading.Event()
        self.answers: list[Answer] = []
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(clients)]

    def __enter__(self) -> "Clients":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _run(self, number: int) -> None:
        connection = Connection(self.port, self.path)
        while not self.stopped.is_set():
            number += 1
            start = time.perf_counter()
            status, wait = connection.ask(self.bodies[number % len(self.bodies)])
            now = time.perf_counter()
            self.answers.append(Answer(status, now - start, now))
            if wait:
                self.stopped.wait(wait)
        connection.close()


class Connection:
    """One to the server, kept open.

    Not http.client's, which takes twice the time, on the cores that the server is measured on.
    """

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: "
        )
        self.stream: io.BufferedRWPair | None = None

    def ask(self, body: bytes) -> tuple[int, float]:
        """The status, and how many seconds to stay away."""
        try:
            stream = self.stream = self.stream or self._open()
            stream.write(f"{self.head}{len(body)}\r\n\r\n".encode() + body)
            stream.flush()
            status = int(stream.readline().split()[1])
            headers = dict(iter(lambda: _header(stream.readline()), ("", "")))
            stream.read(int(headers["content-length"]))
            if headers.get("connection") == "close":
                self.close()
        except (OSError, ValueError, LookupError):  # broken off, or not HTTP
            self.close()
            return FAILED, 0.1
        return status, float(headers.get("retry-after", 1)) if status == BUSY else 0

    def close(self) -> None:
        """The next request opens it anew."""
        if self.stream:
            try:
                self.stream.close()
            except OSError:  # what was not sent is lost
                pass
        self.stream = None

    def _open(self) -> io.BufferedRWPair:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        with raw:  # the stream keeps it open
            return raw.makefile("rwb")


def _header(line: bytes) -> tuple[str, str]:
    """A header's name in lower case and its value; two empty ones for the line behind the last."""
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip().lower(), value.strip()


def load(pid: int, port: int, path: str, bodies: Sequence[bytes], *, clients: int, seconds: float) -> Slice:
    """Load a server for a while, after a warm-up that does not count."""
    with Clients(port, path, bodies, clients) as running:
        time.sleep(max(1.0, seconds / 4))
        cpu, own, start = cpu_seconds(pid), time.process_time(), time.perf_counter()
        time.sleep(seconds)
        cpu, own, end = cpu_seconds(pid) - cpu, time.process_time() - own, time.perf_counter()
    answers = [answer for answer in running.answers if start <= answer.at < end]
    good = [1000 * answer.seconds for answer in answers if answer.status == 200]
    busy = [1000 * answer.seconds for answer in answers if answer.status == BUSY]
    return Slice(end - start, good, busy, len(answers) - len(good) - len(busy), cpu, own)


def summary(
    contender: str, clients: int, slices: Sequence[Slice], bare: Sequence[Slice], memory_mb: float
) -> Measured:
    """All slices as one row; `bare` has one more than there are `slices`, as they lie between."""
    good = [value for part in slices for value in part.good]
    busy = [value for part in slices for value in part.busy]
    seconds = sum(part.seconds for part in slices)
    around = list(zip(slices, bare, bare[1:], strict=False))
    return Measured(
        contender=contender,
        clients=clients,
        per_second=len(good) / seconds,
        p50=percentile(good, 50),
        p99=percentile(good, 99),
        busy=len(busy),
        busy_p99=percentile(busy, 99),
        failed=sum(part.failed for part in slices),
        cpu_ms=1000 * sum(part.cpu for part in slices) / max(1, len(good)),
        memory_mb=memory_mb,
        client_cpu=sum(part.client_cpu for part in slices) / seconds,
        beyond_ms=median(part.cpu_ms - (before.cpu_ms + after.cpu_ms) / 2 for part, before, after in around),
        of_bare=median(
            2 * part.per_second / (before.per_second + after.per_second) for part, before, after in around
        ),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """NaN of none."""
    return float(np.percentile(values, share)) if values else float("nan")
