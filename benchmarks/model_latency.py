"""How long one inference takes: presets x precision x engine x threads, against the plain graph in the same run.

python -m benchmarks.model_latency [--bundles ml_core/bundles] [--rounds 40] [--output docs]

Times drift on shared machines, so all variants take turns, a few inferences each, round after round; the ratio
to the plain graph is taken in each round, and its median is what counts. Presets without a bundle are exported
with random weights, which compute as long as trained ones. "Plain" is the first small UNETR exported without
ml_core.unetr.simplify: LayerNorm and GELU as the many operators that tf2onnx writes.
"""

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.photos import ROOT
from ml_core.runtime import open_session

Run = Callable[[], object]
PLAIN = "plain graph"
BURST = 3
"""Inferences a turn; the shortest counts, since whatever disturbs one makes it longer."""


@dataclass(frozen=True)
class Variant:
    """One way to compute; `times` are the milliseconds of each round."""

    network: str
    engine: str
    threads: int
    run: Run
    times: list[float]

    @property
    def name(self) -> str:
        """For plots."""
        return f"{self.network}, {self.engine}, {self.threads}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundles", type=Path, default=ROOT / "ml_core" / "bundles")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--output", type=Path, help="write model-latency.png and .json there")
    options = parser.parse_args()
    threads = [int(word) for word in options.threads.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        variants = variants_of(graphs(options.bundles, Path(folder)), threads)
        take_turns(variants, options.rounds)
    Console(width=110).print(table(variants))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        plot(variants, options.output / "model-latency.png")
        rows = [{"name": variant.name, "times_ms": variant.times} for variant in variants]
        (options.output / "model-latency.json").write_text(json.dumps(rows))


def graphs(bundles: Path, folder: Path) -> dict[str, Path]:
    """The ONNX files by name: the plain graph first, then each preset, then what int8 bundles there are."""
    found = {PLAIN: export("plain", folder / "plain-graph.onnx", simplified=False)}
    found["plain"] = export("plain", folder / "plain.onnx")
    shipped = bundles / "lite" / "model.onnx"
    found["lite"] = shipped if shipped.exists() else export("lite", folder / "lite.onnx")
    found |= {path.parent.name: path for path in sorted(bundles.glob("*-int8/model.onnx"))}
    return found


def export(preset: str, path: Path, *, simplified: bool = True) -> Path:
    """A preset with random weights as ONNX."""
    from ml_core.unetr import export as exporting
    from ml_core.unetr.config import preset as config
    from ml_core.unetr.model import build_unetr

    model = build_unetr(config(preset, num_classes=11))
    if simplified:
        exporting.export_onnx(model, path)
    else:
        with mock.patch.object(exporting, "simplify"):
            exporting.export_onnx(model, path)
    return path


def variants_of(paths: dict[str, Path], threads: Sequence[int]) -> list[Variant]:
    """Every network on every engine there is, with every number of threads."""
    engines = {"ONNX Runtime": onnx_runtime}
    if importlib.util.find_spec("openvino"):
        engines["OpenVINO"] = openvino
    photo = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    return [
        Variant(network, engine, count, opened(path, count, photo), [])
        for count in threads
        for engine, opened in engines.items()
        for network, path in paths.items()
    ]


def onnx_runtime(path: Path, threads: int, photo: NDArray[np.uint8]) -> Run:
    """As the service opens it."""
    session = open_session(path, threads=threads)
    return lambda: session.run(["logits"], {"image": photo})


def openvino(path: Path, threads: int, photo: NDArray[np.uint8]) -> Run:
    """OpenVINO's CPU plugin, tuned for one answer at a time."""
    import openvino as ov

    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = ov.Core().compile_model(str(path), "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer({"image": photo})


def take_turns(variants: Sequence[Variant], rounds: int) -> None:
    """Fill in the times."""
    for variant in variants:
        variant.run()
    for number in track(range(rounds), description="rounds"):
        # Back and forth, so that none always follows the same one.
        for variant in variants if number % 2 else reversed(variants):
            variant.times.append(min(timed(variant.run) for _ in range(BURST)))


def timed(run: Run) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def ratio(variant: Variant, variants: Sequence[Variant]) -> tuple[float, float, float]:
    """To the plain graph in ONNX Runtime on as many threads, round by round: median and quartiles."""
    plain = next(
        other
        for other in variants
        if (other.network, other.engine, other.threads) == (PLAIN, "ONNX Runtime", variant.threads)
    )
    low, middle, high = np.percentile(np.divide(variant.times, plain.times), (25, 50, 75))
    return float(middle), float(low), float(high)


def table(variants: Sequence[Variant]) -> Table:
    """For the terminal."""
    found = Table(title="one inference at 256 x 256")
    for column in ("network", "engine", "threads", "median ms", "of the plain graph", "quartiles"):
        found.add_column(column, justify="left" if column in ("network", "engine") else "right")
    for variant in variants:
        middle, low, high = ratio(variant, variants)
        figures = (f"{np.median(variant.times):.1f}", f"{middle:.2f}", f"{low:.2f} - {high:.2f}")
        found.add_row(variant.network, variant.engine, str(variant.threads), *figures)
    return found


def plot(variants: Sequence[Variant], path: Path) -> None:
    """A bar for each ratio, with its quartiles."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    ratios = np.array([ratio(variant, variants) for variant in variants])
    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(variants) + 1), layout="constrained")
    errors = np.abs(ratios[:, 1:].T - ratios[:, 0])
    axes.barh([variant.name for variant in variants], ratios[:, 0], xerr=errors, color="#4878a8")
    axes.invert_yaxis()
    axes.set(xlabel="time of the plain graph in ONNX Runtime on as many threads")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
