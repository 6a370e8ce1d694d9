"""The limit: the pipeline without HTTP. Started once, it runs for a few seconds whenever it is asked to.

python -m benchmarks.bare BUNDLE: reads lines of "THREADS SECONDS", answers each with a line of JSON, a `Slice`.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.load import Slice
from benchmarks.peers.pipeline import Pipeline
from benchmarks.photos import ROOT, photos


class Bare:
    """The pipeline in a process of its own, as a server has it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def run(self, threads: int, seconds: float) -> Slice:
        """Parse photos on so many threads."""
        self.ask(threads, seconds)
        return self.answer()

    def ask(self, threads: int, seconds: float) -> None:
        """Let it begin."""
        assert self.process.stdin
        self.process.stdin.write(f"{threads} {seconds}\n")
        self.process.stdin.flush()

    def answer(self) -> Slice:
        """Wait for what was asked."""
        assert self.process.stdout
        return Slice(**json.loads(self.process.stdout.readline()))


@contextmanager
def bare_pipeline(bundle: Path) -> Iterator[Bare]:
    """A process that waits to be asked; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.bare", str(bundle)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Bare(process)


def run(pipeline: Pipeline, pictures: list[bytes], threads: int, seconds: float) -> Slice:
    """All threads share one session, as in the service."""
    taken: list[float] = []
    cpu, start = time.process_time(), time.perf_counter()

    def work(number: int) -> None:
        while time.perf_counter() - start < seconds:
            begun = time.perf_counter()
            pipeline(pictures[number % len(pictures)])
            taken.append(1000 * (time.perf_counter() - begun))
            number += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Slice(time.perf_counter() - start, taken, [], 0, time.process_time() - cpu, 0)


def main() -> None:
    """Answer until the input ends."""
    pipeline, pictures = Pipeline(Path(sys.argv[1])), photos()
    for picture in pictures:
        pipeline(picture)
    for line in sys.stdin:
        threads, seconds = line.split()
        print(json.dumps(asdict(run(pipeline, pictures, int(threads), float(seconds)))), flush=True)


if __name__ == "__main__":
    main()
