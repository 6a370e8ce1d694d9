"""What benchmarks/serve.py measured as a table, a plot and a page."""

import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from benchmarks.load import Measured
from benchmarks.peers.pipeline import CORES

COLUMNS = [
    "", "clients", "images/s", "of bare", "p50 ms", "p99 ms", "503", "503 p99 ms", "failed", "CPU ms",
    "beyond bare ms", "MB",
]  # fmt: skip


def cells(row: Measured) -> list[str]:
    """A row as text."""

    def figure(value: float, digits: int = 1) -> str:
        return "" if math.isnan(value) else f"{value:.{digits}f}"

    return [
        row.contender,
        str(row.clients),
        figure(row.per_second),
        f"{row.of_bare:.0%}",
        figure(row.p50),
        figure(row.p99),
        str(row.busy),
        figure(row.busy_p99),
        str(row.failed),
        figure(row.cpu_ms),
        figure(row.beyond_ms, 2),
        figure(row.memory_mb, 0),
    ]


def table(results: Sequence[Measured]) -> Table:
    """For the terminal."""
    found = Table(title=f"{CORES} cores, faces=whole, 512 x 512 JPEG to mask")
    for column in COLUMNS:
        found.add_column(column, justify="left" if not column else "right")
    for row in results:
        found.add_row(*cells(row))
    return found


def plot(results: Sequence[Measured], path: Path) -> None:
    """Images/s, p50 and p99, and CPU beyond the bare pipeline, over the number of clients."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    served = [row for row in results if row.contender != "bare"]
    for name in dict.fromkeys(row.contender for row in served):
        rows = [row for row in served if row.contender == name]
        clients = [row.clients for row in rows]
        (line,) = axes[0].plot(clients, [100 * row.of_bare for row in rows], marker="o", label=name)
        axes[1].plot(clients, [row.p50 for row in rows], marker="o", color=line.get_color())
        axes[1].plot(clients, [row.p99 for row in rows], marker="^", ls="--", color=line.get_color())
        axes[2].plot(clients, [row.beyond_ms for row in rows], marker="o", color=line.get_color())
    axes[0].axhline(100, color="grey", ls=":", label="bare pipeline")
    axes[0].legend()
    titles = (
        "images/s, % of the bare pipeline's",
        "ms an accepted request: p50, p99 dashed",
        "CPU ms a request beyond bare",
    )
    for axis, title in zip(axes, titles, strict=True):
        axis.set(title=title, xlabel="clients", xscale="log")
        axis.set_xticks(
            sorted({row.clients for row in served}), [str(n) for n in sorted({row.clients for row in served})]
        )
        axis.minorticks_off()
    for axis in (axes[0], axes[2]):
        axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
    axes[1].set_yscale("log")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write_page(results: Sequence[Measured], path: Path, *, seconds: float, slice_seconds: float) -> None:
    """performance.md, and the figures beside it as JSON."""
    path.with_suffix(".json").write_text(json.dumps([asdict(row) for row in results], indent=1) + "\n")
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" + "|---:" * (len(COLUMNS) - 1) + "|"]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in results]
    path.write_text(
        PAGE.format(
            cores=CORES,
            machine=machine(),
            seconds=f"{seconds:g}",
            slice=slice_seconds,
            table="\n".join(lines),
        )
    )


def machine() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


PAGE = """# Performance

Written by `python -m benchmarks.serve --output docs`; [benchmarks/README.md](../benchmarks/README.md) says how it is
measured.

{cores} cores of {machine}; each load {seconds} s. 512 x 512 JPEGs to `mask`, `faces=whole`, one thread an inference,
the same ONNX file and the same photos for all. The clients run on the same cores and wait for each answer; one that is
sent away with 503 comes back when `Retry-After` says, and counts in the columns 503 alone.

{table}

Each load is cut into slices of {slice:g} s with the bare pipeline (decode, session, PNG, without HTTP, on a thread a
client but no more than there are cores) run before and after each, for a shared machine's speed drifts from minute to
minute. "of bare" is images/s as a share of the bare pipeline's, and "beyond bare" the CPU an image less the bare
pipeline's, both the median over the slices: these two compare from row to row, the plain figures drift.
"CPU ms" is the CPU time of all the server's processes for each image it parsed, refusals included.
"MB" is the proportional set size of all the server's processes.

![images a second, latency and CPU beyond the bare pipeline over the number of clients](performance.png)
"""
