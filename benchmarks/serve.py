"""This service against what people would use instead: same cores, same ONNX file, same photos, one after another.

python -m benchmarks.serve [--only service,fastapi] [--clients 1,4,16,64] [--seconds 20] [--output docs]

Each load is cut into slices, and the bare pipeline runs between them, so that what a contender costs beyond it
is taken against a machine in the same state.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.bare import Bare, bare_pipeline
from benchmarks.contenders import CONTENDERS, Contender, install_peers, running
from benchmarks.load import Measured, load, summary
from benchmarks.peers.pipeline import CORES
from benchmarks.photos import ROOT, form, photos
from benchmarks.processes import memory_mb
from benchmarks.serve_report import plot, table, write_page

SLICE_SECONDS = 4.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
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
        write_page(
            results, options.output / "performance.md", seconds=options.seconds, slice_seconds=SLICE_SECONDS
        )


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
    """Every contender at every number of clients, and the bare pipeline on one thread a core."""
    bundle = bundle.resolve()
    bodies = [form(photo) for photo in photos()]
    results: list[Measured] = []
    with bare_pipeline(bundle) as bare:
        slices = [bare.run(CORES, SLICE_SECONDS) for _ in range(3)]
        results.append(summary("bare", CORES, slices[1:2], slices, float("nan")))
        for contender in track(contenders, description="contenders"):
            with tempfile.TemporaryDirectory() as state, running(contender, bundle, Path(state)) as at:
                results += [compare(contender, at, bodies, bare, count, seconds) for count in clients]
    return results


def compare(
    contender: Contender, at: tuple[int, int], bodies: list[bytes], bare: Bare, clients: int, seconds: float
) -> Measured:
    """One load, in slices between runs of the bare pipeline; `at` is the server's process id and port."""
    pid, port = at
    threads = min(clients, CORES)
    slices, around = [], [bare.run(threads, SLICE_SECONDS / 2)]
    for _ in range(max(1, round(seconds / SLICE_SECONDS))):
        slices.append(load(pid, port, contender.path, bodies, clients=clients, seconds=SLICE_SECONDS))
        around.append(bare.run(threads, SLICE_SECONDS / 2))
    return summary(contender.name, clients, slices, around, memory_mb(pid))


if __name__ == "__main__":
    main()
