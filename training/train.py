"""Stage 3, train: fit the network, export the best weights to ONNX in fp32 and int8, and check their parity."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ml_core.bundle import MODEL
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import TrainingData
from ml_core.unetr.export import ParityError, check_parity, export_onnx
from ml_core.unetr.fit import BEST, Trainer
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget, FitConfig
from ml_core.unetr.targets import plain_values, target_table
from ml_core.unetr.weights import WeightsError, load_weights, save_weights
from training.bundle_files import replacing, write_model_json
from training.config import ExportParams, Params, load_params
from training.golden import write_golden_face
from training.history import Leg, Run, Start
from training.manifest import Manifest
from training.options import RunError, RunOptions, run_stage
from training.photos import PhotoSet, read_photo
from training.prepare import check_prepared, read_network
from training.progress import ProgressTable
from training.quantize import TooLossy, compare, frames, onnx_infer, quantize_bundle

PARITY = {"plain": 1e-4, "lite": 1e-4, "base": 1e-4}
"""How far ONNX Runtime may be from Keras in a logit; the larger networks add up more roundings."""
LARGE_PARITY = 1e-3


def train(options: RunOptions, params: Params | None = None) -> Path:
    """Fit, then export bundles without figures to `options.exported`, which is returned.

    A run starts from `<out>/initial.npz`, with --resume from its last checkpoint. Raises RunError.
    """
    params = params or load_params()
    check_prepared(options, params)
    manifest = Manifest.read(options.out / "data.json")
    net, config = read_network(options.out), params.fit(options.preset)
    history = fit(options, config, net, manifest)
    return export(options, manifest, net, history, params.export)


def fit(options: RunOptions, config: FitConfig, net: UnetrConfig, manifest: Manifest) -> Run:
    """Train to `<out>/best.npz`."""
    with ProgressTable(options.out, manifest.labels) as watcher:
        trainer = Trainer(config, net, training_data(manifest), options.out, watcher=watcher)
        try:
            if options.resume:
                trainer.resume()
            else:
                trainer.start(options.out / "initial.npz")
        except WeightsError as error:
            raise RunError(str(error)) from error
        watcher.go_on_after(trainer.progress.epoch)
        trainer.run(budget(options, config.epochs))
    progress = trainer.progress
    return Run(
        epochs=progress.epoch,
        minutes=progress.seconds / 60,
        samples_per_epoch=config.samples_per_epoch,
        phases=tuple(Leg.model_validate(asdict(phase)) for phase in config.phases),
        validation_f1=max(progress.f1),
        validation_f1_by_epoch=tuple(round(f1, 6) for f1 in progress.f1),
        **dict(Start.read(options.out).to_json()),
    )


def budget(options: RunOptions, epochs: int) -> Budget:
    """--minutes or --epochs, else the preset's own number of epochs."""
    if options.minutes is not None:
        return Budget(minutes=options.minutes)
    return Budget(epochs=options.epochs or epochs)


def training_data(manifest: Manifest) -> TrainingData:
    """The manifest's sets, with their label values turned into target codes."""
    plain = plain_values(manifest.labels)
    table = target_table(manifest.labels, [other.values for other in manifest.extra])
    own = table.lookup(plain)
    return TrainingData(
        labels=manifest.labels,
        table=table,
        train=(
            PhotoSet(tuple(manifest.files("train")), own),
            *(
                PhotoSet(tuple(other.files(held_out=False)), table.lookup(other.values), other.weight)
                for other in manifest.extra
            ),
        ),
        val=PhotoSet(tuple(manifest.files("val")), own),
        scenes=[partial(read_photo, path) for path in manifest.scene_photos(held_out=False)],
    )


def export(
    options: RunOptions,
    manifest: Manifest,
    net: UnetrConfig,
    history: Run,
    params: ExportParams,
) -> Path:
    """Export `<out>/best.npz` as <name> and <name>-int8; what was exported before stays if anything fails.

    An int8 model that would lose too much F1 is left out, with a warning. Raises RunError when ONNX Runtime's
    output is not that of Keras.
    """
    model = build_unetr(net)
    load_weights(model, options.out / BEST)
    size, name = net.image_size, options.bundle_name
    with replacing(options.exported) as exported:
        folder = exported / name
        folder.mkdir()
        export_onnx(model, folder / MODEL)
        photos = frames(manifest.files("val")[: params.parity_photos], size)
        try:
            parity = check_parity(
                model, folder / MODEL, photos, tolerance=PARITY.get(options.preset, LARGE_PARITY)
            )
        except ParityError as error:
            raise RunError(str(error)) from error
        graphs = {"keras": model.predict_on_batch, "fp32": onnx_infer(folder / MODEL)}
        f1 = compare(graphs, manifest, size, params.f1_photos)
        save_weights(model, folder / "weights.npz", dtype=np.float16)
        _describe(folder, options, manifest, net, {**parity.to_json(), **f1}, history)
        try:
            quantize_bundle(folder, exported / f"{name}-int8", manifest, params)
        except TooLossy as error:
            Console().print(f"no int8 bundle: {error}", style="yellow")
    return options.exported


def _describe(
    folder: Path,
    options: RunOptions,
    manifest: Manifest,
    net: UnetrConfig,
    parity: dict[str, Any],
    history: Run,
) -> None:
    """Write model.json and the golden image; `evaluate` adds the figures and the card."""
    write_model_json(
        folder,
        name=options.bundle_name,
        version=options.version,
        labels=manifest.labels,
        input_size=(net.image_size, net.image_size),
        temperature=1.0,
        metrics={},
        parity=parity,
        data={
            "name": manifest.name,
            "sha256": manifest.sha256,
            "train_with": [other.name for other in manifest.extra],
            "scenes": manifest.scenes.name if manifest.scenes else None,
        },
        licence=manifest.licence,
        network=net.to_dict(),
        training=history.to_json(),
    )
    write_golden_face(folder)


if __name__ == "__main__":
    run_stage(train, __doc__)
