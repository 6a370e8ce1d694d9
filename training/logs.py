"""A log file a run: <out>/logs/<time>-<stage>.log, with what was asked for, each step's figures and how it ended."""

import logging
import platform
import subprocess  # nosec B404
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LOG = logging.getLogger("training")
NOISY = {"tensorflow": logging.ERROR, "tf2onnx": logging.WARNING}
"""What libraries say of themselves at each compilation and each pass over a graph is nothing that a user can mend."""
PACKAGES = ("keras", "tensorflow-cpu", "tensorflow", "onnxruntime", "numpy")


@contextmanager
def log_file(out: Path, stage: str) -> Iterator[None]:
    """Log to a file until the block ends; within another such block, to that one's. Raises OSError."""
    if any(isinstance(handler, logging.FileHandler) for handler in LOG.handlers):
        yield
        return
    folder = out / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(
        folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{stage}.log", encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False  # the console has it in other words
    for name, level in NOISY.items():
        logging.getLogger(name).setLevel(level)
    began = time.monotonic()
    LOG.info("%s, revision %s, %s", " ".join(sys.argv), _revision(), _versions())
    try:
        yield
        LOG.info("done")
    except KeyboardInterrupt:
        LOG.warning("stopped")
        raise
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(out)  # a full disk, as write tells of it
        LOG.error("failed: %s", error, exc_info=not isinstance(error, (ValueError, OSError)))
        raise
    finally:
        LOG.info("%.0f seconds in all", time.monotonic() - began)
        LOG.removeHandler(handler)
        LOG.propagate = True
        handler.close()


def _revision() -> str:
    """Of the working copy, or `unknown` where there is no git."""
    try:
        done = subprocess.run(  # nosec B603 B607
            ["git", "describe", "--always", "--dirty"],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
