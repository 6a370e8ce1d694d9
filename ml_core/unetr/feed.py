"""Training batches made by worker processes, in order, while the network trains."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType

import cv2

from ml_core.unetr.data import Batch, BatchPlan, TrainingBatches, TrainingData

AHEAD = 2
"""Batches that a worker has been asked for: one that it makes, and one that waits to be fetched."""


class FeedError(RuntimeError):
    """A worker process ended in the middle of a run."""


class Feed:
    """The batches of one run's data.

    workers: processes; with 0 each batch is made when it is asked for, by the caller's process.
    waited: seconds that callers have spent in waiting for batches, summed up.
    """

    def __init__(self, data: TrainingData, workers: int = 0) -> None:
        self.data, self.waited = data, 0.0
        self._workers = [_Worker(data) for _ in range(workers)]

    def batches(self, plan: BatchPlan, first: int) -> Generator[Batch, None, None]:
        """The plan's batches from number `first` on, in order.

        Batch n comes from worker n modulo their number, and every sample's generator is seeded by its number: the
        same batches come from any number of workers. Raises FeedError, and what reading a photo raises.
        """
        source = self._from_workers(plan, first) if self._workers else self._made_here(plan, first)
        try:
            while True:
                began = time.monotonic()
                try:
                    batch = next(source)
                except StopIteration:
                    return
                finally:
                    self.waited += time.monotonic() - began
                yield batch
        finally:
            source.close()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.close()

    def _made_here(self, plan: BatchPlan, first: int) -> Generator[Batch, None, None]:
        made = TrainingBatches(self.data, plan)
        for number in range(first, plan.batches):
            yield made[number]

    def _from_workers(self, plan: BatchPlan, first: int) -> Generator[Batch, None, None]:
        count = len(self._workers)
        numbers = range(first, plan.batches)
        for number in numbers[: AHEAD * count]:
            self._workers[number % count].ask(plan, number)
        try:
            for number in numbers:
                worker = self._workers[number % count]
                batch = worker.fetch()
                if number + AHEAD * count < plan.batches:
                    worker.ask(plan, number + AHEAD * count)
                yield batch
        finally:
            for worker in self._workers:
                worker.forget()


class _Worker:
    """A process that makes the batches it is asked for, one after the other."""

    def __init__(self, data: TrainingData) -> None:
        context = multiprocessing.get_context(
            "spawn"
        )  # a fork of a process with TensorFlow's threads can hang
        self._pipe, far = context.Pipe()
        self._process: BaseProcess = context.Process(target=_work, args=(far, data), daemon=True)
        self._asked = self._unwanted = 0
        with _no_main_module():
            self._process.start()
        far.close()

    def ask(self, plan: BatchPlan, number: int) -> None:
        self._asked += 1
        try:
            self._pipe.send((plan, number))
        except OSError as error:
            raise self._died() from error

    def fetch(self) -> Batch:
        """The first batch that was asked for and is still wanted."""
        while True:
            try:
                found: Batch | BaseException = self._pipe.recv()
            except (EOFError, OSError) as error:
                raise self._died() from error
            self._asked -= 1
            if self._unwanted:
                self._unwanted -= 1
            elif isinstance(found, BaseException):
                raise found
            else:
                return found

    def forget(self) -> None:
        """Nobody wants the batches any more that are asked for: they are dropped when they come."""
        self._unwanted = self._asked

    def close(self) -> None:
        self._pipe.close()  # the worker ends where it reads or writes
        self._process.join(5)
        self._process.kill()
        self._process.join()

    def _died(self) -> FeedError:
        self._process.join(5)
        return FeedError(
            f"a worker that makes batches has ended ({_reason(self._process.exitcode)}); try fewer --workers"
        )


def _reason(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit status {code}"
    return f"{signal.Signals(-code).name}, by the system where memory runs out"


def _work(pipe: Connection, data: TrainingData) -> None:
    """The main program of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the run ends its workers
    cv2.setNumThreads(1)
    with suppress(EOFError, OSError):
        while True:
            plan, number = pipe.recv()
            try:
                found: Batch | Exception = TrainingBatches(data, plan)[number]
            except Exception as error:
                found = error
            pipe.send(found)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Processes that are spawned meanwhile do not import the program's main module, which may bring TensorFlow."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
