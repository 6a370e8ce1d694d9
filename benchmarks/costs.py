"""What one photo costs this service, by its size and by its output: CPU, bytes in and out, time by stage; memory.

python -m benchmarks.costs [--requests 12] [--rounds 3] [--json FILE]

One client, one request after another. CPU is that of all the service's processes, which a busy machine changes less
than any time on the clock; that of the stages is of one thread, in this process. The photos are made of the sample:
sharp in the middle of its own blurred enlargement, with the noise of a camera, so that their bytes and their decoding
are those of a photo.
"""

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from PIL import Image, ImageFilter
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.contenders import SERVICE, running
from benchmarks.photos import CONTENT_TYPE, ROOT, as_jpeg, form
from benchmarks.processes import cpu_seconds, memory_mb
from ml_core.faces import FaceFinder, default_finder
from ml_core.images import decode
from ml_core.outputs import FORMATS, OutputOptions
from ml_core.segmenter import Segmenter

BUNDLE = ROOT / "ml_core" / "bundles" / "lite-int8"
SIZES = ((512, 512), (1280, 960), (4000, 3000))
LARGEST = (8160, 6120)
"""Just below MAX_IMAGE_PIXELS."""
OUTPUTS = ("mask", "labels", "overlay", "classes", "json")
STAGES = ("decode", "locate", "infer", "encode")


@dataclass(frozen=True)
class Cost:
    """One photo, asked for one output. CPU and stages in milliseconds, medians."""

    size: tuple[int, int]
    output: str
    cpu_ms: float
    bytes_in: int
    bytes_out: int
    stages: dict[str, float]

    @property
    def per_core_second(self) -> float:
        """Images that one core makes in a second."""
        return 1000 / self.cpu_ms


@dataclass(frozen=True)
class Memory:
    """Proportional set size in MB of all processes: before, after all sizes and outputs, with the largest photos."""

    start: float
    after: float
    largest: float
    slots: int


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=12, help="in each round")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state, running(SERVICE, BUNDLE, Path(state)) as (pid, port):
        costs, memory = measure(pid, port, options.requests, options.rounds)
    Console(width=120).print(table(costs))
    Console(width=120).print(
        f"MB: {memory.start:.0f} at first, {memory.after:.0f} after these, {memory.largest:.0f} at most with "
        f"{memory.slots} photos of {LARGEST[0]} x {LARGEST[1]} at once"
    )
    if options.json:
        found = {"costs": [asdict(cost) for cost in costs], "memory": asdict(memory)}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def measure(pid: int, port: int, requests: int, rounds: int) -> tuple[list[Cost], Memory]:
    """All sizes and outputs, then the largest photos at once."""
    start = memory_mb(pid)
    cases = [(size, output) for size in SIZES for output in OUTPUTS]
    taken = {size: camera_photo(*size) for size in SIZES}
    costs = [
        cost(pid, port, size, output, taken[size], requests, rounds)
        for size, output in track(cases, description="costs")
    ]
    after, slots = memory_mb(pid), 2
    # Of those that wait for a slot some are refused after QUEUE_TIMEOUT, once they were read
    with highest_memory(pid) as seen:
        body = form(camera_photo(*LARGEST, noise=1))
        asking = [
            threading.Thread(target=ask, args=(port, "overlay", body, (200, 503))) for _ in range(2 * slots)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    return costs, Memory(start, after, max(seen), slots)


def cost(
    pid: int, port: int, size: tuple[int, int], output: str, photo: bytes, requests: int, rounds: int
) -> Cost:
    """One size and output, after two requests that do not count."""
    body = form(photo)
    for _ in range(2):
        ask(port, output, body)
    taken = []
    for _ in range(rounds):
        before = cpu_seconds(pid)
        sizes = [ask(port, output, body) for _ in range(requests)]
        taken.append(1000 * (cpu_seconds(pid) - before) / requests)
    return Cost(size, output, median(taken), len(body), sizes[-1], stages(photo, output, rounds))


def stages(photo: bytes, output: str, rounds: int) -> dict[str, float]:
    """CPU of each stage in milliseconds."""
    segmenter, finder = _loaded()
    write = next(one for one in FORMATS if one.name == output).encode
    found = segmenter.predict(photo)
    work: dict[str, Callable[[], object]] = {
        "decode": lambda: decode(photo),
        "locate": lambda: finder.find(found.image),
        "predict": lambda: segmenter.predict(photo),
        "encode": lambda: write(found, OutputOptions()),
    }
    taken = {name: median(cpu_ms(call) for _ in range(rounds)) for name, call in work.items()}
    infer = taken.pop("predict") - taken["decode"] - taken["locate"]
    return {stage: {**taken, "infer": infer}[stage] for stage in STAGES}


def cpu_ms(call: Callable[[], object]) -> float:
    """CPU of this thread."""
    start = time.thread_time()
    call()
    return 1000 * (time.thread_time() - start)


@cache
def _loaded() -> tuple[Segmenter, FaceFinder]:
    cv2.setNumThreads(1)  # as in the service: what other threads did would not be counted
    finder = default_finder(threads=1)
    return Segmenter.load(BUNDLE, threads=1, finder=finder), finder


def ask(port: int, output: str, body: bytes, allowed: tuple[int, ...] = (200,)) -> int:
    """The answer's bytes. Raises RuntimeError for any status that is not allowed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", f"/api/segment/?output={output}", body, {"Content-Type": CONTENT_TYPE})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status not in allowed:
        raise RuntimeError(f"{answer.status}: {content[:500]!r}")
    return len(content)


@contextmanager
def highest_memory(pid: int) -> Iterator[list[float]]:
    """The memory of the process tree, read again and again while the block runs."""
    seen, ended = [memory_mb(pid)], threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            seen.append(memory_mb(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def camera_photo(width: int, height: int, noise: float = 3) -> bytes:
    """The sample in the middle of a blurred enlargement of itself, with noise, as JPEG."""
    with Image.open(ROOT / "samples" / "astronaut.jpg") as file:
        sample = file.convert("RGB")
    canvas = sample.filter(ImageFilter.GaussianBlur(12)).resize((width, height))
    side = min(height, 3 * width // 4)
    canvas.paste(sample.resize((side, side)), ((width - side) // 2, (height - side) // 2))
    grain = np.random.default_rng(0).normal(0, noise, (height, width, 1)).astype(np.float32)
    return as_jpeg(Image.fromarray(np.clip(np.asarray(canvas) + grain, 0, 255).astype(np.uint8)))


def table(costs: list[Cost]) -> Table:
    """One row a size and output."""
    found = Table(title="One photo, one face; CPU of all processes; stages: CPU of one thread, ms")
    for column in ("photo", "output", "CPU ms", "images/core-s", "KB in", "KB out", *STAGES):
        found.add_column(column, justify="left" if column in ("photo", "output") else "right")
    for one in costs:
        found.add_row(
            f"{one.size[0]} x {one.size[1]}",
            one.output,
            f"{one.cpu_ms:.0f}",
            f"{one.per_core_second:.1f}",
            f"{one.bytes_in / 1000:.0f}",
            f"{one.bytes_out / 1000:.0f}",
            *(f"{one.stages[stage]:.1f}" for stage in STAGES),
        )
    return found


if __name__ == "__main__":
    main()
