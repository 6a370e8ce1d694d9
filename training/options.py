"""The options that every stage and the whole pipeline share. Imports nothing that only training installs."""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from ml_core.unetr.config import PRESETS
from training.logs import log_file

_Number = TypeVar("_Number", int, float)

STOPPED = "Stopped. The same command with --resume goes on from the last checkpoint."
DEFAULT_OUT = Path("outputs/train")


class RunError(ValueError):
    """Why a run cannot go on, where the user can do something about it: shown as its message, no traceback."""


@dataclass(frozen=True)
class RunOptions:
    """One training run. `out` receives everything the run makes; its bundles lie in out/bundles.

    name, version  of the bundle; the name defaults to the preset
    """

    preset: str = "lite"
    data: str | None = None
    epochs: int | None = None
    minutes: float | None = None
    resume: bool = False
    init: Path | None = None
    out: Path = DEFAULT_OUT
    name: str | None = None
    version: str = "0.1.0"

    @property
    def bundle_name(self) -> str:
        """Name and folder of the float32 bundle; the int8 one has `-int8` appended."""
        return self.name or self.preset

    @property
    def checkpoint(self) -> Path:
        """What --resume goes on from."""
        return self.out / "last.npz"

    @property
    def exported(self) -> Path:
        """What `train` exports: <name> and <name>-int8, bundles without figures."""
        return self.out / "exported"

    @property
    def bundle(self) -> Path:
        """The finished bundle in float32, which `evaluate` writes, with the int8 one beside it."""
        return self.out / "bundles" / self.bundle_name

    def check_resume(self) -> None:
        """Raises RunError where --resume has nothing to resume."""
        if self.resume and not self.checkpoint.exists():
            raise RunError(
                f"--resume: nothing to resume, {self.checkpoint} is not there; train without --resume"
            )


NAMES = tuple(field.name for field in fields(RunOptions))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of RunOptions."""
    parser.add_argument("--preset", choices=list(PRESETS), default="lite", help="size of the network")
    parser.add_argument(
        "--data",
        help="a data set of training/config.yaml, or a folder, archive or URL in LaPa's layout (default: synthetic)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=_positive(int), help="train so many epochs in all")
    length.add_argument("--minutes", type=_positive(float), help="train for so many minutes in all")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint of the run in --out"
    )
    parser.add_argument(
        "--init",
        type=Path,
        metavar="BUNDLE|FILE",
        help="start from a bundle's weights, or a ViT's in a .npz or .safetensors file, not random ones",
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--name", type=_plain, help="of the bundle (default: the preset)")
    parser.add_argument(
        "--version", type=_plain, default=RunOptions.version, help="of the weights; default: %(default)s"
    )


def parse_options(description: str | None, arguments: Sequence[str] | None = None) -> RunOptions:
    """Read the command line of a stage."""
    parser = argparse.ArgumentParser(description=description)
    add_arguments(parser)
    return RunOptions(**vars(parser.parse_args(arguments)))


def run_stage(stage: Callable[[RunOptions], object], description: str | None) -> None:
    """The main program of a stage."""
    with ending_in_one_line(STOPPED):
        options = parse_options(description)
        with log_file(options.out, getattr(stage, "__name__", "stage")):
            stage(options)


@contextmanager
def ending_in_one_line(stopped: str = "Stopped.") -> Iterator[None]:
    """End the program with a message and no traceback on Ctrl+C and on errors that the user can mend.

    Those are RunError and what the system refuses: a full disk, a folder without permission.
    """
    try:
        yield
    except (RunError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(stopped)


def _plain(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", text):
        raise argparse.ArgumentTypeError("letters, digits and . _ + - only, beginning with a letter or digit")
    return text


def _positive(kind: type[_Number]) -> Callable[[str], _Number]:
    def parse(text: str) -> _Number:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError("must be more than 0")
        return value

    return parse
