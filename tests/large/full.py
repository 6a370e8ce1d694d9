"""Make a bundle of `full` with random weights, in the folder given; print the peak of memory in MiB, step by step.

python -m tests.large.full export DIR     from Keras, with the check of parity
python -m tests.large.full quantize DIR   from that bundle
"""

import resource
import sys
from pathlib import Path

import numpy as np

from ml_core.bundle import MODEL, sha256_of
from ml_core.unetr.quantize import quantize
from training.bundle_files import update_model_json, write_model_json
from training.golden import write_golden_face
from training.lapa import LAPA

SIZE = 256
PHOTOS = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)


def export(folder: Path) -> None:
    """<folder>/full. None of the scales and shifts is a 1 or 0 that an export could drop unseen."""
    from ml_core.unetr.config import preset
    from ml_core.unetr.export import check_parity, export_onnx
    from ml_core.unetr.model import build_unetr

    bundle = folder / "full"
    bundle.mkdir()
    model = build_unetr(preset("full", num_classes=len(LAPA), image_size=SIZE))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "beta", "bias", "moving_mean", "moving_variance")):
            weight.assign(weight + rng.uniform(0, 0.2, weight.shape))
    export_onnx(model, bundle / MODEL)
    parity = check_parity(model, bundle / MODEL, PHOTOS, tolerance=1e-3)
    write_model_json(
        bundle,
        name="full",
        version="0.0.1",
        labels=LAPA,
        input_size=(SIZE, SIZE),
        temperature=1.0,
        metrics={},
        parity=parity.to_json(),
        data="none: random weights",
        licence="none",
    )


def make_int8(folder: Path) -> None:
    """<folder>/full-int8."""
    source, target = folder / "full", folder / "full-int8"
    target.mkdir()
    quantize(source / MODEL, target / MODEL, PHOTOS)
    (target / "model.json").write_bytes((source / "model.json").read_bytes())
    update_model_json(
        target,
        name="full-int8",
        precision="int8",
        sha256=sha256_of(target / MODEL),
        parity={"f1_loss": {"int8": 0.0}, "f1_limit": 0.5},
    )


def write_golden(folder: Path) -> None:
    """The golden faces of both."""
    for name in ("full", "full-int8"):
        write_golden_face(folder / name)


if __name__ == "__main__":
    {"export": export, "quantize": make_int8, "golden": write_golden}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}\n")
