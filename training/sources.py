"""Where a data set comes from: a folder, an archive, an address, or drawn faces; and where in it the data lies.

Archives are unpacked, addresses fetched, drawn faces written and CelebAMask-HQ converted into `data/`.
"""

import hashlib
from pathlib import Path

from rich.progress import track

from ml_core.bundle import sha256_of
from training.archives import unpack
from training.celebamask import convert
from training.config import DataSet
from training.fetch import fetch
from training.layouts import SPLITS, find_celebamask, find_labelled
from training.photos import DataError
from training.staging import making
from training.synthetic import draw_data_set

CACHE = Path("data")


def locate(name: str, data_set: DataSet, limit: float) -> Path:
    """The absolute folder of a data set's splits, pairs or photos. Raises DataError.

    It is drawn, fetched, unpacked (to `limit` bytes at most) or converted first if need be.
    """
    if data_set.draw:
        return _draw(name, data_set)
    folder = _folder(name, data_set, limit)
    if data_set.layout == "photos":
        return folder.absolute()
    if published := find_celebamask(folder):
        return _converted(name, published, data_set).absolute()
    return find_labelled(folder).absolute()


def _folder(name: str, data_set: DataSet, limit: float) -> Path:
    """The folder that a source is, or is unpacked to. Raises DataError."""
    assert data_set.source is not None
    if "://" in data_set.source:
        source = fetch(data_set.source, data_set.sha256, CACHE, limit)
    else:
        source = Path(data_set.source).expanduser()
        if not source.exists():
            raise DataError(
                f"data set {name}: {source} is not there; docs/training.md says where to get it"
                + (f". {data_set.agreement}" if data_set.agreement else "")
            )
    if source.is_dir():
        return source
    if data_set.sha256 and sha256_of(source) != data_set.sha256:
        raise DataError(f"data set {name}: {source} is not the file expected, its sha256 differs")
    return unpack(source, CACHE, limit)


def _draw(name: str, data_set: DataSet) -> Path:
    assert data_set.draw is not None
    counts: dict[str, int] = {split: getattr(data_set.draw, split) for split in SPLITS}
    root = CACHE / "-".join([name, *map(str, counts.values()), str(data_set.draw.size)])
    if root.exists():
        return root.absolute()
    with making(root) as part:
        steps = iter(track(range(sum(counts.values())), description="drawing faces"))
        draw_data_set(part, counts, size=data_set.draw.size, progress=lambda: next(steps, None))
    return root.absolute()


def _converted(name: str, published: Path, data_set: DataSet) -> Path:
    """CelebAMask-HQ in LaPa's layout, made once per source folder and class list."""
    stamp = f"{published.absolute()} {max(entry.stat().st_mtime_ns for entry in published.iterdir())}"
    digest = hashlib.sha256(stamp.encode()).hexdigest()[:12]
    root = CACHE / f"{name}-{data_set.classes}-{digest}"
    if not root.exists():
        with making(root) as part:
            convert(published, part, data_set.classes)
    return root
