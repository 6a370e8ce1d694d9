"""Stage 1, ingest: fetch, verify, unpack or draw the data, check every file of it, and write data.json."""

import json
from pathlib import Path

from ml_core.labels import LabelSet, UnknownClass
from training.checks import check_files
from training.config import Config, ConfigError, DataSet, load_config
from training.lapa import LAPA
from training.manifest import SPLITS, ExtraSet, Manifest, SceneSet
from training.options import RunOptions, run_stage
from training.photos import DataError, match
from training.sources import locate


def ingest(options: RunOptions, config: Config | None = None) -> Manifest:
    """Make the run's data ready and write `<out>/data.json`. Raises ConfigError or DataError.

    With --resume the data stays that of the run: naming other data is an error, and none need be named.
    """
    path = options.out / "data.json"
    before = _before(path)
    if options.resume and before and options.data is None:
        return before
    config = config or load_config()
    name, data_set = config.find(options.data)
    if options.resume and before and (name, data_set.sha256) != (before.name, before.sha256):
        raise ConfigError(f"--resume: the run in {options.out} trains on {before.name}, not on {name}")
    manifest = _manifest(name, data_set, config)
    checked = check_files(manifest, options.out / "problems.txt", known=before.checked if before else None)
    manifest = manifest.model_copy(update={"checked": checked})
    manifest.write(path)
    return manifest


def _before(path: Path) -> Manifest | None:
    """What an earlier ingest wrote, if it can be read."""
    try:
        return Manifest.read(path)
    except DataError:
        return None


def _manifest(name: str, data_set: DataSet, config: Config) -> Manifest:
    """What the run trains on, its folders in place. Raises ConfigError or DataError."""
    if data_set.layout != "lapa" or data_set.values:
        raise ConfigError(
            f"--data {name}: this set has no labels of its own to validate on, name it in `train_with`"
        )
    root = locate(name, data_set)
    labels = _class_list(root)
    counts = {split: sum(len(files) for files in match(root / split)) for split in SPLITS}
    for split in SPLITS:
        if not counts[split]:
            raise DataError(f"{root / split}: no images/*.jpg with labels/*.png of the same name")
    return Manifest(
        name=name,
        labels=labels,
        root=root,
        licence=data_set.licence,
        sha256=data_set.sha256,
        counts=counts,
        extra=tuple(_extra(other, config.data_sets[other], labels) for other in data_set.train_with),
        scenes=_scenes(data_set.scenes, config) if data_set.scenes else None,
    )


def _class_list(root: Path) -> LabelSet:
    """The classes of classes.json beside the splits, else LaPa's. Raises DataError."""
    path = root / "classes.json"
    if not path.exists():
        return LAPA
    try:
        return LabelSet.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f'{path}: not a list of {{"name": ..., "color": [r, g, b]}} in the order of the ids: {error!r}'
        ) from error


def _extra(name: str, data_set: DataSet, labels: LabelSet) -> ExtraSet:
    if data_set.values is None:
        values: dict[int, tuple[int, ...]] = {index: (index,) for index in range(len(labels))}
    else:
        try:
            values = {value: labels.ids(names) for value, names in data_set.values.items()}
        except UnknownClass as error:
            raise ConfigError(f"data_sets.{name}.values: {error} is none of the run's classes") from error
    root = locate(name, data_set)
    return ExtraSet(
        name=name,
        root=root if data_set.layout == "flat" else root / "train",
        values=values,
        hold_out=data_set.hold_out,
        weight=data_set.weight,
        licence=data_set.licence,
    )


def _scenes(name: str, config: Config) -> SceneSet:
    data_set = config.data_sets[name]
    return SceneSet(
        name=name,
        root=locate(name, data_set),
        hold_out_every=data_set.hold_out_every,
        licence=data_set.licence,
    )


if __name__ == "__main__":
    run_stage(ingest, __doc__)
