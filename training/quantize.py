"""The int8 bundle made from a float32 one, and the F1 it loses. `train` makes it; it also runs alone:

python -m training.quantize --data faces-5k --bundle ml_core/bundles/lite      writes ml_core/bundles/lite-int8
"""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

import argparse
import shutil
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from ml_core.bundle import (
    CARD,
    MODEL,
    Bundle,
    BundleError,
    sha256_of,
)
from ml_core.labels import IGNORE
from ml_core.runtime import open_session
from ml_core.unetr.data import whole_frame
from ml_core.unetr.metrics import confusion_matrix, scores
from ml_core.unetr.quantize import quantize
from training.bundle_files import replacing, update_model_json
from training.config import ExportParams, load_params
from training.golden import write_golden_face
from training.ingest import gather
from training.manifest import Manifest
from training.options import DEFAULT_OUT, RunError, RunOptions, ending_in_one_line
from training.photos import Files, read
from training.report import write_card

Frames = NDArray[np.uint8]
Infer = Callable[[Frames], NDArray[np.float32]]
"""(1, H, W, 3) uint8 -> (1, h, w, C) logits."""


class TooLossy(RunError):
    """An int8 model that would lose more F1 than allowed."""


def quantize_bundle(source: Path, target: Path, manifest: Manifest, params: ExportParams) -> Bundle:
    """Write the int8 bundle of `source` to `target`; `evaluate` adds its figures on the test split.

    Raises TooLossy, and writes nothing, if it would lose more F1 on validation photos than params.f1_limit;
    RunError if `source` is no fp32 bundle for these classes.
    """
    try:
        bundle = Bundle.load(source)
    except BundleError as error:
        raise RunError(str(error)) from error
    if bundle.precision != "fp32" or bundle.labels.names != manifest.labels.names:
        raise RunError(f"{source} is no fp32 bundle for the classes of {manifest.name}")
    size = bundle.input_size[0]
    with replacing(target) as folder:
        quantize(
            source / MODEL, folder / MODEL, calibration_frames(manifest, size, params.calibration_photos)
        )
        graphs = {"fp32": onnx_infer(source / MODEL), "int8": onnx_infer(folder / MODEL)}
        found = compare(graphs, manifest, size, params.f1_photos, known=bundle.parity)
        if not found["f1_loss"]["int8"] <= params.f1_limit:
            raise TooLossy(
                f"{target.name} would lose {found['f1_loss']['int8']:g} points of F1 on validation photos, more "
                f"than export.f1_limit, {params.f1_limit:g}"
            )
        shutil.copyfile(source / CARD, folder / CARD)
        update_model_json(
            folder,
            name=f"{bundle.name}-int8",
            precision="int8",
            sha256=sha256_of(folder / MODEL),
            metrics={},
            parity={**bundle.parity, **found, "f1_limit": params.f1_limit},
        )
        write_golden_face(folder)
        write_card(folder)
    return Bundle.load(target)


def compare(
    graphs: Mapping[str, Infer],
    manifest: Manifest,
    size: int,
    count: int,
    *,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Mean F1 in percent on the first `count` validation photos, and the points each graph loses to the one before.

    `known` is what this returned for earlier graphs; on the same photos they are not measured again.
    """
    photos = manifest.files("val")[:count]
    on = {"f1_photos": len(photos), "f1_contents": manifest.contents}
    same = known is not None and {name: known.get(name) for name in on} == on
    f1: dict[str, float] = dict(known["f1"]) if known is not None and same else {}
    for name, infer in graphs.items():
        if name not in f1:
            f1[name] = round(100 * validation_f1(infer, photos, size, len(manifest.labels)), 2)
    loss = {name: round(before - after, 2) for (_, before), (name, after) in pairwise(f1.items())}
    return {"f1": f1, **on, "f1_loss": loss}


def validation_f1(infer: Infer, photos: Sequence[Files], size: int, classes: int) -> float:
    """Mean F1 in 0..1 over whole photos at the network's input size."""
    matrix = np.zeros((classes, classes), np.int64)
    for files in photos:
        image, truth = _frame(files, size)
        logits = cv2.resize(infer(image[None])[0], (size, size), interpolation=cv2.INTER_LINEAR)
        matrix += confusion_matrix(truth, logits.argmax(axis=-1).astype(np.uint8), classes)
    return scores(matrix).mean_f1


def frames(photos: Sequence[Files], size: int) -> Frames:
    """Whole photos as the network sees them with faces="whole": (n, size, size, 3)."""
    return np.stack([_frame(files, size)[0] for files in photos])


def calibration_frames(manifest: Manifest, size: int, count: int) -> Frames:
    """Training photos, chosen at random with a fixed seed."""
    photos = manifest.files("train")
    chosen = np.random.default_rng(0).permutation(len(photos))[:count]
    return frames([photos[index] for index in chosen], size)


def onnx_infer(path: Path) -> Infer:
    """Inference by ONNX Runtime on the CPU."""
    session = open_session(path)
    return lambda image: np.asarray(session.run(["logits"], {"image": image})[0], np.float32)


def _frame(files: Files, size: int) -> tuple[Frames, NDArray[np.uint8]]:
    return whole_frame(*read(files), size, size, ignore=IGNORE)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="as for train_unetr: the data set that the bundle was trained on")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="an fp32 bundle")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="for problems.txt; default: %(default)s"
    )
    options = parser.parse_args()
    source = options.bundle.resolve()
    target = source.with_name(f"{source.name}-int8")
    with ending_in_one_line():
        manifest = gather(RunOptions(data=options.data, out=options.out))
        made = quantize_bundle(source, target, manifest, load_params().export)
    Console().print(f"{target}: mean F1 of {made.parity['f1_photos']} validation photos: {made.parity['f1']}")


if __name__ == "__main__":
    main()
