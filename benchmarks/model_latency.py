"""How long one inference takes: presets x precision x engine x threads, against the plain graph in the same run.

python -m benchmarks.model_latency [--bundles ml_core/bundles] [--presets plain,lite,base] [--output docs]

All variants take turns, a few inferences each, round after round, first forwards, then backwards; the ratio to the
plain graph is taken in each round, and its median is what counts: what slows the machine slows both. With one
thread the process is bound to one core and CPU time is counted, so that other processes on that core do not count.
With more threads it is the time on the clock. Of the inferences of a turn the shortest counts.

Presets without a bundle are exported with random weights, which compute as long as trained ones, and quantised on
noise. "Plain" is the first small UNETR exported without ml_core.unetr.simplify: LayerNorm, GELU and dense layers as
the many operators that tf2onnx writes.
"""

import argparse
import gc
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.photos import ROOT
from ml_core.runtime import OPENVINO, available_providers, open_session

PLAIN = "plain graph"
BURST = 3
"""Inferences a turn."""

Clock = Callable[[], float]


@dataclass
class Variant:
    """One way to compute; `times` are the milliseconds of each round, `ratios` those to the plain graph's."""

    network: str
    precision: str
    engine: str
    threads: int
    run: Callable[[], object] | None
    times: list[float] = field(default_factory=list)
    ratios: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Median and quartiles."""

    @property
    def name(self) -> str:
        """For plots."""
        return (
            f"{self.network} {self.precision}, {self.engine}, {self.threads} thread{'s' * (self.threads > 1)}"
        )


@dataclass(frozen=True)
class Graph:
    """An ONNX file and what it is; `side` of its input in pixels."""

    network: str
    precision: str
    path: Path
    side: int


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundles", type=Path, default=ROOT / "ml_core" / "bundles")
    parser.add_argument("--presets", default="plain,lite,base", help="also: full, which takes long")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=40, help="for each number of threads")
    parser.add_argument("--seconds", type=float, default=75, help="at most, for each number of threads")
    parser.add_argument("--output", type=Path, help="write model-latency.md and .png there")
    options = parser.parse_args()
    variants: list[Variant] = []
    with tempfile.TemporaryDirectory() as folder:
        found = graphs(options.presets.split(","), options.bundles, Path(folder))
        # The most threads first: OpenVINO uses as many cores as the process might when it first looked.
        for threads in sorted(map(int, options.threads.split(",")), reverse=True):
            variants = measured(found, threads, options.rounds, options.seconds) + variants
    Console(width=120).print(table(variants))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        plot(variants, options.output / "model-latency.png")
        (options.output / "model-latency.md").write_text(report(variants), encoding="utf-8")


def graphs(presets: Sequence[str], bundles: Path, folder: Path) -> list[Graph]:
    """The plain graph first, then each preset in fp32 and int8: its bundles, or random weights."""
    from ml_core.unetr.config import preset
    from ml_core.unetr.quantize import quantize

    plain = export("plain", folder / "plain-graph.onnx", simplified=False)
    found = [Graph(PLAIN, "fp32", plain, preset("plain", num_classes=11).image_size)]
    for name in presets:
        side = preset(name, num_classes=11).image_size
        fp32, int8 = (bundles / kind / "model.onnx" for kind in (name, f"{name}-int8"))
        if not fp32.exists():
            fp32 = export(name, folder / f"{name}.onnx")
        if not int8.exists():
            int8 = folder / f"{name}-int8.onnx"
            quantize(fp32, int8, noise(2, side))
        found += [Graph(name, "fp32", fp32, side), Graph(name, "int8", int8, side)]
    return found


def export(preset: str, path: Path, *, simplified: bool = True) -> Path:
    """A preset with random weights as ONNX."""
    from ml_core.unetr import export as exporting
    from ml_core.unetr.config import preset as config
    from ml_core.unetr.model import build_unetr

    model = build_unetr(config(preset, num_classes=11))
    # As in trained networks, no scale is one and no shift zero: tf2onnx would leave such steps out.
    rng = np.random.default_rng(0)
    model.set_weights([weight + rng.uniform(0.01, 0.02, weight.shape) for weight in model.get_weights()])
    if simplified:
        exporting.export_onnx(model, path)
    else:
        with mock.patch.object(exporting, "simplify"):
            exporting.export_onnx(model, path)
    return path


def measured(found: Sequence[Graph], threads: int, rounds: int, seconds: float) -> list[Variant]:
    """Every graph in every engine there is, their turns taken."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[-threads:])
    try:
        variants = [
            Variant(graph.network, graph.precision, engine, threads, opened(graph, provider, threads))
            for engine, provider in engines().items()
            for graph in found
        ]
        take_turns(variants, rounds, seconds, time.process_time if threads == 1 else time.perf_counter)
    finally:
        os.sched_setaffinity(0, cores)
    plain = np.array(variants[0].times)
    for variant in variants:
        low, middle, high = np.percentile(np.array(variant.times) / plain, (25, 50, 75))
        variant.ratios = float(middle), float(low), float(high)
        variant.run = None  # frees the session: idle threads of one must not disturb the next ones
    gc.collect()
    return variants


def engines() -> dict[str, str]:
    """Their names and execution providers; ONNX Runtime on the CPU first."""
    found = {"ONNX Runtime": "CPUExecutionProvider"}
    if OPENVINO in available_providers():
        found["OpenVINO"] = OPENVINO
    return found


def noise(photos: int, side: int) -> NDArray[np.uint8]:
    """In the place of photos."""
    return np.random.default_rng(0).integers(0, 256, (photos, side, side, 3)).astype(np.uint8)


def opened(graph: Graph, provider: str, threads: int) -> Callable[[], object]:
    """As the service opens and asks it."""
    size = (graph.side, graph.side)
    session = open_session(graph.path, providers=[provider], threads=threads, size=size)
    photo = noise(1, graph.side)
    return lambda: session.run(["logits"], {"image": photo})


def take_turns(variants: Sequence[Variant], rounds: int, seconds: float, clock: Clock) -> None:
    """Fill in the times: as many rounds as there is time for, but at least five."""
    for variant in variants:
        timed(variant, clock)
    end = time.monotonic() + seconds
    for number in track(range(rounds), description=f"{variants[0].threads} thread(s)"):
        if number >= 5 and time.monotonic() > end:
            break
        # Back and forth, so that none always follows the same one.
        for variant in variants if number % 2 else reversed(variants):
            variant.times.append(min(timed(variant, clock) for _ in range(BURST)))


def timed(variant: Variant, clock: Clock) -> float:
    """Milliseconds."""
    assert variant.run is not None
    start = clock()
    variant.run()
    return 1000 * (clock() - start)


def rows(variants: Sequence[Variant]) -> list[tuple[str, ...]]:
    """One for each variant, as text."""
    return [
        (
            variant.network,
            variant.precision,
            variant.engine,
            str(variant.threads),
            f"{np.median(variant.times):.1f}",
            f"{variant.ratios[0]:.2f}",
            f"{variant.ratios[1]:.2f} - {variant.ratios[2]:.2f}",
        )
        for variant in variants
    ]


COLUMNS = ("network", "precision", "engine", "threads", "median ms", "of the plain graph", "quartiles")


def table(variants: Sequence[Variant]) -> Table:
    """For the terminal."""
    found = Table(*COLUMNS, title="one inference")
    for row in rows(variants):
        found.add_row(*row)
    return found


def report(variants: Sequence[Variant]) -> str:
    """model-latency.md."""
    rounds = min(len(variant.times) for variant in variants)
    packages = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "openvino"))
    lines = [
        "# How long one inference takes",
        "",
        "One face at 256 x 256, `base` at 320 x 320, written by `python -m benchmarks.model_latency --output docs` on "
        f"{processor()}, "
        f"with {packages}. Times depend on the machine; the ratios to the plain graph (the first small UNETR as "
        "tf2onnx writes it, in ONNX Runtime on as many threads) hold better: all variants take turns, the ratio is "
        f"taken in each of at least {rounds} rounds, and its median is shown. With one thread it is CPU time on one "
        "core.",
        "",
        "![the ratios as bars](model-latency.png)",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|---|---|--:|--:|--:|--:|",
        *(f"| {' | '.join(row)} |" for row in rows(variants)),
        "",
        "int8 pays where the processor has instructions for it (AVX-VNNI, AVX-512 VNNI, or in ONNX Runtime plain "
        "AVX2); OpenVINO on a processor without them, and without bf16, is no faster than ONNX Runtime.",
        "",
    ]
    return "\n".join(lines)


def processor() -> str:
    """The processor's name and the instructions that matter here."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    facts = {key.strip(): value.strip() for key, value in lines.items()}
    flags = facts.get("flags", "").split()
    known = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX-VNNI"}
    known |= {"avx512_bf16": "bf16", "amx_int8": "AMX"}
    there = [name for flag, name in known.items() if flag in flags]
    missing = [name for flag, name in known.items() if flag not in flags]
    return f"{facts.get('model name', platform.machine())} ({', '.join(there)}; no {', '.join(missing)})"


def plot(variants: Sequence[Variant], path: Path) -> None:
    """A bar for each ratio, with its quartiles."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    ratios = np.array([variant.ratios for variant in variants])
    colours = ["#c77d3a" if variant.precision == "int8" else "#4878a8" for variant in variants]
    figure, axes = pyplot.subplots(figsize=(8, 0.32 * len(variants) + 1), layout="constrained")
    errors = np.abs(ratios[:, 1:].T - ratios[:, 0])
    axes.barh([variant.name for variant in variants], ratios[:, 0], xerr=errors, color=colours)
    axes.invert_yaxis()
    axes.set(xlabel="time of the plain graph in ONNX Runtime on as many threads")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
