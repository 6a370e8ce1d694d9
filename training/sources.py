"""Where a data set comes from: a folder, a zip or tar archive, a URL, or drawn faces.

Archives are unpacked and drawn faces written into `data/`.
"""

import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pooch
from rich.progress import track

from ml_core.bundle import sha256_of
from training.config import DataSet
from training.manifest import SPLITS
from training.photos import DataError
from training.synthetic import draw_data_set

CACHE = Path("data")


def locate(name: str, data_set: DataSet) -> Path:
    """The absolute folder of a data set, which is drawn, downloaded or unpacked if need be. Raises DataError."""
    if data_set.draw:
        return _draw(name, data_set)
    assert data_set.source is not None
    if "://" in data_set.source:
        source = _fetch(data_set.source, data_set.sha256)
        if not (zipfile.is_zipfile(source) or tarfile.is_tarfile(source)):
            source.unlink()  # an error page, say: fetch it again next time
            raise DataError(f"{data_set.source}: what was downloaded is neither a zip nor a tar archive")
    else:
        source = Path(data_set.source)
        if not source.exists():
            raise DataError(f"data set {name}: {source} is not there; docs/training.md says where to get it")
    if source.is_dir():
        return _inside(source).absolute()
    if data_set.sha256 and sha256_of(source) != data_set.sha256:
        raise DataError(f"data set {name}: {source} is not the file expected, its sha256 differs")
    return _unpack(source)


@contextmanager
def _making(root: Path) -> Iterator[Path]:
    """An empty folder that is renamed to `root` when the block succeeds, so that `root` is never half made."""
    root.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        yield part
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _draw(name: str, data_set: DataSet) -> Path:
    assert data_set.draw is not None
    counts: dict[str, int] = {split: getattr(data_set.draw, split) for split in SPLITS}
    root = CACHE / "-".join([name, *map(str, counts.values()), str(data_set.draw.size)])
    if root.exists():
        return root.absolute()
    with _making(root) as part:
        steps = iter(track(range(sum(counts.values())), description="drawing faces"))
        draw_data_set(part, counts, size=data_set.draw.size, progress=lambda: next(steps, None))
    return root.absolute()


def _fetch(url: str, sha256: str | None) -> Path:
    """Download once, with a progress bar; pooch verifies the checksum if there is one."""
    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}" if sha256 else None, path=CACHE, progressbar=True))
    except (OSError, ValueError) as error:
        raise DataError(f"{url}: {error}") from error


def _unpack(archive: Path) -> Path:
    """Unpack a zip or tar archive into `data/`, once per content. Raises DataError."""
    root = CACHE / f"{archive.name.partition('.')[0]}-{sha256_of(archive)[:12]}"
    if not root.exists():
        try:
            with _opened(archive) as (members, size, extract), _making(root) as part:
                free = shutil.disk_usage(part).free
                if size > free:
                    raise DataError(f"{archive}: unpacks to {size} bytes, but {CACHE} has {free} free")
                for member in track(members, description=f"unpacking {archive.name}"):
                    extract(member, part)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
            raise DataError(f"{archive}: {error}") from error
    return _inside(root).absolute()


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[Sequence[Any], int, Callable[[Any, Path], object]]]:
    """Members, unpacked size in bytes, and a function (member, folder) that extracts inside the folder only."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:  # extract() drops drive letters, roots and ".."
            members = zipped.infolist()
            yield members, sum(member.file_size for member in members), zipped.extract
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tarred:
            files = tarred.getmembers()
            total = sum(member.size for member in files)
            yield files, total, lambda member, folder: tarred.extract(member, folder, filter="data")
    else:
        start = archive.read_bytes()[:40]
        raise DataError(f"{archive}: neither a zip nor a tar archive, it begins with {start!r}")


def _inside(root: Path) -> Path:
    """The folder that holds the data: `root`, or the innermost of folders that are alone in theirs."""
    while True:
        entries = [entry for entry in root.iterdir() if not entry.name.startswith((".", "__"))]
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].name == "images":
            return root
        root = entries[0]
