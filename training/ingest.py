"""Stage 1, ingest: fetch, verify, unpack or draw the data, check every file of it, and write data.json."""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

from pathlib import Path

from rich.console import Console

from ml_core.labels import LabelSet, UnknownClass
from training.checks import check_files, refuse
from training.classes import NAME, read_classes, read_cut
from training.config import Config, ConfigError, DataSet, load_config
from training.history import Prepared, check_data
from training.lapa import LAPA
from training.layouts import SPLITS, has_splits, split_folder, split_match
from training.logs import LOG
from training.manifest import ExtraSet, Manifest, SceneSet
from training.masks import in_colors, to_ids
from training.options import RunError, RunOptions, run_stage
from training.photos import PHOTO_SUFFIXES, DataError, UnusableFiles, without_photo
from training.sources import CACHE, locate
from training.staging import making


def ingest(options: RunOptions, config: Config | None = None) -> Manifest:
    """Make the run's data ready and write `<out>/data.json`. Raises ConfigError or DataError.

    With --resume the data stays that of the run, which need not be named: RunError where it is another or has changed.
    """
    config = config or load_config()
    manifest = _data_of_the_run(options, config) if options.resume else gather(options, config)
    manifest.write(options.out / "data.json")
    LOG.info("%s: %s in %s", manifest.name, manifest.counts, manifest.root)
    return manifest


def gather(options: RunOptions, config: Config | None = None) -> Manifest:
    """Make the data that the options name ready, for a run or to measure a bundle. Raises ConfigError or DataError."""
    config = config or load_config()
    name, data_set = config.find(options.data)
    if data_set.agreement:
        Console(stderr=True).print(f"{name}: {data_set.agreement}", style="yellow", soft_wrap=True)
    try:
        manifest = _manifest(name, data_set, config)
    except UnusableFiles as error:
        refuse(error.problems, options.out / "problems.txt")
    _compare(manifest, data_set)
    manifest = _checked(manifest, options.out)
    _tell_left_out(manifest.origin or manifest.root)
    return manifest


def _data_of_the_run(options: RunOptions, config: Config) -> Manifest:
    """The data of a run that goes on, from where data.json or --data says. Raises RunError where it is another."""
    before = _before(options.out / "data.json")
    if before and options.data is None:
        before = before.model_copy(update={"root": before.origin or before.root, "origin": None})
        for root, name in before.sets().items():
            if not root.exists():
                raise RunError(
                    f"--resume: {name} is no longer in {root}: put it back, or say by --data where it is"
                )
        manifest = _checked(before, options.out)
    else:
        name, _ = config.find(options.data)
        own = Prepared.read(options.out).data or before
        if own and own.name != name:
            raise ConfigError(f"--resume: the run in {options.out} trains on {own.name}, not on {name}")
        manifest = gather(options, config)
    check_data(options.out, manifest)
    return manifest


def _checked(manifest: Manifest, out: Path) -> Manifest:
    """With class ids and the digest of its files, each read unless it is as it was before. Raises DataError."""
    seen = out / "checked.txt"
    known = seen.read_text(encoding="utf-8") if seen.exists() else ""
    checked = check_files(manifest, out / "problems.txt", known=known)
    digest, contents = checked.split()
    manifest = _with_ids(manifest, digest).model_copy(update={"contents": contents})
    seen.parent.mkdir(parents=True, exist_ok=True)
    seen.write_text(checked, encoding="utf-8")
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
    root = locate(name, data_set, config.unpack_limit)
    listed = _class_list(root)
    labels = read_classes(listed) if listed else LAPA
    counts = {split: sum(len(files) for files in split_match(root, split)) for split in SPLITS}
    for split in SPLITS:
        if not counts[split]:
            raise DataError(
                f"{root}, {split}: no images ({', '.join(PHOTO_SUFFIXES)}) with labels (.png) of the same name; the "
                "folders are train, val and test, or images and labels alone with three photos or more"
            )
    return Manifest(
        name=name,
        labels=labels,
        cut=read_cut(listed, labels),
        root=root,
        licence=data_set.licence,
        sha256=data_set.sha256,
        counts=counts,
        extra=tuple(_extra(other, config, labels) for other in data_set.train_with),
        scenes=_scenes(data_set.scenes, config) if data_set.scenes else None,
    )


def _class_list(root: Path) -> Path | None:
    """classes.json beside the splits or one folder above."""
    found = (
        path
        for folder in (root, root.parent)
        for path in sorted(folder.glob("*"))
        if path.name.casefold() == NAME and path.is_file()
    )
    return next(found, None)


def _compare(manifest: Manifest, data_set: DataSet) -> None:
    """Warn where a published set is not whole."""
    if data_set.counts and manifest.counts != data_set.counts:
        Console(stderr=True).print(
            f"{manifest.name}: {manifest.counts} photos, but {data_set.counts} are published",
            style="yellow",
            soft_wrap=True,
        )


def _tell_left_out(root: Path) -> None:
    """Warn of label pictures without a photo: it may be of a format that is not read."""
    folders = [folder for split in SPLITS if (folder := split_folder(root, split))] or [root]
    if alone := [path for folder in folders for path in without_photo(folder)]:
        Console(stderr=True).print(
            f"{alone[0]}: no photo of this name ({', '.join(PHOTO_SUFFIXES)}), so it is left out"
            + (f", and {len(alone) - 1} more like it" if alone[1:] else ""),
            style="yellow",
            soft_wrap=True,
            markup=False,
        )


def _with_ids(manifest: Manifest, digest: str) -> Manifest:
    """The manifest of a folder whose label pictures are class ids: the same, or one made of RGB pictures."""
    files = [files for split in SPLITS for files in split_match(manifest.root, split)[0]]
    if not any(in_colors(path) for _, path in files):
        return manifest
    root = CACHE / f"{manifest.name}-ids-{digest[:12]}"
    if not root.exists():
        with making(root) as part:
            if has_splits(manifest.root):
                for split in SPLITS:
                    folder = split_folder(manifest.root, split)
                    assert folder is not None  # it has photos, or there would be no manifest
                    to_ids(folder, part / split, manifest.labels)
            else:
                to_ids(manifest.root, part, manifest.labels)
    return manifest.model_copy(update={"root": root.absolute(), "origin": manifest.root})


def _extra(name: str, config: Config, labels: LabelSet) -> ExtraSet:
    data_set = config.data_sets[name]
    if data_set.values is None:
        values: dict[int, tuple[int, ...]] = {index: (index,) for index in range(len(labels))}
    else:
        try:
            values = {value: labels.ids(names) for value, names in data_set.values.items()}
        except UnknownClass as error:
            raise ConfigError(f"data_sets.{name}.values: {error} is none of the run's classes") from error
    root = locate(name, data_set, config.unpack_limit)
    return ExtraSet(
        name=name,
        root=split_folder(root, "train") or root,
        values=values,
        hold_out=data_set.hold_out,
        weight=data_set.weight,
        licence=data_set.licence,
    )


def _scenes(name: str, config: Config) -> SceneSet:
    data_set = config.data_sets[name]
    return SceneSet(
        name=name,
        root=locate(name, data_set, config.unpack_limit),
        hold_out_every=data_set.hold_out_every,
        licence=data_set.licence,
    )


if __name__ == "__main__":
    run_stage(ingest, __doc__)
