"""Stage 3, train: fit the network, export the best weights to ONNX, check that both answer the same."""

import fnmatch
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_core.bundle import MODEL, Bundle, replacing, write_golden, write_model_json
from ml_core.segmenter import Segmenter
from ml_core.unetr.data import PhotoSet, TrainingData, whole_frame
from ml_core.unetr.export import Parity, check_parity, export_onnx
from ml_core.unetr.fit import Trainer
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget
from ml_core.unetr.targets import plain_values, target_table
from ml_core.unetr.weights import save_weights
from training.config import Params, load_params
from training.ingest import Manifest, pairs
from training.options import RunError, RunOptions, run_stage
from training.prepare import read_network
from training.progress import ProgressTable
from training.synthetic import draw_face

VERSION = "0.1.0"
PARITY = {"lite": 1e-4, "full": 1e-3}
"""How far ONNX Runtime may be from Keras in a logit."""


def train(options: RunOptions, params: Params | None = None) -> Path:
    """Fit, then export to `options.exported`, a bundle without figures, which is returned.

    Without --resume a run starts anew from `<out>/initial.npz`. Raises RunError, ParityError.
    """
    params = params or load_params()
    config = params.train[options.preset]
    manifest = Manifest.read(options.out / "data.json")
    data = training_data(manifest)
    with ProgressTable(options.out, manifest.labels) as watcher:
        trainer = Trainer(config, read_network(options.out), data, options.out, watcher=watcher)
        if not (options.resume and _resumed(trainer)):
            trainer.start(options.out / "initial.npz")
            watcher.start_anew()
        best = trainer.run(budget(options, config.epochs))
    history = {
        "epochs": trainer.progress.epoch,
        "minutes": trainer.progress.seconds / 60,
        "samples_per_epoch": config.samples_per_epoch,
        "phases": [asdict(phase) for phase in config.phases],
        "validation_f1": trainer.progress.best_f1,
        "init": str(options.init) if options.init else None,
    }
    return export(options, manifest, best, history, parity_photos=params.export.parity_photos)


def _resumed(trainer: Trainer) -> bool:
    try:
        return trainer.resume()
    except ValueError as error:
        raise RunError(f"--resume: {trainer.out} holds a run of another network ({error})") from error


def budget(options: RunOptions, epochs: int) -> Budget:
    """--minutes or --epochs, else the preset's own number of epochs."""
    if options.minutes is not None:
        return Budget(minutes=options.minutes)
    return Budget(epochs=options.epochs or epochs)


def training_data(manifest: Manifest) -> TrainingData:
    """The manifest's sets with their files listed and their label values turned into target codes."""
    plain = plain_values(manifest.labels)
    extra = [{int(value): classes for value, classes in other["values"].items()} for other in manifest.extra]
    table = target_table(manifest.labels, extra)
    train = [_photo_set(pairs(manifest.root / "train"), table.lookup(plain))]
    for other, values in zip(manifest.extra, extra, strict=True):
        kept = [pair for pair in pairs(Path(other["root"])) if not held_out(pair[0], other["hold_out"])]
        train.append(replace(_photo_set(kept, table.lookup(values)), weight=other["weight"]))
    return TrainingData(
        labels=manifest.labels,
        table=table,
        train=tuple(train),
        val=_photo_set(pairs(manifest.root / "val"), table.lookup(plain)),
        scenes=tuple(scene for scene, kept_out in scenes(manifest) if not kept_out),
    )


def scenes(manifest: Manifest) -> list[tuple[Path, bool]]:
    """The scenes without faces, each with whether it stays out of training."""
    if not manifest.scenes:
        return []
    every = manifest.scenes["hold_out_every"]
    files = sorted(Path(manifest.scenes["root"]).rglob("*.jpg"))
    return [(path, bool(every) and index % every == 0) for index, path in enumerate(files)]


def held_out(path: Path, pattern: str | None) -> bool:
    """Whether a photo stays out of training by the pattern of its set."""
    return pattern is not None and fnmatch.fnmatch(path.name, pattern)


def _photo_set(found: Iterable[tuple[Path, Path]], codes: NDArray[np.uint8]) -> PhotoSet:
    images, labels = zip(*found, strict=True)
    return PhotoSet(images, labels, codes)


def export(
    options: RunOptions,
    manifest: Manifest,
    weights: list[NDArray[Any]],
    history: dict[str, Any],
    *,
    parity_photos: int,
) -> Path:
    """Export these weights; what was exported before stays if anything fails. Raises ParityError."""
    net = read_network(options.out)
    model = build_unetr(net, weights=weights)
    size = net.image_size
    with replacing(options.exported) as folder:
        export_onnx(model, folder / MODEL)
        parity = check_parity(
            model, folder / MODEL, _photos(manifest, size, parity_photos), tolerance=PARITY[options.preset]
        )
        save_weights(model, folder / "weights.npz", dtype=np.float16)
        _describe(folder, options, manifest, size, parity, history)
    return options.exported


def _photos(manifest: Manifest, size: int, count: int) -> NDArray[np.uint8]:
    """The first validation photos as the network sees them, (count, size, size, 3)."""
    val = _photo_set(pairs(manifest.root / "val")[:count], np.arange(256, dtype=np.uint8))
    frames = [whole_frame(*val.read(index), size, size, ignore=0)[0] for index in range(len(val))]
    return np.stack(frames)


def _describe(
    folder: Path, options: RunOptions, manifest: Manifest, size: int, parity: Parity, history: dict[str, Any]
) -> None:
    """model.json and the golden image; `evaluate` adds the figures and the card."""
    write_model_json(
        folder,
        name=options.preset,
        version=VERSION,
        labels=manifest.labels,
        input_size=(size, size),
        temperature=1.0,
        metrics={},
        parity=parity.to_json(),
        data={
            "name": manifest.name,
            "sha256": manifest.sha256,
            "train_with": [other["name"] for other in manifest.extra],
            "scenes": manifest.scenes["name"] if manifest.scenes else None,
        },
        licence=manifest.licence,
        network=read_network(options.out).to_dict(),
        training=history,
    )
    golden = draw_face(size, np.random.default_rng(3))[0]
    segmenter = Segmenter(Bundle.load(folder, golden=False))
    write_golden(folder, golden, lambda image: segmenter.predict(image, faces="whole").labels)


if __name__ == "__main__":
    run_stage(train, __doc__)
