"""A bulk run against the bare pipeline on as many processes, in turns; memory of the run as it grows.

python -m benchmarks.bulk [--photos 10000] [--turn 250] [--workers 2]

The photos are the others' (512 x 512), under as many names as it takes, with `faces=whole` and `output=mask`. Both have
their processes up all the time; the bulk run stands still while the bare pipeline has its turn, and what its processes
had in hand then is not counted. Bare: no files are read or written, and nothing is noted of a photo.

The clock is read when records are taken from the processes, so that a turn's time is that of exactly the photos whose
records came in it. Noting and publishing the last of them falls into the next turn, as that of the ones before into it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import mean

from rich.console import Console

from benchmarks.bare import Bare, bare_pipeline
from benchmarks.load import Slice
from benchmarks.photos import ROOT, photos
from benchmarks.processes import memory_mb
from benchmarks.turns import with_error
from ml_core.bundle import Bundle
from ml_core.outputs import FORMATS
from segmentation_api.bulk import processes
from segmentation_api.bulk.folder import Folder
from segmentation_api.bulk.places import Item, named
from segmentation_api.bulk.run import Tally, run
from segmentation_api.bulk.work import Record, Work

SECONDS = 2.5
"""Of the bare pipeline's turn."""
SETTLING = 3
"""Times that records are taken before a turn begins: the first have those that were computed meanwhile."""


class Turns:
    """The engine on one machine, which lets the bare pipeline have its turn after every `size` photos."""

    def __init__(self, bare: list[Bare], size: int, workers: int) -> None:
        self.bare, self.size, self.workers = bare, size, workers
        self.own: list[float] = []
        self.others: list[float] = []
        self.memory: dict[int, float] = {}

    def engine(self, work: Work, items: Iterator[Item]) -> Generator[list[Record], None, None]:
        """The clock of a turn starts once what was computed meanwhile has been taken."""
        taken, start, settling = 0, 0.0, SETTLING
        for records in processes.run(work, items, workers=self.workers):
            now = time.perf_counter()
            taken += len(records)
            if settling:
                settling -= bool(records)
                taken, start = 0, now
            elif taken >= self.size:
                self.own.append(taken / (now - start))
                self.others.append(sum(one.per_second for one in self._ask()))
                settling = SETTLING
            yield records

    def tell(self, tally: Tally, record: Record) -> None:
        """Notes how much memory the run has."""
        assert record.row["status"] == "ok", record.row
        if tally.done % 1000 == 0:
            bare = sum(memory_mb(one.process.pid) for one in self.bare)
            self.memory[tally.done] = memory_mb(os.getpid()) - bare

    def _ask(self) -> Iterator[Slice]:
        time.sleep(0.5)  # until the run's processes have nothing more to do
        for one in self.bare:
            one.ask(1, SECONDS)
        for one in self.bare:
            yield one.answer()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--turn", type=int, default=250, help="photos of a turn")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source, sink = (Folder(str(folder / name)) for name in ("photos", "results"))
        draw(Path(source.root), options.photos)
        mask = next(one for one in FORMATS if one.name == "mask")
        bundle = Bundle.load(options.bundle)
        work = Work(source, sink, options.bundle, bundle.name, ((mask, ".png"),), faces="whole")
        bare = [stack.enter_context(bare_pipeline(options.bundle)) for _ in range(options.workers)]
        turns = Turns(bare, options.turn, options.workers)
        items = named(source.photos(lambda path, reason: None, None))
        run(work, items, turns.engine, bundle, turns.tell)
    report(turns, options.workers)


def draw(folder: Path, count: int) -> None:
    """The photos under many names, 500 to a folder."""
    originals = []
    for number, photo in enumerate(photos()):
        originals.append(folder / f"{number}.photo")
        folder.mkdir(exist_ok=True)
        originals[-1].write_bytes(photo)
    for number in range(count):
        name = folder / f"{number // 500:03d}" / f"{number:06d}.jpg"
        name.parent.mkdir(exist_ok=True)
        name.hardlink_to(originals[number % len(originals)])
    for original in originals:
        original.unlink()


def report(turns: Turns, workers: int) -> None:
    """Rates over the turns with their standard errors, and memory by photos done."""
    ratios = [one / other for one, other in zip(turns.own, turns.others, strict=True)]
    console = Console(width=110)
    console.print(
        f"{workers} processes, {len(ratios)} turns: {with_error(turns.own, 1)} photos/s, bare ", end=""
    )
    console.print(f"{with_error(turns.others, 1)}; of bare {with_error(ratios, 3)}, ", end="")
    console.print(f"of the means {mean(turns.own) / mean(turns.others):.3f}")
    console.print(", ".join(f"{done:,}: {size:.0f} MB" for done, size in turns.memory.items()))


if __name__ == "__main__":
    main()
