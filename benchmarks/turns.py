"""All servers up at once, a few seconds of load each, in turns and in random order: for machines that others share.

python -m benchmarks.turns [--only service,fastapi] [--clients 16] [--rounds 12] [--seconds 2.5]

`benchmarks.serve` has each alone on the machine, minutes apart, whose speed may have drifted by then. Here nobody's
turn is far from the others'; a server that waits takes no time.
"""

import argparse
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, stdev

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.contenders import CONTENDERS, install_peers, running
from benchmarks.load import Slice, load
from benchmarks.photos import ROOT, form, photos
from benchmarks.serve import names


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    parser.add_argument("--only", type=names, default=list(CONTENDERS))
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each turn")
    options = parser.parse_args()
    if set(options.only) - {"service"}:
        install_peers()
    turns = take_turns(
        options.only, options.bundle.resolve(), options.clients, options.rounds, options.seconds
    )
    Console().print(
        table(turns, f"{options.clients} clients, {options.rounds} turns of {options.seconds:g} s each")
    )


def take_turns(
    only: list[str], bundle: Path, clients: int, rounds: int, seconds: float
) -> dict[str, list[Slice]]:
    """The slices of each contender, by its name."""
    bodies = [form(photo) for photo in photos()]
    turns: dict[str, list[Slice]] = {}
    with ExitStack() as stack:
        at = {}
        for name in only:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            at[name] = stack.enter_context(running(CONTENDERS[name], bundle, state))
        for _ in track(range(rounds), description="rounds"):
            for name in random.sample(only, len(only)):
                pid, port = at[name]
                path = CONTENDERS[name].path
                turn = load(pid, port, path, bodies, clients=clients, seconds=seconds)
                turns.setdefault(CONTENDERS[name].name, []).append(turn)
    return turns


def table(turns: dict[str, list[Slice]], title: str) -> Table:
    """Means over the turns, images/s with its standard error."""
    found = Table(title=title)
    for column in ("", "images/s", "CPU ms an image", "failed"):
        found.add_column(column, justify="left" if not column else "right")
    for name, slices in sorted(turns.items(), key=lambda item: -mean(one.per_second for one in item[1])):
        rates = [one.per_second for one in slices]
        error = stdev(rates) / len(rates) ** 0.5 if len(rates) > 1 else float("nan")
        cpu = mean(one.cpu_ms for one in slices)
        found.add_row(
            name, f"{mean(rates):.1f} ± {error:.1f}", f"{cpu:.2f}", str(sum(one.failed for one in slices))
        )
    return found


if __name__ == "__main__":
    main()
