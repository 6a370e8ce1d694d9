"""The slots in which images are computed, shared by all worker processes.

One unlinked file, each byte of it a lock: byte n is slot n, and the byte behind the last slot is the turn to look for a
free one. POSIX locks belong to a process, and the kernel releases those of a process that dies. File and pipe are made
before the workers are forked (backend/server/config.py imports this module), so nothing is found by its path.
"""

import fcntl
import os
import select
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

RECHECK_SECONDS = 0.05
"""How soon a waiter sees that a slot's process has died."""


class FairLock:
    """A lock between threads, handed on in the order it was asked for; threading.Lock is not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.queue: deque[threading.Lock] = deque()
        """One lock for the holder, which comes first, and for each who waits."""

    def __enter__(self) -> None:
        mine = threading.Lock()
        mine.acquire()
        with self._lock:
            self.queue.append(mine)
            if self.queue[0] is mine:
                return
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.queue.popleft()
            if self.queue:
                self.queue[0].release()


class SharedSlots:
    """`count` slots for the process that makes them and those it forks."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.fair = FairLock()
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        self._held: set[int] = set()
        """By this process, whose threads POSIX locks do not exclude from each other."""
        self._freed, self._free = os.pipe()
        for end in (self._freed, self._free):
            os.set_blocking(end, False)
        self._poll = select.poll()
        self._poll.register(self._freed, select.POLLIN)

    def take(self) -> int:
        """A slot, perhaps after waiting; one waiter at a time looks for it, whatever its process."""
        with self.fair, self._turn():
            while True:
                self._forget_freed()
                for slot in range(self.count):
                    if slot not in self._held and self._lock(slot):
                        self._held.add(slot)
                        return slot
                self._poll.poll(1000 * RECHECK_SECONDS)

    def give_back(self, slot: int) -> None:
        """Free the slot, and wake whoever waits for one."""
        self._unlock(slot)
        self._held.discard(slot)  # after unlocking: another thread's lock on it would be released too
        try:
            os.write(self._free, b"\0")
        except BlockingIOError:  # full: the waiter is woken anyway
            pass

    @contextmanager
    def _turn(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, self.count)
        try:
            yield
        finally:
            self._unlock(self.count)

    def _lock(self, byte: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def _forget_freed(self) -> None:
        try:
            os.read(self._freed, 4096)
        except BlockingIOError:
            pass


shared_slots = SharedSlots(settings.INFERENCE_SLOTS)
