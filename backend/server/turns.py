"""Which of the connections that wait for a thread gets the next one, and how many threads work at once."""

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

REQUEST_SECONDS, MOST_SECONDS = 1.0, 2.0
"""By how much a request puts off the connection's next one, and by how much requests do so together."""
BUSY, BUSY_SECONDS = 8, 0.05
"""How many threads may be in the first moments of a request, when they compute; later most of them wait."""


class Turns(ThreadPoolExecutor):
    """Threads for connections: who has asked for less goes first.

    A client can send hundreds of requests without reading an answer. Each waits as if it had come a little later than
    the one before, so that a new connection does not wait for all of them. What is put off is never starved: by
    MOST_SECONDS at most. One that asks once a second or less is not put off at all.

    Dozens of threads with something to compute lose a third of the time in taking Python's lock from each other. So
    one more begins only while fewer than BUSY have begun something within BUSY_SECONDS; and where BUSY requests were
    done in that time, BUSY threads are enough.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=threads)
        self._most = threads
        self._waiting: list[tuple[float, int, Callable[[Any], Any], Any, Future[Any]]] = []
        self._numbers = itertools.count()
        self._begun: dict[int, float] = {}
        """When each thread that is at work began its present connection, by a number of its own."""
        self._done: deque[float] = deque(maxlen=BUSY)
        """When the last requests were done."""
        self._lock = threading.Lock()

    def submit(self, work: Callable[[Any], Any], conn: Any) -> Future[Any]:  # type: ignore[override]
        """`work(conn)` in a thread, now or when its turn comes. Called in one thread only, as `start` is."""
        now, future = time.monotonic(), Future[Any]()
        due = max(now, min(getattr(conn, "due", now), now + MOST_SECONDS))
        conn.due, conn.asked = due + REQUEST_SECONDS, now
        with self._lock:
            heapq.heappush(self._waiting, (due, next(self._numbers), work, conn, future))
        self.start()
        return future

    def start(self) -> None:
        """Let more threads work, if connections wait and those at work do not get on.

        To be called every BUSY_SECONDS while connections wait.
        """
        now = time.monotonic()
        with self._lock:
            busy = sum(now - begun < BUSY_SECONDS for begun in self._begun.values())
            quick = len(self._done) == BUSY and now - self._done[0] < BUSY_SECONDS
            most = min(BUSY, self._most) if quick else self._most
            more = min(BUSY - busy, most - len(self._begun), len(self._waiting))
            begin = [next(self._numbers) for _ in range(more)]
            self._begun.update(dict.fromkeys(begin, now))
        for number in begin:
            super().submit(self._work, number)

    def _work(self, number: int) -> None:
        """One connection after another, until none waits."""
        while True:
            with self._lock:
                if not self._waiting:
                    del self._begun[number]
                    return
                self._begun[number] = time.monotonic()
                _, _, work, conn, future = heapq.heappop(self._waiting)
            try:
                future.set_result(work(conn))
            except BaseException as error:
                future.set_exception(error)
            self._done.append(time.monotonic())
