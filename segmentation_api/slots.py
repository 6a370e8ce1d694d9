"""The slots in which images are computed, shared by all worker processes.

A pipe holds the number of each free slot: whoever reads one has the slot. It is made before the workers are forked
(backend/server/config.py imports this module), so nothing is found by its path. Who has which slot is noted, so that
the master can free those of a worker that died.

A process hands its share of the slots on to its own threads while one waits: two photos at once in one process get in
each other's way at Python's global lock, while another process has none.
"""

import math
import mmap
import os
import select
import threading
import time
from collections import deque
from contextlib import suppress

from django.conf import settings


class SharedSlots:
    """`count` slots for the process that makes them and the `workers` it forks; at most 256."""

    def __init__(self, count: int, *, workers: int = 1) -> None:
        self.count, self._share = count, count // workers
        self._holders = memoryview(mmap.mmap(-1, 4 * count)).cast("I")
        """Process ids; 0 for a free slot."""
        self._taken = memoryview(mmap.mmap(-1, 8 * count)).cast("d")
        """When, by the clock that all processes share."""
        self._free = os.pipe()
        os.set_blocking(self._free[0], False)
        os.write(self._free[1], bytes(range(count)))
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """What each process has for itself: whose turn it is to ask, and a slot handed on to that thread."""
        self._turn, self._kept = Turn(), os.pipe()
        self._lock, self._wanted = threading.Lock(), False

    def take(self, seconds: float = math.inf) -> int:
        """A slot, perhaps after waiting; the threads of a process get theirs in the order they ask.

        Raises TimeoutError after so many seconds.
        """
        deadline = time.monotonic() + seconds
        self._turn.take(seconds)
        try:
            slot = self._next(deadline)
        finally:
            self._turn.give_back()
        self._taken[slot[0]] = time.monotonic()
        self._holders[slot[0]] = os.getpid()
        return slot[0]

    def _next(self, deadline: float) -> bytes:
        """The number of a free slot, for the one thread whose turn it is."""
        slot, self._wanted = b"", True
        while not slot:
            left = None if deadline == math.inf else max(0.0, deadline - time.monotonic())
            ready = select.select([self._kept[0], self._free[0]], [], [], left)[0]
            with self._lock, suppress(BlockingIOError):  # another process may have been faster
                if not ready and self._wanted:
                    self._wanted = False
                    raise TimeoutError
                slot = os.read((self._free if self._wanted else self._kept)[0], 1)
                self._wanted = False
        return slot

    def give_back(self, slot: int) -> None:
        """Free the slot, or hand it on."""
        with self._lock:
            keep = self._wanted and self._holders.tolist().count(os.getpid()) <= self._share
            if keep:
                self._wanted = False
            else:
                self._holders[slot] = 0
            os.write((self._kept if keep else self._free)[1], bytes([slot]))

    def stalled(self) -> float:
        """Seconds for which no slot has come free; 0 while one is free."""
        return 0.0 if 0 in self._holders else time.monotonic() - max(self._taken)

    def age(self) -> float:
        """Seconds for which the oldest slot that is taken has been; 0 if none is."""
        taken = [since for since, holder in zip(self._taken, self._holders, strict=True) if holder]
        return time.monotonic() - min(taken) if taken else 0.0

    def give_back_all_of(self, process: int) -> None:
        """Free the slots of a process that has ended."""
        for slot, holder in enumerate(self._holders):
            if holder == process:
                self.give_back(slot)


class Turn:
    """A lock for the threads of a process, which get it in the order they ask."""

    def __init__(self) -> None:
        self._lock, self._taken = threading.Lock(), False
        self._waiting = deque[threading.Lock]()

    def take(self, seconds: float) -> None:
        """Wait for it. Raises TimeoutError after so many seconds."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=-1 if seconds == math.inf else seconds):
            return
        with self._lock:
            if called in self._waiting:
                self._waiting.remove(called)
                raise TimeoutError

    def give_back(self) -> None:
        """Hand it on."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


shared_slots = SharedSlots(settings.INFERENCE_SLOTS, workers=settings.WORKERS)
