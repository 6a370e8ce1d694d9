"""Where a data set comes from: a folder, an archive, a URL, or drawn faces; all of it lands in `data/`."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    else:
        source = Path(data_set.source)
        if not source.exists():
            raise DataError(
                f"data set {name}: {source} is not there; training/README.md says where to get it"
            )
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
    """Unpack a zip into `data/`, once per content. Raises DataError for anything but a zip."""
    root = CACHE / f"{archive.stem}-{sha256_of(archive)[:12]}"
    if not root.exists():
        try:
            with zipfile.ZipFile(archive) as stored, _making(root) as part:
                for member in track(stored.infolist(), description=f"unpacking {archive.name}"):
                    stored.extract(member, part)  # extract() drops drive letters, roots and ".."
        except zipfile.BadZipFile as error:
            raise DataError(f"{archive}: {error}") from error
    return _inside(root).absolute()


def _inside(root: Path) -> Path:
    """`root`, or the only folder in it, as archives often have one."""
    entries = [entry for entry in root.iterdir() if not entry.name.startswith((".", "__"))]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and entries[0].name != "images" else root
