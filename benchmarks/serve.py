"""This service against what people would use instead: same cores, same ONNX file, same photos, one after another.

python -m benchmarks.serve [--only service,fastapi] [--clients 1,4,16,64] [--seconds 20] [--output docs]

Before and after each contender the bare pipeline runs, so that what a contender costs beyond it is taken
against a machine in the same state.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.contenders import CONTENDERS, Contender, install_peers, running
from benchmarks.load import Measured, measure
from benchmarks.peers.pipeline import CORES
from benchmarks.photos import ROOT, form, photos
from benchmarks.serve_report import plot, table, write_page

Bare = dict[int, Measured]
"""The bare pipeline by threads."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite")
    parser.add_argument(
        "--only", type=names, default=list(CONTENDERS), help="comma list of " + ", ".join(CONTENDERS)
    )
    parser.add_argument("--clients", type=numbers, default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=20, help="of each load")
    parser.add_argument("--output", type=Path, help="write performance.md, .png and .json there (docs)")
    options = parser.parse_args()
    if set(options.only) - {"service"}:
        install_peers()
    results = run_all(
        [CONTENDERS[name] for name in options.only], options.bundle, options.clients, options.seconds
    )
    Console(width=140).print(table(results))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        plot(results, options.output / "performance.png")
        write_page(results, options.output / "performance.md", seconds=options.seconds)


def names(text: str) -> list[str]:
    """Names of contenders."""
    found = text.split(",")
    if unknown := set(found) - set(CONTENDERS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(CONTENDERS)}")
    return found


def numbers(text: str) -> list[int]:
    """Whole numbers."""
    return [int(word) for word in text.split(",")]


def run_all(
    contenders: Sequence[Contender], bundle: Path, clients: Sequence[int], seconds: float
) -> list[Measured]:
    """Every contender at every number of clients, and the bare pipeline around each of them."""
    bundle = bundle.resolve()
    bodies = [form(photo) for photo in photos()]
    threads = sorted({min(count, CORES) for count in clients})
    bare = [run_bare(bundle, threads, seconds / 2)]
    results: list[Measured] = []
    for contender in track(contenders, description="contenders"):
        with tempfile.TemporaryDirectory() as state, running(contender, bundle, Path(state)) as (pid, port):
            found = [
                measure(contender.name, pid, port, contender.path, bodies, clients=count, seconds=seconds)
                for count in clients
            ]
        bare.append(run_bare(bundle, threads, seconds / 2))
        results += [beyond(row, bare[-2], bare[-1]) for row in found]
    return [*(median([run[count] for run in bare]) for count in threads), *results]


def run_bare(bundle: Path, threads: Sequence[int], seconds: float) -> Bare:
    """Each in a process of its own, as a server would be."""
    found = {}
    for count in threads:
        command = [sys.executable, "-m", "benchmarks.bare", str(bundle)]
        command += ["--threads", str(count), "--seconds", str(seconds)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        found[count] = Measured(**json.loads(done.stdout))
    return found


def beyond(row: Measured, before: Bare, after: Bare) -> Measured:
    """The row with its CPU a request beyond the bare pipeline's on as many threads, before and after it."""
    threads = min(row.clients, CORES)
    return replace(row, beyond_ms=row.cpu_ms - (before[threads].cpu_ms + after[threads].cpu_ms) / 2)


def median(runs: Sequence[Measured]) -> Measured:
    """The run in the middle by speed."""
    return sorted(runs, key=lambda run: run.per_second)[len(runs) // 2]


if __name__ == "__main__":
    main()
