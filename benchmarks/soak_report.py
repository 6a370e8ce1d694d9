"""What benchmarks/soak.py measured as a plot and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.pipeline import CORES
from benchmarks.serve_report import machine

Memory = Sequence[tuple[int, float]]
"""(requests so far, MB) again and again."""


def plot(memory: Memory, settled: int, path: Path) -> None:
    """MB over the requests, with where the memory begins to count."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(9, 3.5), layout="constrained")
    axis.plot(*zip(*memory, strict=True))
    axis.axvline(settled, color="grey", ls=":", label=f"{settled} requests")
    axis.set(xlabel="requests", ylabel="MB, all processes", xlim=(0, None), ylim=(0, None))
    axis.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write_page(
    memory: Memory,
    growth: str,
    statuses: Mapping[str, int],
    killed: Mapping[str, int],
    *,
    settled: int,
    path: Path,
) -> None:
    """memory.md, with its plot beside it."""
    plot(memory, settled, path.with_suffix(".png"))
    path.write_text(
        PAGE.format(
            cores=CORES,
            machine=machine(),
            requests=memory[-1][0],
            first=memory[0][1],
            last=memory[-1][1],
            most=max(megabytes for _, megabytes in memory),
            growth=growth,
            statuses=", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())),
            image=path.with_suffix(".png").name,
            **killed,
        )
    )


PAGE = """# Memory, and the death of a worker

Written by `python -m benchmarks.soak --output docs` on {cores} cores of {machine}.

{requests} requests from 8 clients: every output, both ways of finding faces, photos of over forty sizes
up to 1600 pixels, and what is refused. Answers: {statuses}; one that was not as expected would be named with both.

The proportional set size of the master and its workers together: {first:.0f} MB at first, {last:.0f} MB at last,
{most:.0f} MB at most; **{growth}** (the last tenth's mean against the first tenth's behind them).

![MB over the number of requests]({image})

Then load from 16 clients and in its midst `kill -9` of a worker, which held {held} requests at that moment: {failed}
failed, {answered} others were answered, {busy} sent away with 503, {other} anything else.
"""
