"""Export the best weights of a run to ONNX in fp32 and int8, and check their parity. The last part of the train stage.

Needs TensorFlow, whichever backend of Keras trained the weights: `train` runs it in a process of its own where that
was another one. Alone it makes the bundles of a finished run anew.
"""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

import os
import subprocess  # nosec B404
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ml_core.bundle import MODEL
from ml_core.unetr.config import UnetrConfig
from ml_core.unetr.devices import BACKEND
from ml_core.unetr.model import build_unetr
from ml_core.unetr.weights import load_weights, save_weights
from training.bundle_files import replacing, write_model_json
from training.config import Params, measuring_params
from training.golden import write_golden_face
from training.history import Run
from training.manifest import Manifest
from training.options import RunError, RunOptions, run_stage
from training.prepare import read_network
from training.quantize import TooLossy, compare, frames, onnx_infer, quantize_bundle

ROOT = Path(__file__).resolve().parents[1]

PARITY = {"plain": 1e-4, "lite": 1e-4, "base": 1e-4}
"""How far ONNX Runtime may be from Keras in a logit; the larger networks add up more roundings."""
LARGE_PARITY = 1e-3


def export(options: RunOptions, params: Params | None = None) -> Path:
    """Export `<out>/best.npz` as <name> and <name>-int8, bundles without figures, to `options.exported`.

    What was exported before stays if anything fails. An int8 model that would lose too much F1 is left out, with a
    warning. Raises RunError when ONNX Runtime's output is not that of Keras.
    """
    from ml_core.unetr.export import ParityError, check_parity, export_onnx  # TensorFlow, for this alone

    params = measuring_params(options, params)
    manifest, history = Manifest.read(options.out / "data.json"), Run.read(options.out)
    net = read_network(options.out)
    model = build_unetr(net)
    load_weights(model, options.out / "best.npz")
    size, name = net.image_size, options.bundle_name
    with replacing(options.exported) as exported:
        folder = exported / name
        folder.mkdir()
        export_onnx(model, folder / MODEL)
        photos = frames(manifest.files("val")[: params.export.parity_photos], size)
        try:
            parity = check_parity(
                model, folder / MODEL, photos, tolerance=PARITY.get(options.preset, LARGE_PARITY)
            )
        except ParityError as error:
            raise RunError(str(error)) from error
        graphs = {"keras": model.predict_on_batch, "fp32": onnx_infer(folder / MODEL)}
        f1 = compare(graphs, manifest, size, params.export.f1_photos)
        save_weights(model, folder / "weights.npz", dtype=np.float16)
        _describe(folder, options, manifest, net, {**parity.to_json(), **f1}, history)
        try:
            quantize_bundle(folder, exported / f"{name}-int8", manifest, params.export)
        except TooLossy as error:
            Console().print(f"no int8 bundle: {error}", style="yellow")
    return options.exported


def export_with_tensorflow(options: RunOptions, params: Params | None = None) -> Path:
    """`export` here if TensorFlow is Keras' backend, else in a process where it is; that one reads params.yaml itself.

    Raises RunError.
    """
    if BACKEND == "tensorflow":
        return export(options, params)
    command = ["-m", "training.export", *options.of_the_bundle()]
    if find_spec("tensorflow") is None or find_spec("tf2onnx") is None:
        raise RunError(
            f"trained; the export needs TensorFlow: pip install -r training/requirements.txt, then python "
            f"{' '.join(command)}, and python -m training.evaluate with the same options"
        )
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, *command], env=environment)  # noqa: S603  # nosec B603
    if done.returncode:
        raise RunError(f"the export failed, see above; python {' '.join(command)} tries it again")
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
        cut=manifest.cut,
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
        licence=history.licence_with(manifest.licence),
        network=net.to_dict(),
        training=history.to_json(),
    )
    write_golden_face(folder)


def main(options: RunOptions) -> None:
    """Raises RunError under another backend than TensorFlow."""
    if BACKEND != "tensorflow":
        raise RunError(f"KERAS_BACKEND={BACKEND}: the export needs KERAS_BACKEND=tensorflow")
    export(options)


if __name__ == "__main__":
    run_stage(main, __doc__)
