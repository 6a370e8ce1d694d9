"""How many images are worked on at once, who waits, and who is sent away with 503.

As many as there are cores, over all worker processes. The places are locked files in RUN_DIR, so that the
kernel gives a place back when a worker dies.

Each process has its share of the places for its own, and takes another's only while that one has nobody waiting:
two photos at once in one process would get in each other's way, at Python's global lock, while another has none.
"""

import fcntl
import math
import os
import secrets
import select
import threading
import time
from collections import deque
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


class SharedLock:
    """A file that one of several processes locks, kept open; the kernel unlocks it when that process dies.

    It does not exclude the threads of one process from each other.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Lock it, unless another has it."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self) -> None:
        """Lock it, as soon as no other has it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def give_back(self) -> None:
        """Unlock it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)


class Line:
    """A lock that is handed on in the order it was asked for; threading.Lock goes to whoever comes by."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.taken = False
        self.waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self.lock:
            if not self.taken:
                self.taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self.waiting.append(mine)
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        with self.lock:
            if self.waiting:
                self.waiting.popleft().release()
            else:
                self.taken = False


class Gate:
    """`slots` places shared by the `processes` that use `folder`; `queue` more requests of this process may wait."""

    def __init__(self, folder: Path, *, slots: int, queue: int, processes: int = 1) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.processes = processes
        numbers = range(processes)
        self.number = next((n for n in numbers if SharedLock(folder / f"process-{n}").take()), None)
        """Of this process, kept locked as long as it lives; None where there are more than there should be."""
        self.turn = Line()
        self.slots, self.limit = slots, slots + queue
        self.place_locks = [SharedLock(folder / f"place-{place}") for place in range(slots)]
        self.held: set[int] = set()
        """The places that this process has now."""
        self.wait_locks = [SharedLock(folder / f"waiting-{number}") for number in range(processes)]
        """Locked by each process while it waits for a place."""
        self.lock = threading.Lock()
        self.inside = 0
        self.seconds = 0.1  # a request's time at a place, smoothed
        self.bells = [_bell(folder / f"freed-{number}") for number in range(processes)]

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
        """A place, locked. One waiter of this process looks for it, the others queue here."""
        with self.turn, self._waiting():
            while True:
                self._drain()
                for place in self._places():
                    if place not in self.held and self.place_locks[place].take():
                        self.held.add(place)
                        return place
                self._sleep()

    def _places(self) -> Iterator[int]:
        """Those of this process, then those of processes in which nobody waits."""
        others = []
        for place in range(self.slots):
            owner = place % self.processes
            if owner == self.number or self.slots < self.processes:
                yield place
            else:
                others.append((place, owner))
        for place, owner in others:
            if not self._waits(owner):
                yield place

    def _waits(self, number: int) -> bool:
        """Whether somebody of a process waits for a place."""
        if number == self.number:
            return self.turn.taken
        waits = not self.wait_locks[number].take()
        if not waits:
            self.wait_locks[number].give_back()
        return waits

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Others see meanwhile that this process wants its places itself."""
        if self.number is None:
            yield
            return
        mark = self.wait_locks[self.number]
        mark.wait()  # those who look whether it is locked have it for microseconds
        try:
            yield
        finally:
            mark.give_back()

    def _give_back(self, place: int) -> None:
        """And wake who may take it: its owner, or the others where that one has nobody waiting."""
        self.place_locks[place].give_back()
        self.held.discard(place)  # later than unlocked: who takes it in between would be unlocked by this
        owner = place % self.processes
        owned = self.slots >= self.processes and self._waits(owner)
        for bell in [self.bells[owner]] if owned else self.bells:
            try:
                os.write(bell, b"\0")
            except BlockingIOError:  # full of such bytes: whoever waits is woken anyway
                pass

    def _drain(self) -> None:
        if self.number is not None:
            try:
                os.read(self.bells[self.number], 4096)
            except BlockingIOError:
                pass

    def _sleep(self) -> None:
        """Until a place is given back, or it is time to look for those of the dead."""
        poll = select.poll()
        if self.number is not None:
            poll.register(self.bells[self.number], select.POLLIN)
        poll.poll(1000 * RECHECK_SECONDS)


def gate() -> Gate:
    """This process's gate, opened when first needed: after the fork. One only, however many ask at once."""
    with _opening:
        return _gate()


_opening = threading.Lock()


@cache
def _gate() -> Gate:
    return Gate(
        run_dir() / "gate",
        slots=settings.INFERENCE_SLOTS,
        queue=settings.QUEUE_SIZE,
        processes=settings.WORKERS,
    )


def _bell(path: Path) -> int:
    """A named pipe that wakes the process whose it is."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)
