"""Train the UNETR of the paper on volumes: `manage.py train_unetr --preset unetr3d --data FOLDER`.

Also alone: `python -m training.volumes --preset unetr3d --data FOLDER`. The service parses photos, so that there is no
bundle: a run leaves model.onnx, weights.npz, network.keras and model.json with the classes and the figures.
"""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

import json
import os
from pathlib import Path

import numpy as np
from rich.console import Console

from ml_core.unetr.config import preset
from ml_core.unetr.count import parameters
from ml_core.unetr.export import ParityError, check_parity, export_onnx
from ml_core.unetr.metrics import Scores
from ml_core.unetr.model import build_unetr
from ml_core.unetr.schedule import Budget
from ml_core.unetr.volumes import bare, cube, evaluate, fit
from ml_core.unetr.weights import save_weights, seed
from training.config import ConfigError, Params, params_of
from training.nifti import draw_volumes, find_volumes, read_volumes
from training.options import RunError, RunOptions, run_stage

VOLUMES, DRAWN = "volumes", Path("data/drawn-volumes")
TOLERANCE = 1e-3


def run(options: RunOptions, params: Params | None = None) -> Path:
    """Read, train, export with parity; returns the folder <out>/<name>. Raises RunError."""
    if options.resume or options.init:
        raise RunError("--resume and --init are not for volumes: start anew")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise RunError("volumes are trained on TensorFlow alone: unset KERAS_BACKEND")
    params, console = params_of(options, params), Console()
    config = params.fit(options.preset)
    data = find_volumes(_root(options.data))
    console.print(
        f"{len(data.train)} volumes to train on, {len(data.val)} for validation: {', '.join(data.classes)}"
    )
    try:
        net = preset(options.preset, num_classes=len(data.classes), image_size=params.prepare.image_size)
    except ValueError as error:
        raise ConfigError(f"params.yaml: prepare: {error}") from error
    train, val = (read_volumes(files, params.volumes.window) for files in (data.train, data.val))
    seed(config.seed)
    model = build_unetr(net)
    console.print(f"{parameters(net).total:,} parameters, cubes of {net.image_size} voxels a side")
    budget = (
        Budget(minutes=options.minutes) if options.minutes else Budget(epochs=options.epochs or config.epochs)
    )

    def report(epoch: int, loss: float, found: Scores) -> None:
        console.print(f"epoch {epoch}: loss {loss:.3f}, validation F1 {100 * found.mean_f1:.1f}")

    f1 = fit(model, config, budget, train, val, report)
    folder = options.out / options.bundle_name
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(model, folder / "model.onnx")
    rng = np.random.default_rng(0)
    cubes = np.stack([cube(val[index % len(val)], net.image_size, rng)[0] for index in range(2)])
    try:
        parity = check_parity(model, folder / "model.onnx", cubes[..., None], tolerance=TOLERANCE)
    except ParityError as error:
        raise RunError(str(error)) from error
    bare(model).save(folder / "network.keras")
    save_weights(model, folder / "weights.npz", dtype=np.float16)
    found = evaluate(model, val)
    card = {
        "name": options.bundle_name,
        "version": options.version,
        "classes": data.classes,
        "network": net.to_dict(),
        "window": params.volumes.window,
        "f1": {name: round(float(value), 4) for name, value in zip(data.classes, found.f1, strict=True)},
        "validation_f1": round(found.mean_f1, 4),
        "validation_f1_by_epoch": [round(value, 4) for value in f1],
        "parity": parity.to_json(),
    }
    (folder / "model.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    console.print(
        f"{folder}: model.onnx, {100 * found.mean_f1:.1f} mean F1; serving takes photos alone", soft_wrap=True
    )
    return folder


def _root(data: str | None) -> Path:
    """The folder; `volumes`, the default, is data/volumes, or drawn ones where that is not there."""
    if data not in (None, VOLUMES) or Path(data or VOLUMES).is_dir():
        root = Path(data or VOLUMES)
        if not root.is_dir():
            raise RunError(f"--data {data}: no such folder; volumes are read from a folder of NIfTI files")
        return root
    if (own := Path("data", VOLUMES)).is_dir():
        return own
    if not (DRAWN / "dataset.json").exists():
        draw_volumes(DRAWN, {"train": 12, "val": 4}, size=96)
    return DRAWN


if __name__ == "__main__":
    run_stage(run, __doc__)
