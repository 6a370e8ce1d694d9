"""The simulated fleet against what queueing theory says of it."""

from math import factorial
from random import Random
from statistics import mean

import pytest

from benchmarks.fleet import constant, day, poisson
from benchmarks.replicas import Answer, Fleet, ReplicaSize, Scaling, lognormal

SECONDS = 0.1
NEVER_FULL = 10**6


def erlang_c(servers: int, load: float) -> float:
    """Probability that a request waits, of M/M/c with `load` Erlang."""
    waiting: float = load**servers / factorial(servers) * servers / (servers - load)
    none_waits: float = sum(load**n / factorial(n) for n in range(servers))
    return waiting / (none_waits + waiting)


def blocked(servers: int, places: int, load: float) -> float:
    """Share of requests refused, of M/M/c with so many places in all."""
    weights: list[float] = [
        load**n / (factorial(min(n, servers)) * servers ** max(0, n - servers)) for n in range(places + 1)
    ]
    return weights[-1] / sum(weights)


def steady(size: ReplicaSize, load: float, requests: int) -> list[Answer]:
    """One replica at `load` Erlang, exponential service times."""
    rate = load / SECONDS
    fleet = Fleet(size, lambda random: random.expovariate(1 / SECONDS))
    return fleet.run(poisson(constant(rate), rate, requests / rate, Random(1)))


@pytest.mark.parametrize(("slots", "load"), [(1, 0.6), (2, 1.3), (4, 3.0)])
def test_waiting_is_as_erlang_c_says(slots: int, load: float) -> None:
    answers = steady(ReplicaSize(slots=slots, workers=1, queue=NEVER_FULL), load, 40_000)
    wait = erlang_c(slots, load) * SECONDS / (slots - load)
    assert mean(one.seconds for one in answers) == pytest.approx(SECONDS + wait, rel=0.03)
    assert {one.status for one in answers} == {200}


@pytest.mark.parametrize("load", [1.6, 3.0])
def test_as_many_are_refused_as_a_bounded_queue_refuses(load: float) -> None:
    answers = steady(ReplicaSize(slots=2, workers=1, queue=4), load, 40_000)
    refused = mean(one.status == 503 for one in answers)
    assert refused == pytest.approx(blocked(2, 2 + 4, load), rel=0.04)


def test_each_worker_has_a_queue_of_its_own() -> None:
    """Two workers of two slots and one in the queue: six inside, the seventh of seven at once is refused."""
    fleet = Fleet(ReplicaSize(slots=2, workers=1, queue=1), lambda _: 1.0)
    assert sorted(one.status for one in fleet.run([0.0] * 7)) == [200] * 3 + [503] * 4
    fleet = Fleet(ReplicaSize(slots=2, workers=2, queue=1), lambda _: 1.0)
    assert sum(one.status == 200 for one in fleet.run([0.0] * 40)) == 6


def test_a_retry_asks_another_replica() -> None:
    size = ReplicaSize(slots=1, workers=1, queue=0)
    alone = Fleet(size, lambda _: 1.0, replicas=3)
    assert [one.status for one in alone.run([0.0, 0.0, 0.0, 0.0])].count(503) == 1
    helped = Fleet(size, lambda _: 1.0, replicas=3, retries=2)
    helped.ready[1].inside[0] = 1  # full
    assert [one.status for one in helped.run([0.0, 0.0])] == [200, 200]


def test_replicas_follow_the_day_and_a_lost_one_is_replaced() -> None:
    length, peak = 3600.0, 40.0
    fleet = Fleet(ReplicaSize(slots=1), lognormal(0.1, 0.25), replicas=2)
    fleet.autoscale(Scaling())
    fleet.lose_nodes([1800.0], replacement=30)
    rate = day(peak, peak / 5, length)
    answers = fleet.run(poisson(rate, peak, length, Random(0)), until=length)
    assert max(count for _, count in fleet.counts) >= 6  # 4 Erlang at 60 %
    assert fleet.counts[-1][1] < 6
    lost = [one for one in answers if one.status == 0]
    assert 0 < len(lost) < 40
    assert all(1790 < one.at < 1802 for one in lost)
    assert mean(one.status == 503 for one in answers) < 0.01
