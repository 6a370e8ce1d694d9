"""The process that ml_core.sandbox starts: it waits for images and forks for each.

Its one argument is the file descriptor of a socket. A message is a job in JSON with two descriptors: the photo, in
shared memory that takes the pixels too, and a socket for the answer. Until the first one it has loaded no decoder, and
takes a few megabytes: many services only see plain JPEGs.
"""

import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from ml_core.image_errors import ImageError

MESSAGE_BYTES = 4096
FIXED_BYTES, PIXEL_BYTES = 256 << 20, 32
"""Of memory beyond what the process has before: at all, and for each pixel that the image has by its header."""


def main() -> None:
    """Fork until the other end of the socket is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks are reaped by the kernel
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        message, files, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 2)
        if not message:
            return
        load()
        if os.fork() == 0:
            try:
                control.close()
                work(*files, **json.loads(message))
            finally:
                os._exit(0)
        for file in files:
            os.close(file)


@cache
def load() -> None:
    """Import the decoders, which each fork would do otherwise."""
    import cv2
    from PIL import Image

    import ml_core.images  # noqa: F401

    cv2.setNumThreads(1)
    Image.init()
    gc.freeze()


def write(file: int, content: Any) -> None:
    """All bytes of a buffer, from the start of the file."""
    view, at = memoryview(content).cast("B"), 0
    while at < len(view):
        at += os.pwrite(file, view[at:], at)


def work(shared: int, answer: int, *, seconds: float, max_pixels: int) -> None:
    """Decode the photo in `shared`, put its pixels there, and answer their size or what is wrong."""
    from ml_core.images import read

    end_with(answer)
    before = limit(seconds)
    limit_memory(before, max_pixels)
    data = os.pread(shared, os.fstat(shared).st_size, 0)
    try:
        pixels, damaged = read(data, max_pixels=max_pixels, opened=partial(limit_memory, before))
    except ImageError as error:
        if isinstance(error.__context__, MemoryError):
            return  # without an answer: stopped
        found: dict[str, Any] = {"error": type(error).__name__, "detail": str(error)}
    else:
        os.ftruncate(shared, 0)
        write(shared, pixels)
        found = {"size": pixels.shape[:2], "damaged": damaged}
    found["seconds"] = time.process_time()
    socket.socket(fileno=answer).sendall(json.dumps(found).encode())


def end_with(answer: int) -> None:
    """Let the kernel end this process once nobody waits for its answer: SIGIO tells that the other end was closed."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(answer, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(answer, fcntl.F_SETFL, fcntl.fcntl(answer, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(answer, 0)
    if poll.poll(0):  # closed before
        os._exit(0)


def limit(seconds: float) -> int:
    """Let the kernel end this process after so many seconds of CPU, or five times as many by the clock.

    Returns the bytes of memory that it has now.
    """
    for timer, end, after in (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, 5 * seconds),  # other processes want the cores too
    ):
        signal.signal(end, signal.SIG_DFL)
        signal.setitimer(timer, after)
    with suppress(OSError):  # what runs out of memory is the decoder, not the service
        Path("/proc/self/oom_score_adj").write_text("900")
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def limit_memory(before: int, pixels: int) -> None:
    """Beyond what the process had `before`, in bytes, an image of so many pixels has its share."""
    most = before + FIXED_BYTES + PIXEL_BYTES * pixels
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
