"""prometheus_client's values in memory that all workers share.

Its own multi-process mode maps a file per process: where the folder was deleted or is read-only a worker cannot start,
and where the disk is full it dies by SIGBUS. Here each process writes a column of its own, and any can read the sums.
Relied on, read in version 0.26: `values.ValueClass`, the class of all values, and `REGISTRY._names_to_collectors`.
"""

import json
import mmap
import threading
from collections.abc import Container, Iterable
from itertools import count
from typing import Any

import prometheus_client
from django.conf import settings
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, REGISTRY, values

SPARE = 8
"""Columns for workers that TTIN adds."""
VALUES = 8192
"""Doubles of a column; those beyond go into the last one together, which nobody reads."""
NAME_BYTES = 1 << 20


class Column:
    """The values of one process: doubles, and their names by lines, in the order in which they came."""

    def __init__(self) -> None:
        memory = memoryview(mmap.mmap(-1, 8 + 8 * VALUES + NAME_BYTES))
        self._used = memory[:8].cast("Q")
        self.doubles = memory[8 : 8 + 8 * VALUES].cast("d")
        self._text = memory[8 + 8 * VALUES :]
        self._indices: dict[str, int] = {}
        self._read = 0

    def indices(self) -> dict[str, int]:
        """The index of each name, those included that its process added since."""
        used = self._used[0]
        if self._read < used:
            for name in bytes(self._text[self._read : used]).decode().splitlines():
                self._indices[name] = len(self._indices)
            self._read = used
        return self._indices

    def index(self, name: str) -> int:
        """Of a name of this process, added if it is new and there is room."""
        found = self.indices().get(name)
        if found is not None:
            return found
        line = f"{name}\n".encode()
        if len(self._indices) == VALUES - 1 or self._read + len(line) > NAME_BYTES:
            return VALUES - 1
        self._text[self._read : self._read + len(line)] = line
        self._used[0] = self._read + len(line)  # last: others may be reading
        return self.indices()[name]


class SharedValue:
    """One value of a metric: changed for this process, read as the sum of all."""

    _multiprocess = False

    def __init__(
        self, kind: str, metric: str, name: str, _: Iterable[str], labels: Iterable[str], *__: str, **___: Any
    ) -> None:
        self._name = json.dumps([kind, metric, name, *labels])
        self._column: Column | None = None
        self._index = 0

    def inc(self, amount: float) -> None:
        """Add to it."""
        with _lock:
            self._own().doubles[self._index] += amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Set it, for this process."""
        with _lock:
            self._own().doubles[self._index] = value

    def get(self) -> float:
        """The sum over all processes."""
        with _lock:
            found = ((column, column.indices().get(self._name)) for column in _columns)
            return sum(column.doubles[index] for column, index in found if index is not None)

    def get_exemplar(self) -> None:
        """None are kept."""

    def _own(self) -> Column:
        """This process's column; it is another one after a fork."""
        if self._column is not _mine:
            self._column, self._index = _mine, _mine.index(self._name)
        return _mine


def make_children() -> None:
    """Give this process the labels that only others have used yet, so that its page of metrics has them."""
    with _lock:
        names = {name for column in _columns for name in column.indices()}
    for _, metric, name, *labels in map(json.loads, sorted(names)):
        if labels and not name.endswith("_bucket"):  # which have one label more than their sum
            REGISTRY._names_to_collectors[metric].labels(*labels)


def free_column(taken: Container[int]) -> int:
    """For a worker about to be forked; a number without a column where there are too many workers."""
    return next(number for number in count(1) if number not in taken)


def use_column(number: int) -> None:
    """In a new worker: go on with the counts of the one that had the column before."""
    global _mine
    _mine = _columns[number] if number < len(_columns) else Column()


def end_column(number: int) -> None:
    """In the master, when a worker has ended: what it was doing is done by nobody now; what it counted stays."""
    for column in _columns[number : number + 1]:
        for name, index in column.indices().items():
            if json.loads(name)[0] == "gauge":
                column.doubles[index] = 0


_lock = threading.Lock()
_columns = [Column() for _ in range(1 + settings.WORKERS + SPARE)]
_mine = _columns[0]
values.ValueClass = SharedValue
for of_one_process in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
    REGISTRY.unregister(of_one_process)
prometheus_client.disable_created_metrics()
