"""What a thread's work costs, that included which other threads and processes do for it."""

import threading
import time


class Elsewhere(threading.local):
    """What others have done for this thread."""

    seconds = 0.0
    """Of CPU."""


elsewhere = Elsewhere()


def cpu_time() -> float:
    """CPU seconds of this thread so far, and of those that decoded its images and computed with it."""
    return time.thread_time() + elsewhere.seconds
