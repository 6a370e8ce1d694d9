"""The engine on one machine: processes with a model each, given photos through pipes.

Handing a photo over and noting its row take a few hundredths of a millisecond while their code is in the core's cache,
and ten times that when a model's computation has just displaced it. So the pipes are looked into a few times a second,
and each process has in hand what it does meanwhile.

A process that dies, of a decoder's fault or of too little memory, takes no other photo with it: what it had in hand is
given out once more, each photo alone, and one that ends its process again gets a row that says so.
"""

import multiprocessing
import os
import pickle  # nosec B403  # between processes of one run
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from multiprocessing.connection import Connection, wait
from threading import Lock

from segmentation_api.bulk.places import Item
from segmentation_api.bulk.work import BulkError, Record, Work, Worker, failure

SPAWN = multiprocessing.get_context("spawn")
READY = "ready"
GATHER_SECONDS = 0.2
"""How long records are left in the pipes before they are taken together."""
MOST_IN_HAND = 128
"""Photos that a process has at most, unless it has more threads."""
Answer = tuple[Item | None, Record | str]
"""A photo and its record; without a photo READY, or why the process cannot go on."""


class Process:
    """A worker in a process of its own."""

    def __init__(self, work: Work) -> None:
        self.pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(work, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.ready = False
        self.alone = False
        self.given: dict[str, Item] = {}
        self._least = self.depth = work.at_once + 1  # the next one waits in the pipe

    def give(self, items: Sequence[Item]) -> None:
        """Hand photos over."""
        self.given.update((item.path, item) for item in items)
        try:
            self.pipe.send(items)
        except OSError:  # dead: its pipe says so as well
            return

    def take(self) -> Iterator[Record]:
        """What came meanwhile. Raises BulkError, and EOFError or OSError if it died."""
        taken = 0
        while self.pipe.poll():
            item, record = self.pipe.recv()
            if not isinstance(record, str):
                del self.given[item.path]
                taken += 1
                yield record
            elif record == READY:
                self.ready = True
            else:
                raise BulkError(record)
        self.alone = self.alone and bool(self.given)
        if taken:  # twice as many as it did: few where they take long
            self.depth = max(self._least, min(2 * taken, MOST_IN_HAND))

    def ended(self) -> str:
        """How it died."""
        self._process.join()
        code = self._process.exitcode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def run(work: Work, items: Iterator[Item], workers: int) -> Generator[list[Record], None, None]:
    """The records of all photos, as they come: those of a short while together. Raises BulkError."""
    processes = [Process(work) for _ in range(workers)]
    again: deque[Item] = deque()
    more = True
    try:
        while True:
            for process in processes:
                if more and not again and not process.alone and len(process.given) < process.depth:
                    wanted = process.depth - len(process.given)
                    given = list(islice(items, wanted))
                    more = len(given) == wanted
                    if given:
                        process.give(given)
                if again and not process.given:
                    process.alone = True
                    process.give([again.popleft()])
            if not any(process.given for process in processes):
                return
            wait([process.pipe for process in processes])
            if more:
                time.sleep(GATHER_SECONDS)
            records: list[Record] = []
            try:
                for index, process in enumerate(processes):
                    try:
                        records.extend(process.take())
                    except (EOFError, OSError):
                        reason = process.ended()
                        if not process.ready:
                            raise BulkError(f"a process could not be started: {reason}") from None
                        if process.alone:
                            error = f"The process that parsed it died twice: {reason}."
                            lost = process.given.values()
                            records += [failure(item, "failed", error, work.settings) for item in lost]
                        else:
                            again.extend(process.given.values())
                        processes[index] = Process(work)
            except BulkError:
                yield records
                raise
            yield records
    finally:
        for process in processes:
            process.stop()


def _serve(work: Work, pipe: Connection) -> None:
    """What a process does: it ends with the pipe, so with whoever started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one who started it
    lock = Lock()

    def send(answer: Answer) -> None:
        try:
            with lock:
                pipe.send_bytes(
                    pickle.dumps(answer)
                )  # Connection.send makes a pickler of Python's own each time
        except OSError:
            os._exit(0)  # nobody wants it

    def do(item: Item) -> None:
        try:
            send((item, worker(item)))
        except BulkError as error:
            send((None, str(error)))
        except Exception as error:  # or the run would wait for this photo for ever
            send((None, f"{item.path}: {type(error).__name__}: {error}"))

    try:
        worker = Worker(work)
    except Exception as error:  # ONNX Runtime raises many kinds
        send((None, str(error)))
        return
    send((None, READY))
    with ThreadPoolExecutor(work.at_once) as pool:
        begin: Callable[[Item], object] = do if work.at_once == 1 else lambda item: pool.submit(do, item)
        while True:
            try:
                items: Sequence[Item] = pipe.recv()
            except (EOFError, OSError):
                os._exit(0)  # at once: nobody wants the rest
            for item in items:
                begin(item)
