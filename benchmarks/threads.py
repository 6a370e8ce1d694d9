"""One process with a thread a core against a process a core, each thread parsing photos one after another, in turns.

python -m benchmarks.threads [--rounds 20] [--workers 2]

The bare pipeline, without files: what is left is who waits for whom in Python, in ONNX Runtime and in memory.
"""

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks.bare import Bare, bare_pipeline
from benchmarks.photos import ROOT
from benchmarks.processes import memory_mb
from benchmarks.turns import with_error

SECONDS = 2.5
"""Of each turn."""


def rate(bare: list[Bare], threads: int) -> float:
    """Photos a second, of all of them together."""
    for one in bare:
        one.ask(threads, SECONDS)
    return sum(one.answer().per_second for one in bare)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    with ExitStack() as stack:
        one, *many = (stack.enter_context(bare_pipeline(options.bundle)) for _ in range(options.workers + 1))
        rate([one], options.workers)  # its threads' memory
        rate(many, 1)
        pairs = [(rate([one], options.workers), rate(many, 1)) for _ in range(options.rounds)]
        memory = [sum(memory_mb(bare.process.pid) for bare in side) for side in ([one], many)]
    threads, processes = zip(*pairs, strict=True)
    ratios = [own / other for own, other in pairs]
    Console(width=110).print(
        f"{options.workers} threads of one process {with_error(threads, 1)} photos/s, {memory[0]:.0f} MB; "
        f"{options.workers} processes {with_error(processes, 1)}, {memory[1]:.0f} MB; "
        f"threads of processes {with_error(ratios, 3)}"
    )


if __name__ == "__main__":
    main()
