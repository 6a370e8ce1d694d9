"""Decoding in a process that is ended when it takes too long or too much memory.

A thread cannot stop C code. So an image that is not plain (`ml_core.containers`) is decoded in a process of its own:
a small one is started once, knows nothing of the service, and is forked for each image. The kernel ends the fork at
its limits. The photo and its pixels are in anonymous shared memory, which is gone with the last process that has it.
"""

import atexit
import fcntl
import json
import mmap
import os
import socket
import subprocess  # nosec B404  # one program of ours, without a shell
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ml_core import image_errors
from ml_core.containers import walk
from ml_core.cpu_time import elsewhere
from ml_core.image_errors import DecodingStopped
from ml_core.images import MAX_PIXELS, Decoded, read
from ml_core.sandboxed import write

AVAILABLE = hasattr(os, "memfd_create")
"""Linux. Elsewhere all images are decoded in the process itself."""
ROOT = Path(__file__).resolve().parent.parent
ANSWER_BYTES = 4096
ASK_SECONDS = 0.25
"""How often it is asked, while an image is decoded, whether it is still wanted."""


class Sandbox:
    """Decodes as `ml_core.images.read` does; `seconds` of CPU an image at most, and five times that by the clock."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self.process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lock = threading.Lock()
        atexit.register(self.stop)

    def read(
        self,
        data: bytes,
        *,
        max_pixels: int = MAX_PIXELS,
        keep_going: Callable[[], object] = lambda: None,
    ) -> Decoded:
        """Pixels and whether they are damaged. Raises what `read` does, and DecodingStopped.

        While it waits `keep_going` is asked again and again; if that raises, the decoder is ended.
        """
        if not AVAILABLE or walk(data):
            return read(data, max_pixels=max_pixels, walked=AVAILABLE)
        shared = os.memfd_create("image", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            write(shared, data)
            return _decoded(shared, self._ask(shared, max_pixels, keep_going))
        finally:
            os.close(shared)

    def start(self) -> None:
        """Start the process that is forked, unless it runs; the first image would otherwise wait for it."""
        with self._lock:
            if not self._runs():
                self._start()

    def _runs(self) -> bool:
        """Whether the process still holds its end of the socket."""
        if self._control is None:
            return False
        try:
            return bool(self._control.recv(1, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def stop(self) -> None:
        """End the process, which would otherwise end with this one."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._control is not None and self.process is not None:
            self._control.close()
            self.process.kill()
            self.process.wait()

    def _start(self) -> None:
        self._end()
        self._control, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with child:
            self.process = subprocess.Popen(  # noqa: S603  # nosec B603
                [sys.executable, "-W", "ignore", "-m", "ml_core.sandboxed", str(child.fileno())],
                env={"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=[child.fileno()],
                start_new_session=True,
            )

    def _ask(self, shared: int, max_pixels: int, keep_going: Callable[[], object]) -> dict[str, Any]:
        """What the fork says of the image in `shared`, where it leaves the pixels."""
        job = json.dumps({"seconds": self.seconds, "max_pixels": max_pixels}).encode()
        for _ in range(2):
            self.start()
            if answer := self._answer(job, shared, keep_going):
                found: dict[str, Any] = json.loads(answer)
                return found
            if self._runs():
                break  # it was the fork that ended
        raise DecodingStopped("The image takes too long or too much memory to decode.")

    def _answer(self, job: bytes, shared: int, keep_going: Callable[[], object]) -> bytes:
        """Empty if the fork, or the process before it, ended. The fork ends when `here` is closed."""
        assert self._control is not None
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with here:
            here.settimeout(ASK_SECONDS)
            with there, suppress(ConnectionError):
                socket.send_fds(self._control, [job], [shared, there.fileno()])
            latest = time.monotonic() + 10 * self.seconds + 30  # its own limits come first
            while time.monotonic() < latest:
                try:
                    return here.recv(ANSWER_BYTES)
                except TimeoutError:
                    keep_going()
        return b""


def _decoded(shared: int, answer: dict[str, Any]) -> Decoded:
    elsewhere.seconds += answer["seconds"]
    if "error" in answer:
        kind: type[Exception] = getattr(image_errors, answer["error"])
        raise kind(answer["detail"])
    height, width = answer["size"]
    fcntl.fcntl(shared, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    if os.fstat(shared).st_size != height * width * 3:
        raise DecodingStopped("The image cannot be decoded.")
    content = mmap.mmap(shared, 0, access=mmap.ACCESS_COPY)
    return Decoded(np.frombuffer(content, np.uint8).reshape(height, width, 3), answer["damaged"])
