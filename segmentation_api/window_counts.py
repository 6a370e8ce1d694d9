"""Requests by client in fixed windows: a table of fixed size in memory that all workers share.

Made before the workers are forked, like the slots: no file that could be deleted, grow, or fail where a disk is full.
"""

import mmap
import struct

from segmentation_api.shared_lock import SharedLock

ENTRY = struct.Struct("=16sdQ")
"""A client's name, the end of its window, its requests in it."""
NAME_BYTES = 16
SETS, WAYS = 8192, 8
LONGEST = 86_400
"""Seconds of the longest window; an end further away is of a clock that was set back."""


class WindowCounts:
    """Counts of up to sets * WAYS clients.

    A name has one of WAYS entries of its set. Where all are taken, the client with the fewest requests is forgotten, so
    that of many clients those over their rate are remembered.
    """

    def __init__(self, sets: int = SETS) -> None:
        self._sets = sets
        self._bytes = ENTRY.size * WAYS  # of a set
        self._table = mmap.mmap(-1, sets * self._bytes)
        self._lock = SharedLock()

    def count(self, name: bytes, duration: int, now: float) -> tuple[int, float]:
        """Count a request of the client `name`, 16 evenly distributed bytes.

        Returns its requests in the present window, this one included, and when that ends. A window of `duration`
        seconds starts with the first request after the last one.
        """
        start = int.from_bytes(name[:8], "big") % self._sets * self._bytes
        with self._lock:
            fewest, place, end, count = float("inf"), start, now + duration, 0
            for way, entry in enumerate(ENTRY.iter_unpack(self._table[start : start + self._bytes])):
                alive = now < entry[1] <= now + LONGEST
                if alive and entry[0] == name and entry[1] <= now + duration:
                    place, end, count = start + way * ENTRY.size, entry[1], entry[2]
                    break
                requests = entry[2] if alive else 0
                if requests < fewest:
                    fewest, place = requests, start + way * ENTRY.size
            ENTRY.pack_into(self._table, place, name, end, count + 1)
        return count + 1, end

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._table[:] = bytes(len(self._table))


window_counts = WindowCounts()
