"""Decoding in a process of its own: the same pixels and errors, stopped in time, and nothing left behind."""

import io
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile_files import encoded, slow_bmp, tiff
from ml_core.cpu_time import elsewhere
from ml_core.image_errors import BrokenImage, DecodingStopped, ImageTooLarge, UnsupportedImage
from ml_core.images import decode
from ml_core.sandbox import Sandbox

PIXELS = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """With more time than anything here takes."""
    made = Sandbox(seconds=60)
    yield made
    made.stop()


def saved(form: str, mode: str = "RGB", **options: Any) -> bytes:
    """Noise as a file."""
    target = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(target, form, **options)
    return target.getvalue()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "BMP", "PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_decode(sandbox: Sandbox, form: str, mode: str) -> None:
    data = saved(form, mode)
    assert (sandbox.read(data).pixels == decode(data)).all()


def test_errors_are_those_of_decode(sandbox: Sandbox) -> None:
    bmp = encoded("BMP")
    for data, error in (
        (bmp[:100], BrokenImage),
        (b"BM but no image" * 10, UnsupportedImage),
        (bmp[:18] + struct.pack("<ii", 30_000, 30_000) + bmp[26:], ImageTooLarge),
    ):
        with pytest.raises(error) as here:
            decode(data)
        with pytest.raises(error, match=f"^{here.value}$"):
            sandbox.read(data)
    with pytest.raises(ImageTooLarge, match="more than 100 pixels"):
        sandbox.read(bmp, max_pixels=100)


def test_what_takes_too_long_is_stopped_and_costs_no_other_image() -> None:
    sandbox, slow, stopped = Sandbox(seconds=0.5), slow_bmp(), []

    def wait() -> None:
        with pytest.raises(DecodingStopped):
            sandbox.read(slow)
        stopped.append(True)

    waiting = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    assert sandbox.read(encoded("GIF")).pixels.shape == (16, 16, 3)
    for thread in waiting:
        thread.join(60)
    assert len(stopped) == 3
    while children(sandbox):  # told before they are gone altogether
        time.sleep(0.01)
    sandbox.stop()


def test_an_image_that_nobody_wants_any_more_is_not_decoded_further(sandbox: Sandbox) -> None:
    done = threading.Event()

    def until_done() -> None:
        if done.is_set():
            raise ConnectionError

    def once_it_is_decoded() -> None:
        if len(children(sandbox)) == 2:
            raise ConnectionError

    def wait() -> None:
        with suppress(ConnectionError):
            sandbox.read(slow_bmp(), keep_going=until_done)

    sandbox.start()
    earlier = threading.Thread(target=wait)
    earlier.start()
    while not (first := children(sandbox)):
        time.sleep(0.01)
    with pytest.raises(ConnectionError):
        sandbox.read(slow_bmp(24_000_000), keep_going=once_it_is_decoded)
    while len(left := children(sandbox)) == 2:
        time.sleep(0.01)
    assert left == first, "which is wanted, and takes a third of the time"
    done.set()
    earlier.join()
    while children(sandbox):
        time.sleep(0.01)


def test_its_cpu_time_counts_for_the_thread_that_asked(sandbox: Sandbox) -> None:
    for data in (encoded("GIF", (300, 300)), slow_bmp(100_000)):
        before = elsewhere.seconds
        with suppress(BrokenImage):
            sandbox.read(data)
        assert elsewhere.seconds > before


def test_what_takes_too_much_memory_is_stopped(sandbox: Sandbox) -> None:
    tiles = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    tiles += [(322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, 100)]
    with pytest.raises((DecodingStopped, BrokenImage)):
        sandbox.read(tiff("<", tiles) + bytes(1000), max_pixels=1000)


def test_it_starts_anew_after_its_process_was_killed(sandbox: Sandbox) -> None:
    first = pid(sandbox)
    os.kill(first, signal.SIGKILL)
    assert sandbox.read(encoded("BMP")).pixels.shape == (16, 16, 3)
    assert pid(sandbox) != first


def test_nothing_is_left_of_an_image(sandbox: Sandbox) -> None:
    data = saved("BMP")
    sandbox.read(data)
    before = open_files(os.getpid())
    for kept in (data, data[:500]):
        for _ in range(5):
            try:
                sandbox.read(kept)
            except BrokenImage:
                pass
    assert open_files(os.getpid()) == before
    assert open_files(pid(sandbox)) <= 4, "three standard ones and the socket"


def test_decoders_are_loaded_for_the_first_image_that_needs_the_process() -> None:
    sandbox = Sandbox(seconds=60)
    sandbox.start()
    maps = Path(f"/proc/{pid(sandbox)}/maps")
    for plain in (saved("JPEG"), saved("PNG")):
        sandbox.read(plain)
    with pytest.raises(UnsupportedImage):
        sandbox.read(b"no image")
    assert "numpy" not in maps.read_text()
    sandbox.read(saved("BMP"))
    assert "numpy" in maps.read_text()
    sandbox.stop()


def test_the_process_knows_no_secret(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    sandbox.read(encoded("BMP"))
    assert b"hunter2" not in Path(f"/proc/{pid(sandbox)}/environ").read_bytes()


def open_files(process: int) -> int:
    """How many descriptors it has."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def pid(sandbox: Sandbox) -> int:
    """The process that is forked."""
    assert sandbox.process is not None
    return sandbox.process.pid


def children(sandbox: Sandbox) -> list[str]:
    """Its forks."""
    return Path(f"/proc/{pid(sandbox)}/task/{pid(sandbox)}/children").read_text().split()
