"""All servers up at once, a few seconds of load each, in turns and in random order: for machines that others share.

python -m benchmarks.turns [--only service,fastapi] [--revision COMMIT]... [--clients 16] [--rounds 12] [--seconds 2.5]

`benchmarks.serve` has each alone on the machine, minutes apart, whose speed may have drifted by then. Here the turns
alternate, so that drift meets all alike; a server that waits uses no CPU. `--revision` adds this service as it was at a
commit, before the others and with the bundle of that name it had then. Ratios are to the first contender.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, stdev

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.contenders import CONTENDERS, Contender, install_peers, revision, running
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
    parser.add_argument("--revision", action="append", default=[], metavar="COMMIT", help="may be repeated")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each turn")
    options = parser.parse_args()
    if set(options.only) - {"service"}:
        install_peers()
    with ExitStack() as stack:
        contenders = [
            revision(commit, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            for commit in options.revision
        ]
        contenders += [CONTENDERS[name] for name in options.only]
        turns = take_turns(
            contenders, options.bundle.resolve(), options.clients, options.rounds, options.seconds
        )
    title = f"{options.clients} clients, {options.rounds} turns of {options.seconds:g} s each"
    Console(width=110).print(table(turns, title))


def take_turns(
    contenders: Sequence[Contender], bundle: Path, clients: int, rounds: int, seconds: float
) -> dict[str, list[Slice]]:
    """The slices of each contender, by its name."""
    bodies = [form(photo) for photo in photos()]
    turns: dict[str, list[Slice]] = {contender.name: [] for contender in contenders}
    with ExitStack() as stack:
        at = {}
        for contender in contenders:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            at[contender.name] = stack.enter_context(running(contender, own_bundle(contender, bundle), state))
        for _ in track(range(rounds), description="rounds"):
            for contender in random.sample(contenders, len(contenders)):
                pid, port = at[contender.name]
                turn = load(pid, port, contender.path, bodies, clients=clients, seconds=seconds)
                turns[contender.name].append(turn)
    return turns


def own_bundle(contender: Contender, bundle: Path) -> Path:
    """The contender's own bundle of that name: the format of model.json may differ between commits."""
    own = contender.root / "ml_core" / "bundles" / bundle.name
    return own if bundle.is_relative_to(ROOT) and own.is_dir() else bundle


def table(turns: dict[str, list[Slice]], title: str) -> Table:
    """Means over the turns with their standard errors, and how they compare with the first contender's turn by turn."""
    found = Table(title=title)
    for column in ("", "images/s", "of the first's", "CPU ms an image", "of the first's", "failed"):
        found.add_column(column, justify="left" if not column else "right")
    columns = {
        name: ([one.per_second for one in slices], [one.cpu_ms for one in slices])
        for name, slices in turns.items()
    }
    first = next(iter(columns.values()))
    for name, values in columns.items():
        cells = []
        for own, base in zip(values, first, strict=True):
            ratios = [one / other for one, other in zip(own, base, strict=True)]
            cells += [with_error(own, 2), with_error(ratios, 3)]
        found.add_row(name, *cells, str(sum(one.failed for one in turns[name])))
    return found


def with_error(values: Sequence[float], digits: int) -> str:
    """Their mean and its standard error."""
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{mean(values):.{digits}f} ± {error:.{digits}f}"


if __name__ == "__main__":
    main()
