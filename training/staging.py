"""Folders that are never half made."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def making(root: Path) -> Iterator[Path]:
    """An empty folder that is renamed to `root` when the block succeeds."""
    root.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        yield part
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
