"""A fleet on paper: replicas behind a balancer over a day whose load rises and falls, autoscaled, losing nodes.

python -m benchmarks.fleet [--peak 100] [--hours 1] [--ms 114] [--retries 0] [--losses 2]

Service times have the mean CPU of a photo that benchmarks.costs measured, and the spread that benchmarks.fleet_check
saw. The autoscaler has the figures of docker/k8s. `--hours` is how long the day lasts: in a short one the load rises
faster than in a real one, which is harder on the autoscaler.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.replicas import Answer, Fleet, ReplicaSize, Scaling, lognormal

SERVICE_MS = 114.0
"""CPU of a 1280 x 960 photo to a mask, by docs/scale.md."""
SPREAD = 0.4
"""Coefficient of variation of the service time."""


def poisson(rate: Callable[[float], float], highest: float, until: float, random: Random) -> list[float]:
    """Arrival times of a Poisson process whose rate varies, by thinning one of the highest rate."""
    found: list[float] = []
    now = random.expovariate(highest)
    while now < until:
        if random.random() * highest < rate(now):
            found.append(now)
        now += random.expovariate(highest)
    return found


def constant(rate: float) -> Callable[[float], float]:
    """That many requests per second at all times."""
    return lambda now: rate


def day(peak: float, low: float, length: float) -> Callable[[float], float]:
    """Requests per second over a day of that many seconds: lowest at its start, highest at its middle."""
    return lambda now: low + (peak - low) * (1 - math.cos(2 * math.pi * now / length)) / 2


@dataclass(frozen=True)
class Row:
    """What clients saw. Latencies of 200s in milliseconds, NaN where there was none."""

    requests: int
    per_second: float
    p50: float
    p99: float
    refused: float
    """Share of 503."""
    failed: int


def row(answers: Sequence[Answer], seconds: float) -> Row:
    """Over so many seconds."""
    good = [1000 * one.seconds for one in answers if one.status == 200] or [float("nan")]
    refused = sum(one.status == 503 for one in answers) / max(1, len(answers))
    failed = sum(one.status == 0 for one in answers)
    p50, p99 = (float(value) for value in np.percentile(good, (50, 99)))
    served = sum(one.status == 200 for one in answers)
    return Row(len(answers), served / seconds, p50, p99, refused, failed)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peak", type=float, default=100, help="requests per second at noon")
    parser.add_argument("--low", type=float, help="at night; default: a fifth of the peak")
    parser.add_argument("--hours", type=float, default=1, help="how long the day lasts")
    parser.add_argument("--ms", type=float, default=SERVICE_MS, help="mean CPU of one photo")
    parser.add_argument("--spread", type=float, default=SPREAD, help="coefficient of variation")
    parser.add_argument("--most", type=int, default=Scaling.most, help="replicas")
    parser.add_argument("--start", type=float, default=Scaling.start, help="seconds until a replica is ready")
    parser.add_argument("--retries", type=int, default=0, help="other replicas asked after a 503")
    parser.add_argument("--losses", type=int, default=2, help="nodes lost, at random times")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    length, low = 3600 * options.hours, options.peak / 5 if options.low is None else options.low
    random, scaling = Random(options.seed), Scaling(most=options.most, start=options.start)
    fleet = Fleet(
        ReplicaSize(),
        lognormal(options.ms / 1000, options.spread),
        replicas=scaling.least,
        retries=options.retries,
        seed=options.seed,
    )
    fleet.autoscale(scaling)
    fleet.lose_nodes([random.uniform(0, length) for _ in range(options.losses)], options.start)
    rate = day(options.peak, low, length)
    answers = fleet.run(poisson(rate, options.peak, length, random), until=length + 60)
    Console(width=100).print(table(answers, fleet.counts, length))


def table(
    answers: Sequence[Answer], counts: Sequence[tuple[float, int]], length: float, parts: int = 12
) -> Table:
    """The day in parts, and as a whole."""
    found = Table(title=f"a day in {length / 3600:g} h")
    for column in ("hour", "requests", "200/s", "replicas", "p50 ms", "p99 ms", "503 %", "lost"):
        found.add_column(column, justify="right")
    for part in range(parts):
        start, end = length * part / parts, length * (part + 1) / parts
        before = [count for at, count in counts if at <= start][-1]
        ready = [before, *(count for at, count in counts if start < at < end)]
        seen = row([one for one in answers if start <= one.at < end], end - start)
        hours = f"{24 * part // parts:02}"
        found.add_row(hours, *cells(seen, f"{min(ready)}-{max(ready)}"))
    found.add_section()
    everything = [count for _, count in counts]
    found.add_row("all", *cells(row(answers, length), f"{min(everything)}-{max(everything)}"))
    return found


def cells(seen: Row, replicas: str) -> list[str]:
    """Of one row."""
    return [
        *(str(seen.requests), f"{seen.per_second:.1f}", replicas, f"{seen.p50:.0f}", f"{seen.p99:.0f}"),
        *(f"{100 * seen.refused:.2f}", str(seen.failed)),
    ]


if __name__ == "__main__":
    main()
