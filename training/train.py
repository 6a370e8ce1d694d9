"""Stage 3, train: fit the network, then export the best weights to ONNX in fp32 and int8."""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.data import TrainingData
from ml_core.unetr.devices import BACKEND, Devices, all_devices, join
from ml_core.unetr.feed import FeedError
from ml_core.unetr.fit import Diverged, Trainer
from ml_core.unetr.schedule import Budget, FitConfig
from ml_core.unetr.targets import plain_values, target_table
from ml_core.unetr.weights import WeightsError
from training.config import Params, params_of
from training.export import export_with_tensorflow
from training.history import Leg, Run, Start
from training.manifest import Manifest
from training.options import RunError, RunOptions, run_stage
from training.photos import PhotoSet, read_photo
from training.prepare import check_prepared, read_network
from training.progress import ProgressTable


def train(options: RunOptions, params: Params | None = None) -> Path:
    """Fit, then export bundles without figures to `options.exported`, which is returned.

    A run starts from `<out>/initial.npz`, with --resume from its last checkpoint. Of the processes of a run on several
    machines only the first exports. Raises RunError.
    """
    devices = joined()
    params = params_of(options, params)
    check_prepared(options, params)
    manifest = Manifest.read(options.out / "data.json")
    fit(options, params.fit(options.preset), read_network(options.out), manifest, devices)
    if devices.process:
        return options.exported
    return export_with_tensorflow(options, params)


def joined() -> Devices:
    """The devices of all machines of this run. Before any computation. Raises RunError."""
    try:
        join()
    except ValueError as error:
        raise RunError(str(error)) from error
    return all_devices()


def fit(
    options: RunOptions,
    config: FitConfig,
    net: UnetrConfig,
    manifest: Manifest,
    devices: Devices | None = None,
) -> Run:
    """Train to `<out>/best.npz`; `<out>/run.json` says how it went."""
    devices = devices or Devices()
    with ProgressTable(options.out, manifest.labels, about=_about(options, config, manifest)) as watcher:
        try:
            trainer = Trainer(
                config,
                net,
                training_data(manifest),
                options.out,
                watcher=watcher,
                workers=cores() if options.workers is None else options.workers,
                devices=devices,
            )
            if options.resume:
                trainer.resume()
            else:
                trainer.start(options.out / "initial.npz")
        except ValueError as error:  # WeightsError among them
            raise RunError(str(error)) from error
        watcher.console.print(
            f"Keras with {BACKEND} in {trainer.model.dtype_policy.name} on {devices.told()}, "
            f"batches from {trainer.workers} processes"
        )
        watcher.go_on_after(trainer.progress.epoch)
        try:
            trainer.run(budget(options, config.epochs))
        except (Diverged, FeedError, WeightsError) as error:
            raise RunError(str(error)) from error
    progress = trainer.progress
    run = Run(
        epochs=progress.epoch,
        minutes=progress.seconds / 60,
        samples_per_epoch=config.samples_per_epoch,
        phases=tuple(Leg.model_validate(asdict(phase)) for phase in config.phases),
        validation_f1=max(progress.f1),
        validation_f1_by_epoch=tuple(round(f1, 6) for f1 in progress.f1),
        loss_by_epoch=tuple(round(loss, 6) for loss in progress.losses),
        **dict(Start.read(options.out).to_json()),
    )
    run.write(options.out)
    return run


def _about(options: RunOptions, config: FitConfig, manifest: Manifest) -> dict[str, object]:
    """What distinguishes this run from others, for whoever compares them."""
    recipe = {name: value for name, value in asdict(config).items() if name not in ("augment", "phases")}
    phases = ", ".join(f"{phase.size} px x {phase.batch_size}" for phase in config.phases)
    init = Start.read(options.out).init
    run = {"preset": options.preset, "data": manifest.name, "init": init, "backend": BACKEND}
    return {**run, "minutes": options.minutes, **recipe, "phases": phases}


def cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


if __name__ == "__main__":
    run_stage(train, __doc__)
