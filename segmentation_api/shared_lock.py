"""A lock of all workers, without a file that could be deleted, replaced or refused by a full disk."""

import fcntl
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType


class SharedLock:
    """Excludes threads of this process and of those it forks; the kernel frees it when its holder dies."""

    def __init__(self) -> None:
        self._threads = threading.Lock()
        if sys.platform == "linux":
            self._descriptor = os.memfd_create("lock")
        else:
            self._descriptor, path = tempfile.mkstemp()
            Path(path).unlink()

    def acquire(self, *, wait: bool = True) -> bool:
        """Whether it is held now; always so after a wait."""
        if not self._threads.acquire(blocking=wait):
            return False
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            self._threads.release()
            if wait:
                raise
            return False
        return True

    def release(self) -> None:
        """Let the next one have it."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        self._threads.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
