"""What requests may cost: bytes in memory, of all worker processes together; CPU time of each photo."""

import mmap
import os
import select
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings

from ml_core.cpu_time import cpu_time
from segmentation_api.admission import gate
from segmentation_api.errors import Problem

UNIT = 1 << 20
"""Bytes for which a token of the budget stands."""
SMALL_ANSWER = 1 << 20
"""Bytes of an answer that counts for nothing: a worker has few threads that could hold one."""
FACES_SHARE = 0.7
"""Of a photo's CPU time until the last face is begun: the rest is for putting them together and the answer."""


class BytesInFlight:
    """A budget of bytes for the process that makes it and those it forks.

    A pipe holds a token, its number, for each free UNIT; who has which is noted, so that the master can free what a
    worker held that died. Nothing is found by its path.
    """

    def __init__(self, total: int) -> None:
        self.count = -(-total // UNIT)
        self._holders = memoryview(mmap.mmap(-1, 4 * self.count)).cast("I")
        """Process ids; 0 for a free token."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        self._give_back(range(self.count))

    @contextmanager
    def hold(self, size: int, refusal: str = "Too many uploads are in memory.") -> Iterator[None]:
        """Room for `size` bytes. Raises Problem (503) at once if there is none."""
        wanted = max(1, -(-size // UNIT))
        tokens = self._take(wanted)
        try:
            if len(tokens) < wanted:
                raise gate.refusal(refusal)
            yield
        finally:
            self._give_back(tokens)

    def give_back_all_of(self, process: int) -> None:
        """Free the tokens of a process that has ended."""
        self._give_back([token for token, holder in enumerate(self._holders) if holder == process])

    def _take(self, count: int) -> Sequence[int]:
        """As many tokens as there are, up to `count`."""
        try:
            tokens = memoryview(os.read(self._read, 2 * count)).cast("H").tolist()
        except BlockingIOError:
            return ()
        for token in tokens:
            self._holders[token] = os.getpid()
        return tokens

    def _give_back(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._holders[token] = 0
            os.write(self._write, token.to_bytes(2, sys.byteorder))


class PhotoBudget:
    """Of a photo whose turn has come; for the thread that computes it.

    Raises Problem when the client has gone, also at once: then the photo is not begun.
    """

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self._client = meta.get("gunicorn.socket")
        self._started = cpu_time()
        self._seconds = settings.MAX_CPU_SECONDS
        self()

    def __call__(self) -> bool:
        """Whether to begin with another face: until what is left is for putting them together and the answer."""
        if has_gone(self._client):
            raise Problem(408, "client_gone", "The client has hung up.", close=True)
        return self.left() > (1 - FACES_SHARE) * self._seconds

    def left(self) -> float:
        """Seconds of CPU."""
        return self._seconds - (cpu_time() - self._started)


def has_gone(client: socket.socket | None) -> bool:
    """Whether the client has closed its end; no server but gunicorn tells."""
    if client is None:
        return False
    poll = select.poll()
    poll.register(client, select.POLLRDHUP if hasattr(select, "POLLRDHUP") else 0)
    return bool(poll.poll(0))


class AnswerRoom(ExitStack):
    """What an answer takes of the budget until it is closed: a client that reads slowly keeps it in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._size = self._held = 0

    def take(self, size: int) -> None:
        """Room for `size` bytes more; a small answer, all in all, needs none. Raises Problem (503) if there is none."""
        whole = self._size + size
        if whole > max(SMALL_ANSWER, self._held):
            units = -(-(whole - self._held) // UNIT)
            self.enter_context(bytes_in_flight.hold(units * UNIT, "Too many answers are in memory."))
            self._held += units * UNIT
        self._size = whole


bytes_in_flight = BytesInFlight(settings.MAX_BYTES_IN_FLIGHT)
