"""The options that every stage and the whole pipeline share. Imports nothing that only training installs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

_Number = TypeVar("_Number", int, float)

STOPPED = "Stopped. The same command with --resume goes on after the last finished epoch."
DEFAULT_OUT = Path("outputs/train")


class RunError(ValueError):
    """What a person can mend about a run that cannot go on: its message says how, no traceback is needed."""


@dataclass(frozen=True)
class RunOptions:
    """One training run. `out` receives everything the run makes; its bundles lie in out/bundles."""

    preset: str = "lite"
    data: str | None = None
    epochs: int | None = None
    minutes: float | None = None
    resume: bool = False
    init: Path | None = None
    out: Path = DEFAULT_OUT

    @property
    def exported(self) -> Path:
        """What `train` exports: <preset> and <preset>-int8, bundles without figures."""
        return self.out / "exported"

    @property
    def bundle(self) -> Path:
        """The finished bundle in float32, which `evaluate` writes, with the int8 one beside it."""
        return self.out / "bundles" / self.preset


NAMES = tuple(field.name for field in fields(RunOptions))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of RunOptions."""
    parser.add_argument("--preset", choices=["lite", "full"], default="lite", help="size of the network")
    parser.add_argument(
        "--data",
        help="a data set of training/config.yaml, or a folder, zip or URL in LaPa's layout (default: synthetic)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=_positive(int), help="train so many epochs in all")
    length.add_argument("--minutes", type=_positive(float), help="train for so many minutes in all")
    parser.add_argument("--resume", action="store_true", help="go on where the run in --out stopped")
    parser.add_argument(
        "--init", type=Path, metavar="BUNDLE", help="start from a bundle's weights, not random ones"
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="default: %(default)s")


def parse_options(description: str | None, arguments: Sequence[str] | None = None) -> RunOptions:
    """Read the command line of a stage."""
    parser = argparse.ArgumentParser(description=description)
    add_arguments(parser)
    return RunOptions(**vars(parser.parse_args(arguments)))


def run_stage(stage: Callable[[RunOptions], object], description: str | None) -> None:
    """The main program of a stage: errors that a person can mend end it with their message alone."""
    try:
        stage(parse_options(description))
    except RunError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(STOPPED)


def _positive(kind: type[_Number]) -> Callable[[str], _Number]:
    def parse(text: str) -> _Number:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError("must be more than 0")
        return value

    return parse
