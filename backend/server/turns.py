"""Which of the connections that wait for a thread gets the next one."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

REQUEST_SECONDS, MOST_SECONDS = 1.0, 2.0
"""By how much a request puts off the connection's next one, and by how much requests do so together."""


class Turns(ThreadPoolExecutor):
    """Threads for connections: who has asked for less goes first.

    A client can send hundreds of requests without reading an answer. Each waits as if it had come a little later than
    the one before, so that a new connection does not wait for all of them. What is put off is never starved: by
    MOST_SECONDS at most. One that asks once a second or less is not put off at all.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=threads)
        self._waiting: list[tuple[float, int, Callable[[Any], Any], Any, Future[Any]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def submit(self, work: Callable[[Any], Any], conn: Any) -> Future[Any]:  # type: ignore[override]
        """`work(conn)` in a thread. Called in one thread only."""
        now, future = time.monotonic(), Future[Any]()
        due = max(now, min(getattr(conn, "due", now), now + MOST_SECONDS))
        conn.due = due + REQUEST_SECONDS
        with self._lock:
            heapq.heappush(self._waiting, (due, next(self._numbers), work, conn, future))
        super().submit(self._next)
        return future

    def _next(self) -> None:
        with self._lock:
            _, _, work, conn, future = heapq.heappop(self._waiting)
        try:
            future.set_result(work(conn))
        except BaseException as error:
            future.set_exception(error)
