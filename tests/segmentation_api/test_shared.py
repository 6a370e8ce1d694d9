"""What workers share: metrics and locks, in memory alone."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from segmentation_api import shared_metrics
from segmentation_api.shared_lock import SharedLock
from segmentation_api.telemetry import QUEUED, REJECTED, REQUESTS, STAGE_SECONDS

fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _own_column() -> Iterator[None]:
    """Whatever a test does, this process writes to its own column afterwards."""
    yield
    shared_metrics.use_column(0)


def in_worker(work: Callable[[], None], column: int) -> int:
    """Run it in a process with that column; its exit status."""

    def main() -> None:
        shared_metrics.use_column(column)
        work()

    worker = fork.Process(target=main)
    worker.start()
    worker.join(30)
    assert worker.exitcode is not None
    return worker.exitcode


def sample(client: Client, start: str) -> float:
    """The value of the line of /metrics that starts so; 0 if there is none."""
    lines = client.get("/metrics").content.decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(start)), 0.0)


def test_counts_of_all_workers_are_summed(client: Client) -> None:
    line = 'django_http_requests_total_by_method_total{method="TRACE"}'
    before = sample(client, line)
    for column in (1, 2, 1):
        assert in_worker(lambda: REQUESTS.labels("TRACE").inc(), column) == 0
    assert sample(client, line) == before + 3


def test_a_histogram_of_another_worker_is_whole(client: Client) -> None:
    child = 'model="else\\"where\\n",stage="decode"'.replace("\n", "\\n")
    assert in_worker(lambda: STAGE_SECONDS.labels('else"where\n', "decode").observe(0.3), 1) == 0
    assert sample(client, f"segment_stage_seconds_sum{{{child}}}") == 0.3
    assert sample(client, f'segment_stage_seconds_bucket{{le="0.25",{child}}}') == 0
    assert sample(client, f'segment_stage_seconds_bucket{{le="+Inf",{child}}}') == 1


def test_what_a_dead_worker_was_doing_is_done_by_nobody(client: Client) -> None:
    queued, rejected = sample(client, "segment_queued "), sample(client, "segment_rejected_total ")

    def die() -> None:
        QUEUED.inc()
        REJECTED.inc()
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_worker(die, 3) == -signal.SIGKILL
    assert sample(client, "segment_queued ") == queued + 1
    shared_metrics.end_column(3)
    assert sample(client, "segment_queued ") == queued
    assert sample(client, "segment_rejected_total ") == rejected + 1, "what it counted stays"


def test_a_column_that_is_full_fails_no_request(client: Client) -> None:
    def fill() -> None:
        for number in range(shared_metrics.VALUES + 100):
            REQUESTS.labels(f"method-{number}").inc()
        REQUESTS.labels("method-0").inc()

    assert in_worker(fill, 4) == 0
    assert shared_metrics._columns[4].doubles[0] == 2.0
    assert len(shared_metrics._columns[4].indices()) == shared_metrics.VALUES - 1


def test_too_many_workers_count_for_themselves(client: Client) -> None:
    taken: set[int] = set()
    for _ in range(60):
        number = shared_metrics.free_column(taken)
        assert number not in taken
        taken.add(number)
    assert in_worker(lambda: REQUESTS.labels("PUT").inc(), max(taken)) == 0
    shared_metrics.end_column(max(taken))


def test_a_lock_excludes_threads_and_processes() -> None:
    lock = SharedLock()
    entered = fork.Event()

    def hold() -> None:
        with lock:
            entered.set()
            threading.Event().wait(60)

    holder = fork.Process(target=hold)
    holder.start()
    assert entered.wait(30)
    assert not lock.acquire(wait=False)
    holder.kill()  # which frees what it held
    holder.join()
    with lock:
        assert not lock.acquire(wait=False), "no other thread either"
    assert lock.acquire(wait=False)
