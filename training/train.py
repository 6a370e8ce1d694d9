"""Stage 3, train: fit the network, export the best weights to ONNX in fp32 and in int8, check how well they agree."""

import fnmatch
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from ml_core.bundle import MODEL, replacing, write_model_json
from ml_core.unetr.data import PhotoSet, TrainingData
from ml_core.unetr.export import ParityError, check_parity, export_onnx
from ml_core.unetr.fit import Trainer
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget
from ml_core.unetr.targets import plain_values, target_table
from ml_core.unetr.weights import save_weights
from training.config import ExportParams, Params, load_params
from training.golden import write_golden_face
from training.ingest import Manifest, pairs
from training.options import RunError, RunOptions, run_stage
from training.prepare import check_init, read_network, read_start
from training.progress import ProgressTable
from training.quantize import TooLossy, compare, frames, onnx_infer, quantize_bundle

VERSION = "0.8.0"
PARITY = {"lite": 1e-4, "full": 1e-3}
"""How far ONNX Runtime may be from Keras in a logit."""


def train(options: RunOptions, params: Params | None = None) -> Path:
    """Fit, then export bundles without figures to `options.exported`, which is returned.

    Without --resume a run starts anew from `<out>/initial.npz`. Raises RunError.
    """
    params = params or load_params()
    check_init(options)
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
        "validation_f1": max(trainer.progress.f1),
        "validation_f1_by_epoch": [round(f1, 6) for f1 in trainer.progress.f1],
        **read_start(options.out),
    }
    return export(options, manifest, best, history, params.export)


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
    params: ExportParams,
) -> Path:
    """Export these weights as <preset> and <preset>-int8; what was exported before stays if anything fails.

    Where int8 would lose too much, it is left out and a line says so. Raises RunError where the graph does not
    answer what the Keras model answers.
    """
    net = read_network(options.out)
    model = build_unetr(net, weights=weights)
    size = net.image_size
    with replacing(options.exported) as exported:
        folder = exported / options.preset
        folder.mkdir()
        export_onnx(model, folder / MODEL)
        photos = frames(pairs(manifest.root / "val")[: params.parity_photos], size)
        try:
            parity = check_parity(model, folder / MODEL, photos, tolerance=PARITY[options.preset])
        except ParityError as error:
            raise RunError(str(error)) from error
        graphs = {"keras": model.predict_on_batch, "fp32": onnx_infer(folder / MODEL)}
        f1 = compare(graphs, manifest, size, params.f1_photos)
        save_weights(model, folder / "weights.npz", dtype=np.float16)
        _describe(folder, options, manifest, size, {**parity.to_json(), **f1}, history)
        try:
            quantize_bundle(folder, exported / f"{options.preset}-int8", manifest, params)
        except TooLossy as error:
            Console().print(f"no int8 bundle: {error}", style="yellow")
    return options.exported


def _describe(
    folder: Path,
    options: RunOptions,
    manifest: Manifest,
    size: int,
    parity: dict[str, Any],
    history: dict[str, Any],
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
        parity=parity,
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
    write_golden_face(folder)


if __name__ == "__main__":
    run_stage(train, __doc__)
