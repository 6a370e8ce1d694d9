"""The tables of docs/scale.md, from the figures beside it.

python -m benchmarks.costs --json costs.json
python -m benchmarks.fleet_check --json check.json
python -m benchmarks.scale [--costs costs.json] [--check check.json]

What is given replaces its part of docs/scale.json, from which all tables between `<!-- table: NAME -->` and
`<!-- end -->` are written anew. Then the figures that the page's sentences have of them are printed: those are changed
by hand, and SERVICE_MS of benchmarks.fleet with them.
"""

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.photos import ROOT

PAGE = ROOT / "docs" / "scale.md"
FIGURES = PAGE.with_suffix(".json")
PRICES = {"c7i.xlarge": 0.1785, "c7a.xlarge": 0.2053, "c7g.xlarge": 0.1450}
"""Dollars an hour, for four vCPUs."""
USE = 0.6
"""Share of its cores that a machine is used by at the peak."""
TYPICAL = (1280, 960), "mask"
"""What replicas are counted for."""
RATES = 1000, 10_000, 100_000
Cost = dict[str, Any]
"""As benchmarks.costs.Cost."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--costs", type=Path, help="by benchmarks.costs --json")
    parser.add_argument("--check", type=Path, help="by benchmarks.fleet_check --json")
    options = parser.parse_args()
    figures: dict[str, Any] = json.loads(FIGURES.read_text())
    if options.costs:
        figures.update(json.loads(options.costs.read_text()))
    if options.check:
        figures["check"] = json.loads(options.check.read_text())
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    PAGE.write_text(filled(PAGE.read_text(), figures))
    print("\n".join(sentences(figures)))


def filled(page: str, figures: Mapping[str, Any]) -> str:
    """The page with its tables written anew."""
    tables = {
        "photo": photo_table(figures["costs"]),
        "stages": stage_table(figures["costs"]),
        "million": million_table(figures["costs"]),
        "replicas": replica_table(figures["costs"]),
        "check": check_table(figures["check"]),
    }
    for name, rows in tables.items():
        start, end = f"<!-- table: {name} -->\n", "\n<!-- end -->"
        before, marker, rest = page.partition(start)
        assert marker and end in rest, name
        page = before + start + "\n".join(rows) + rest[rest.index(end) :]
    return page


def photo_table(costs: Sequence[Cost]) -> Iterator[str]:
    """CPU and bytes by size and output."""
    yield "| photo | output | CPU ms | images per core-second | KB in | KB out |"
    yield "|---|---|---:|---:|---:|---:|"
    for one in costs:
        yield (
            f"| {_size(one)} | `{one['output']}` | {one['cpu_ms']:.0f} | {1000 / one['cpu_ms']:.1f} | "
            f"{one['bytes_in'] / 1000:,.0f} | {one['bytes_out'] / 1000:,.0f} |"
        )


def stage_table(costs: Sequence[Cost]) -> Iterator[str]:
    """Where the CPU of a size goes."""
    encoded = "mask", "overlay", "classes", "json"
    yield "| photo | decode | find the face | infer | encode `mask` | `overlay` | `classes` | `json` |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for size in dict.fromkeys(tuple(one["size"]) for one in costs):
        mask, *others = (_cost(costs, size, output)["stages"] for output in encoded)
        times = [*(mask[stage] for stage in ("decode", "locate", "infer", "encode"))]
        times += [stages["encode"] for stages in others]
        yield f"| {size[0]} x {size[1]} | " + " | ".join(f"{time:.0f}" for time in times) + " |"


def million_table(costs: Sequence[Cost]) -> Iterator[str]:
    """Core-hours and dollars of a million photos."""
    yield "| photo | output | core-hours | " + " | ".join(PRICES) + " |"
    yield "|---|---|---:" + "|---:" * len(PRICES) + "|"
    for one in costs:
        if one["output"] in ("mask", "overlay"):
            hours = one["cpu_ms"] / 3.6
            dollars = " | ".join(f"${hours / 4 / USE * price:.1f}" for price in PRICES.values())
            yield f"| {_size(one)} | `{one['output']}` | {hours:.0f} | {dollars} |"


def replica_table(costs: Sequence[Cost]) -> Iterator[str]:
    """Replicas of two cores by the rate of requests."""
    one = _cost(costs, *TYPICAL)
    yield "| requests/s | replicas | cores | network in | key look-ups/s |"
    yield "|---:|---:|---:|---:|---:|"
    for rate in RATES:
        cores, gigabits = rate * one["cpu_ms"] / 1000 / USE, rate * one["bytes_in"] * 8 / 1e9
        network = f"{gigabits:.1f}" if gigabits < 10 else f"{gigabits:.0f}"
        yield f"| {rate:,} | {math.ceil(cores / 2):,} | {math.ceil(cores):,} | {network} Gbit/s | {rate:,} |"


def check_table(check: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The simulation beside the real run."""
    yield "| load | | requests | 200/s | p50 ms | p99 ms | 503 |"
    yield "|---:|---|---:|---:|---:|---:|---:|"
    for run in check:
        load = f"{run['load']:g}"
        for name, row in run.items():
            if name != "load":
                yield (
                    f"| {load} | {name} | {row['requests']} | {row['per_second']:.2f} | {row['p50']:,.0f} | "
                    f"{row['p99']:,.0f} | {100 * row['refused']:.1f} % |"
                ).replace("|  |", "| |")
                load = ""


def sentences(figures: Mapping[str, Any]) -> Iterator[str]:
    """What the page's sentences, the simulation and its table have of these figures."""
    costs, memory = figures["costs"], figures["memory"]
    one, large = _cost(costs, *TYPICAL), _cost(costs, (4000, 3000), "mask")
    stages, seconds = one["stages"], one["cpu_ms"] / 1000
    total = sum(stages.values())
    infer, find = stages["infer"] / total, stages["locate"] / total
    yield (
        f"memory: {memory['start']:.0f} MB at first, {memory['after']:.0f} afterwards, {memory['largest']:,.0f} at most"
    )
    yield f"SERVICE_MS of benchmarks/fleet.py: {one['cpu_ms']:.0f} (then python -m benchmarks.fleet for its tables)"
    yield f"a replica: 2 x {USE} / {seconds:.3f} s = {2 * USE / seconds:.1f} requests/s"
    yield (
        f"inferring and finding: {100 * (infer + find):.0f} % of a photo's CPU; a replica takes in "
        f"{2 * USE / seconds * one['bytes_in'] * 8 / 1e6:.0f} Mbit/s, at 4000 x 3000 "
        f"{2 * USE / large['cpu_ms'] * 1000 * large['bytes_in'] * 8 / 1e6:.0f}, where decoding comes to "
        f"{100 * large['stages']['decode'] / sum(large['stages'].values()):.0f} %"
    )
    yield (
        f"a GPU takes over {100 * infer:.0f} %, leaves {100 * (1 - infer):.0f} %: a factor of {1 / (1 - infer):.1f}, "
        f"{4 * USE / seconds / (1 - infer):.0f} requests/s of four vCPUs"
    )
    yield (
        "GB out of a million photos of 1280 x 960: "
        + ", ".join(
            f"{output} {_cost(costs, TYPICAL[0], output)['bytes_out'] / 1000:,.0f}"
            for output in ("mask", "labels", "json", "overlay")
        )
        + f"; TB in: {one['bytes_in'] / 1e6:.1f}, at 4000 x 3000 {large['bytes_in'] / 1e6:.1f}"
    )


def _cost(costs: Sequence[Cost], size: Sequence[int], output: str) -> Cost:
    return next(one for one in costs if (tuple(one["size"]), one["output"]) == (tuple(size), output))


def _size(one: Cost) -> str:
    return "{} x {}".format(*one["size"])


if __name__ == "__main__":
    main()
