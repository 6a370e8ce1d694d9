"""Who computes, who waits in the queue, and who is sent away with 503."""

import math
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from segmentation_api.errors import Problem
from segmentation_api.slots import SharedSlots, shared_slots
from segmentation_api.telemetry import IN_FLIGHT, QUEUE_SECONDS, QUEUED, REJECTED

MOST_WAIT = 60.0


class Gate:
    """Lets requests of this process to `slots`; `queue` more may wait for one."""

    def __init__(self, slots: SharedSlots, *, queue: int) -> None:
        self.slots, self.limit = slots, slots.count + queue
        self.inside = 0
        self.seconds = 0.1
        """How long a request keeps its slot: a moving average."""
        self._lock = threading.Lock()

    def check_queue(self) -> None:
        """Raises Problem (503) if the queue is full: asked before a body is read, for a quick refusal."""
        if self.inside >= self.limit:
            raise self.refusal()

    @contextmanager
    def slot(self, *, wait_anyway: bool = False) -> Iterator[None]:
        """A slot, perhaps after waiting.

        Raises Problem (503) if the queue is full or none comes free for QUEUE_TIMEOUT seconds, unless `wait_anyway`.
        """
        with self._lock:
            if self.inside >= self.limit and not wait_anyway:
                raise self.refusal()
            self.inside += 1
        try:
            with QUEUED.track_inprogress(), QUEUE_SECONDS.time():
                try:
                    slot = self.slots.take(math.inf if wait_anyway else settings.QUEUE_TIMEOUT)
                except TimeoutError:
                    raise self.refusal() from None
            started = time.perf_counter()
            try:
                with IN_FLIGHT.track_inprogress():
                    yield
            finally:
                self.slots.give_back(slot)
                self.seconds += 0.1 * (time.perf_counter() - started - self.seconds)
        finally:
            with self._lock:
                self.inside -= 1

    def refusal(self, detail: str = "Too many images are being parsed.") -> Problem:
        """Clients should come back when the queue has passed, but not all in the same second.

        What runs now may take as long again as it has taken.
        """
        REJECTED.inc()
        queue = self.limit * self.seconds / self.slots.count
        wait = math.ceil(min(MOST_WAIT, max(1.0, queue, self.slots.age())))
        seconds = wait + secrets.randbelow(wait + 1)
        return Problem(503, "too_busy", detail, headers={"Retry-After": str(seconds)})


gate = Gate(shared_slots, queue=settings.QUEUE_SIZE)
