"""The options that every stage and the whole pipeline share. Imports nothing that only training installs."""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from ml_core.unetr.config import PRESETS
from ml_core.unetr.interrupt import sigterm_as_ctrl_c
from training.logs import log_file

_Number = TypeVar("_Number", int, float)

DEFAULT_OUT = Path("outputs/train")


class RunError(ValueError):
    """Why a run cannot go on, where the user can do something about it: shown as its message, no traceback."""


@dataclass(frozen=True)
class RunOptions:
    """One training run. `out` receives everything the run makes; its bundles lie in out/bundles.

    name, version  of the bundle; the name defaults to the preset
    batch_size ... class_weights  in place of what params.yaml says, see FitConfig
    workers  processes that make batches; None: one a core
    quick    evaluate on few photos
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
    batch_size: int | None = None
    learning_rate: float | None = None
    encoder_rate: float | None = None
    accumulate: int | None = None
    patience: int | None = None
    class_weights: str | dict[str, float] | None = None
    workers: int | None = None
    quick: bool = False

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

    @property
    def stopped(self) -> str:
        """What Ctrl+C ends the run with."""
        if PRESETS[self.preset].get("spatial_dims") == 3:
            return "Stopped. A run on volumes cannot be resumed."
        if not self.checkpoint.exists():
            return "Stopped before the first checkpoint: the same command starts anew."
        return "Stopped. The same command with --resume goes on from the last checkpoint."

    def of_the_bundle(self) -> list[str]:
        """The arguments that say which run to export, and under which name."""
        arguments = ["--preset", self.preset, "--out", str(self.out), "--version", self.version]
        return [
            *arguments,
            *(["--name", self.name] if self.name else []),
            *(["--quick"] if self.quick else []),
        ]

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
    _add_recipe(parser.add_argument_group("recipe", "in place of what training/params.yaml says"))
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that make batches; 0: none but the run's own (default: one a core)",
    )
    parser.add_argument("--quick", action="store_true", help="evaluate on few photos, without robustness")


def _add_recipe(parser: argparse._ArgumentGroup) -> None:
    """How to train."""
    parser.add_argument(
        "--batch-size", type=_positive(int), metavar="N", help="samples in a batch, at every size"
    )
    parser.add_argument(
        "--learning-rate", type=_positive(float), metavar="R", help="the highest; the last one scales with it"
    )
    parser.add_argument(
        "--encoder-rate",
        type=_share,
        metavar="S",
        help="the encoder's share of the rate, to fine-tune --init: 0.1",
    )
    parser.add_argument(
        "--accumulate",
        type=_positive(int),
        metavar="N",
        help="average the gradients of N batches for each step",
    )
    parser.add_argument(
        "--patience",
        type=_positive(int),
        metavar="N",
        help="end after N epochs without a better validation F1",
    )
    parser.add_argument(
        "--class-weights", type=_weights, metavar="W", help="of the loss: `frequency`, or hair=2,nose=1.5"
    )


def parse_options(description: str | None, arguments: Sequence[str] | None = None) -> RunOptions:
    """Read the command line of a stage."""
    parser = argparse.ArgumentParser(description=description)
    add_arguments(parser)
    return RunOptions(**vars(parser.parse_args(arguments)))


def run_stage(stage: Callable[[RunOptions], object], description: str | None) -> None:
    """The main program of a stage."""
    options = parse_options(description)
    with (
        ending_in_one_line(lambda: options.stopped),
        log_file(options.out, getattr(stage, "__name__", "stage")),
    ):
        stage(options)


@contextmanager
def ending_in_one_line(stopped: Callable[[], str] = lambda: "Stopped.") -> Iterator[None]:
    """End the program with a message and no traceback on Ctrl+C, SIGTERM and errors that the user can mend.

    Those are RunError and what the system refuses: a full disk, a folder without permission.
    stopped: gives the message after Ctrl+C.
    """
    try:
        with sigterm_as_ctrl_c():
            yield
    except (RunError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(stopped())


def _plain(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", text):
        raise argparse.ArgumentTypeError("letters, digits and . _ + - only, beginning with a letter or digit")
    return text


def _weights(text: str) -> str | dict[str, float]:
    if text == "frequency":
        return text
    try:
        return {
            _named(name): _positive(float)(value)
            for name, _, value in (row.partition("=") for row in text.split(","))
        }
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            "say `frequency`, or classes with weights of more than 0, as in hair=2,nose=1.5"
        ) from None


def _share(text: str) -> float:
    if not 0 < (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 1")
    return value


def _named(name: str) -> str:
    if not name.strip():
        raise ValueError("a class has a name")
    return name


def _count(text: str) -> int:
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


def _positive(kind: type[_Number]) -> Callable[[str], _Number]:
    def parse(text: str) -> _Number:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError("must be more than 0 and finite")
        return value

    parse.__name__ = kind.__name__  # argparse tells what it could not read by it
    return parse
