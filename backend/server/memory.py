"""glibc's allocator, set so that memory does not grow over thousands of photos; other C libraries are left alone.

Heaps of different threads do not share what is free in them, and large blocks fragment a heap, so there is one heap,
and blocks over 1 MiB are mapped outside it.
"""

import ctypes
import gc
import threading
import time

M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
TRIM_SECONDS = 10.0

libc = ctypes.CDLL(None)


def use_one_heap() -> None:
    """Before there are any threads: one heap for all of them."""
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, 2**20)
        libc.mallopt(M_TRIM_THRESHOLD, 2**24)


def settle() -> None:
    """The collector leaves alone what is there: the code in the master, whose pages stay shared, and a worker's models.

    A full collection is put off until garbage amounts to a quarter of what the collector looks through.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # which counts what it looks through


def trim_regularly() -> None:
    """Give free memory back to the system."""
    if hasattr(libc, "malloc_trim"):
        threading.Thread(target=_trim, name="trim-heap", daemon=True).start()


def _trim() -> None:
    while True:
        time.sleep(TRIM_SECONDS)
        libc.malloc_trim(0)
