"""How many images are worked on at once, who waits, and who is sent away with 503.

As many as there are cores, over all worker processes. The places are locked files in RUN_DIR, so that the
kernel gives a place back when a worker dies; who waits stands in the kernel's queue for one more lock.
"""

import fcntl
import math
import os
import secrets
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.conf import settings

from segmentation_api.errors import Problem
from segmentation_api.startup import run_dir
from segmentation_api.telemetry import IN_FLIGHT, QUEUE_SECONDS, QUEUED, REJECTED

RECHECK_SECONDS = 0.05
"""How soon a waiter sees the place of a process that died without a word."""


class Gate:
    """`slots` places shared by all processes that use `folder`; `queue` more requests of this process may wait."""

    def __init__(self, folder: Path, *, slots: int, queue: int) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.slots, self.limit = slots, slots + queue
        self.folder = folder
        self.lock = threading.Lock()
        self.inside = 0
        self.seconds = 0.1  # a request's time at a place, smoothed
        freed = folder / "freed"
        try:
            os.mkfifo(freed, 0o600)
        except FileExistsError:
            pass
        self.freed = os.open(freed, os.O_RDWR | os.O_NONBLOCK)

    def check_room(self) -> None:
        """Raises Problem (503) if too many wait already: asked before a body is read, for a quick refusal."""
        with self.lock:
            full = self.inside >= self.limit
        if full:
            raise self._refusal()

    @contextmanager
    def place(self, *, wait_anyway: bool = False) -> Iterator[None]:
        """A place to work at, perhaps after waiting. Raises Problem (503) if too many wait already."""
        self._enter(wait_anyway)
        try:
            queued = time.perf_counter()
            with QUEUED.track_inprogress():
                taken = self._take()
            started = time.perf_counter()
            QUEUE_SECONDS.observe(started - queued)
            try:
                with IN_FLIGHT.track_inprogress():
                    yield
            finally:
                self._give_back(taken)
                self.seconds += 0.1 * (time.perf_counter() - started - self.seconds)
        finally:
            with self.lock:
                self.inside -= 1

    def _enter(self, wait_anyway: bool) -> None:
        with self.lock:
            if self.inside < self.limit or wait_anyway:
                self.inside += 1
                return
        raise self._refusal()

    def _refusal(self) -> Problem:
        """Come back when the queue has passed, but not all in the same second."""
        REJECTED.inc()
        wait = max(1, math.ceil(self.limit * self.seconds / self.slots))
        seconds = wait + secrets.randbelow(wait + 1)
        return Problem(
            503, "too_busy", "Too many images are being parsed.", headers={"Retry-After": str(seconds)}
        )

    def _take(self) -> int:
        """The descriptor of a locked place. One waiter of all processes looks for it, the others queue here."""
        turn = _open(self.folder / "turn")
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            poll = select.poll()
            poll.register(self.freed, select.POLLIN)
            while True:
                self._drain()
                for index in range(self.slots):
                    place = _open(self.folder / f"place-{index}")
                    try:
                        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        os.close(place)
                    else:
                        return place
                poll.poll(1000 * RECHECK_SECONDS)
        finally:
            os.close(turn)

    def _give_back(self, place: int) -> None:
        os.close(place)
        try:
            os.write(self.freed, b"\0")
        except BlockingIOError:  # full of such bytes: whoever waits is woken anyway
            pass

    def _drain(self) -> None:
        try:
            os.read(self.freed, 4096)
        except BlockingIOError:
            pass


@cache
def gate() -> Gate:
    """This process's gate, opened when first needed: after the fork."""
    return Gate(run_dir() / "gate", slots=settings.INFERENCE_SLOTS, queue=settings.QUEUE_SIZE)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
