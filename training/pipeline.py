"""The four stages in a row, without DVC: what `manage.py train_unetr` runs."""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.text import Text

from ml_core.segmenter import Segmenter
from ml_core.unetr.config import PRESETS
from training.config import Params, load_config, params_of
from training.evaluate import evaluate
from training.ingest import ingest
from training.logs import log_file
from training.manifest import Manifest
from training.options import RunOptions, run_stage
from training.photos import Image
from training.pictures import contact_sheet
from training.prepare import prepare
from training.train import joined, train

EXAMPLES = 3
"""Test photos on the picture at the end."""


def run(options: RunOptions, *, params: Params | None = None) -> None:
    """Ingest, prepare, train, evaluate; volumes all in one. Raises RunError, before any long work where possible."""
    if PRESETS[options.preset].get("spatial_dims") == 3:
        from training import volumes  # it imports TensorFlow

        with log_file(options.out, "run"):
            volumes.run(options, params)
        return
    options.check_resume()
    with log_file(options.out, "run"):
        _stages(options, params)


def _stages(options: RunOptions, params: Params | None) -> None:
    devices = joined()
    config = load_config()
    params_of(options, params)
    console = Console()
    console.rule("1/4 ingest")
    manifest = ingest(options, config)
    console.print(f"{manifest.name}: {manifest.counts} in {manifest.root}", soft_wrap=True)
    console.rule("2/4 prepare")
    prepare(options, params)
    console.rule("3/4 train")
    train(options, params)
    if devices.process:
        console.print("trained; the first machine of the run exports and evaluates")
        return
    console.rule("4/4 evaluate")
    finished = evaluate(options, params)
    bundles, name = options.bundle.parent, options.bundle.name
    served = f"{name}-int8" if f"{name}-int8" in finished else name
    show_examples(console, bundles / served, manifest, options.out / "examples.png")
    console.print(
        f"the bundle is {bundles / served}; serve it with MODELS_DIR={bundles} MODEL={served} make serve",
        soft_wrap=True,
    )


def show_examples(console: Console, bundle: Path, manifest: Manifest, path: Path) -> None:
    """Write what the bundle finds in a few test photos, and show it on a terminal with colours."""
    sheet = contact_sheet(Segmenter.load(bundle), manifest.files("test")[:EXAMPLES], path)
    console.print(f"photo, overlay, classes found and classes labelled: {path}", soft_wrap=True)
    if console.is_terminal and console.color_system in ("256", "truecolor"):
        console.print(in_blocks(sheet, min(console.width, 96)))


def in_blocks(pixels: Image, columns: int) -> Text:
    """An (H, W, 3) RGB picture as characters, each with one pixel above another."""
    lines = max(1, round(pixels.shape[0] / pixels.shape[1] * columns / 2))
    small = cv2.resize(pixels, (columns, 2 * lines), interpolation=cv2.INTER_AREA)
    text = Text()
    for line in range(lines):
        for upper, lower in zip(small[2 * line], small[2 * line + 1], strict=True):
            text.append("▀", style=f"rgb({_rgb(upper)}) on rgb({_rgb(lower)})")
        text.append("\n")
    return text


def _rgb(pixel: Image) -> str:
    return ",".join(str(int(value)) for value in np.ravel(pixel))


if __name__ == "__main__":
    run_stage(run, __doc__)
