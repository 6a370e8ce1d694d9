"""What Ctrl+C and SIGTERM do: a flag, so that a run stops between two steps, or one exception for both.

Signals are left alone outside of the main thread, where Python does not let handlers be set.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requested() -> Iterator[threading.Event]:
    """Within the block the first SIGINT or SIGTERM sets the event; a second one raises KeyboardInterrupt."""
    event = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    with _handled_by(handle):
        yield event


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Within the block SIGTERM raises KeyboardInterrupt, as SIGINT does, so that what is half made is removed."""
    with _handled_by(signal.default_int_handler):
        yield


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handle) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
