"""The engine on one machine: processes with a model each, given photos through pipes.

A process that dies, of a decoder's fault or of too little memory, takes no other photo with it: what it had in hand is
given out once more, each photo alone, and one that ends its process again gets a row that says so.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from threading import Lock

from segmentation_api.bulk.places import Item
from segmentation_api.bulk.work import BulkError, Record, Work, Worker, failure

SPAWN = multiprocessing.get_context("spawn")
READY = "ready"
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

    def give(self, item: Item) -> None:
        """Hand a photo over."""
        self.given[item.path] = item
        try:
            self.pipe.send(item)
        except OSError:  # dead: its pipe says so as well
            return

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


def run(work: Work, items: Iterator[Item], workers: int) -> Generator[Record, None, None]:
    """The records of all photos, as they come. Raises BulkError."""
    processes = [Process(work) for _ in range(workers)]
    depth = work.at_once + 1  # the next one waits in the pipe
    again: deque[Item] = deque()
    more = True
    try:
        while True:
            for process in processes:
                while more and not again and not process.alone and len(process.given) < depth:
                    item = next(items, None)
                    more = item is not None
                    if item:
                        process.give(item)
                if again and not process.given:
                    process.alone = True
                    process.give(again.popleft())
            if not any(process.given for process in processes):
                return
            for pipe in wait([process.pipe for process in processes]):
                index = next(number for number, one in enumerate(processes) if one.pipe is pipe)
                process = processes[index]
                try:
                    item, record = process.pipe.recv()
                except (EOFError, OSError):
                    reason = process.ended()
                    if not process.ready:
                        raise BulkError(f"a process could not be started: {reason}") from None
                    if process.alone:
                        for item in process.given.values():
                            error = f"The process that parsed it died twice: {reason}."
                            yield failure(item, "failed", error, work.settings)
                    else:
                        again.extend(process.given.values())
                    processes[index] = Process(work)
                    continue
                if isinstance(record, str):
                    if record != READY:
                        raise BulkError(record)
                    process.ready = True
                else:
                    process.given.pop(item.path)
                    process.alone = process.alone and bool(process.given)
                    yield record
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
                pipe.send(answer)
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
                begin(pipe.recv())
            except (EOFError, OSError):
                os._exit(0)  # at once: nobody wants the rest
