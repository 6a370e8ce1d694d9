"""Stage 1, ingest: fetch, verify, unpack or draw the data, check it, and say where it lies in data.json."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pooch
from rich.progress import track

from ml_core.bundle import sha256_of
from ml_core.labels import IGNORE, LAPA, LabelSet
from training.config import Config, ConfigError, DataSet, load_config
from training.options import RunError, RunOptions, run_stage
from training.synthetic import draw_data_set

CACHE = Path("data")
SPLITS = ("train", "val", "test")


class DataError(RunError):
    """A data set that cannot be trained on; the message names the file and the reason."""


@dataclass(frozen=True)
class Manifest:
    """data.json: what a run trains on. Paths are absolute; `values` is empty where values are class ids."""

    name: str
    labels: LabelSet
    root: Path
    licence: str
    sha256: str | None
    counts: dict[str, int]
    extra: tuple[dict[str, Any], ...] = ()
    scenes: dict[str, Any] | None = None

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        info = {**self.__dict__, "labels": self.labels.to_json(), "root": str(self.root)}
        path.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises DataError when there is none."""
        if not path.exists():
            raise DataError(f"{path} is not there: run the ingest stage first")
        info = json.loads(path.read_text(encoding="utf-8"))
        info["labels"] = LabelSet.from_json(info["labels"])
        info["root"], info["extra"] = Path(info["root"]), tuple(info["extra"])
        return cls(**info)


def ingest(options: RunOptions, config: Config | None = None) -> Manifest:
    """Make the run's data ready and write `<out>/data.json`. Raises ConfigError or DataError."""
    config = config or load_config()
    name, data_set = config.find(options.data)
    if data_set.layout != "lapa" or data_set.values:
        raise ConfigError(
            f"--data {name}: this set has no labels of its own to validate on, name it in `train_with`"
        )
    root = _locate(name, data_set)
    labels = _class_list(root)
    counts = {split: len(pairs(root / split)) for split in SPLITS}
    for split in SPLITS:
        if not counts[split]:
            raise DataError(f"{root / split}: no images/*.jpg with labels/*.png of the same name")
    _check_labels(root, labels)
    manifest = Manifest(
        name=name,
        labels=labels,
        root=root,
        licence=data_set.licence,
        sha256=data_set.sha256,
        counts=counts,
        extra=tuple(_extra(other, config.data_sets[other], labels) for other in data_set.train_with),
        scenes=_scenes(data_set.scenes, config) if data_set.scenes else None,
    )
    manifest.write(options.out / "data.json")
    return manifest


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """The photos of a folder that have labels, with them, in the order of their names.

    Raises DataError for a photo without labels: half a data set is rarely meant.
    """
    found = []
    for image in sorted(
        path for path in (folder / "images").glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ):
        label = folder / "labels" / f"{image.stem}.png"
        if not label.exists():
            raise DataError(f"{image} has no labels: {label} is not there")
        found.append((image, label))
    return found


def _locate(name: str, data_set: DataSet) -> Path:
    """The folder of a data set: drawn, fetched or unpacked if need be."""
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
    """An empty folder that becomes `root` when the block ends well: no half-made data is ever found."""
    root.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        yield part
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _draw(name: str, data_set: DataSet) -> Path:
    assert data_set.draw is not None
    counts = {split: getattr(data_set.draw, split) for split in SPLITS}
    root = CACHE / "-".join([name, *map(str, counts.values()), str(data_set.draw.size)])
    if root.exists():
        return root.absolute()
    with _making(root) as part:
        steps = iter(track(range(sum(counts.values())), description="drawing faces"))
        draw_data_set(part, counts, size=data_set.draw.size, progress=lambda: next(steps, None))
    return root.absolute()


def _fetch(url: str, sha256: str | None) -> Path:
    """Download with a progress bar, once; pooch verifies the checksum where one is given."""
    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}" if sha256 else None, path=CACHE, progressbar=True))
    except (OSError, ValueError) as error:
        raise DataError(f"{url}: {error}") from error


def _unpack(archive: Path) -> Path:
    """Unpack a zip beside the other data, once for each content. Raises DataError for anything but a zip."""
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
    """The folder that holds the data: `root`, or the one folder in it, as archives often have."""
    entries = [entry for entry in root.iterdir() if not entry.name.startswith((".", "__"))]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and entries[0].name != "images" else root


def _class_list(root: Path) -> LabelSet:
    """The classes of classes.json beside the splits, else LaPa's."""
    path = root / "classes.json"
    if not path.exists():
        return LAPA
    try:
        return LabelSet.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: {error!r}") from error


def _check_labels(root: Path, labels: LabelSet) -> None:
    """A look at some label pictures of each split, so that a wrong data set fails now and not after an hour."""
    for split in SPLITS:
        for _, path in pairs(root / split)[::50]:
            picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if picture is None or picture.ndim != 2 or picture.dtype != np.uint8:
                raise DataError(f"{path}: not an 8-bit one-channel PNG of class ids")
            strange = sorted(set(np.unique(picture).tolist()) - set(range(len(labels))) - {IGNORE})
            if strange:
                raise DataError(
                    f"{path}: label values {strange}, but there are {len(labels)} classes and {IGNORE}"
                )


def _extra(name: str, data_set: DataSet, labels: LabelSet) -> dict[str, Any]:
    """A further training set for the manifest: where it lies, what its values mean, what stays out."""
    if data_set.values is None:
        values = {index: [index] for index in range(len(labels))}
    else:
        values = {value: list(labels.ids(names)) for value, names in data_set.values.items()}
    root = _locate(name, data_set)
    return {
        "name": name,
        "root": str(root if data_set.layout == "flat" else root / "train"),
        "values": {str(value): classes for value, classes in values.items()},
        "hold_out": data_set.hold_out,
        "weight": data_set.weight,
        "licence": data_set.licence,
    }


def _scenes(name: str, config: Config) -> dict[str, Any]:
    data_set = config.data_sets[name]
    return {
        "name": name,
        "root": str(_locate(name, data_set)),
        "hold_out_every": data_set.hold_out_every,
        "licence": data_set.licence,
    }


if __name__ == "__main__":
    run_stage(ingest, __doc__)
