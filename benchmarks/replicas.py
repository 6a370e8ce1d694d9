"""Replicas behind a balancer, simulated: admission, autoscaling, loss of nodes. benchmarks.fleet runs a day of it.

A replica admits as segmentation_api/admission.py does: slots shared by its workers, a bounded queue in each worker, 503
beyond. The autoscaler computes as Kubernetes' does.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import simpy

Draw = Callable[[Random], float]
Process = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True)
class ReplicaSize:
    """INFERENCE_SLOTS, WORKERS and QUEUE_SIZE of each replica."""

    slots: int = 2
    workers: int = 2
    queue: int = 16


@dataclass(frozen=True)
class Scaling:
    """The autoscaler of docker/k8s; all times in seconds."""

    least: int = 2
    most: int = 10
    target: float = 0.6
    period: float = 15
    tolerance: float = 0.1
    start: float = 30
    """From the decision until a replica is ready: a pod on a node that is there; a new node takes minutes more."""
    stabilization: float = 300


@dataclass(frozen=True)
class Answer:
    """One request. `status` is 200, 503, or 0 where its replica was lost."""

    at: float
    seconds: float
    status: int


@dataclass
class Replica:
    """A service of `size` slots: who is inside of each worker, and who computes."""

    env: simpy.Environment
    size: ReplicaSize
    alive: bool = True
    busy: float = 0
    """Seconds of slots used so far."""
    requests: set[simpy.Process] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.slots = simpy.Resource(self.env, capacity=self.size.slots)
        self.inside = [0] * self.size.workers

    def ask(self, worker: int, seconds: float) -> Process:
        """Process of one request; its value is the status."""
        if not self.alive:
            return 0
        if self.inside[worker] >= self.size.slots + self.size.queue:
            return 503
        self.inside[worker] += 1
        try:
            with self.slots.request() as slot:
                yield slot
                yield self.env.timeout(seconds)
                self.busy += seconds
            return 200
        except simpy.Interrupt:
            return 0
        finally:
            self.inside[worker] -= 1

    def lose(self) -> None:
        """The node is gone, and all requests with it."""
        self.alive = False
        for request in list(self.requests):
            if request.is_alive:
                request.interrupt()


class Fleet:
    """Replicas behind a balancer that asks them in turn, and with `retries` the next one after a 503 or a loss."""

    def __init__(
        self,
        size: ReplicaSize,
        draw: Draw,
        *,
        replicas: int = 1,
        retries: int = 0,
        detect: float = 1,
        seed: int = 0,
    ) -> None:
        self.env = simpy.Environment()
        self.size, self.draw, self.retries, self.detect = size, draw, retries, detect
        self.random = Random(seed)
        self.ready = [Replica(self.env, size) for _ in range(replicas)]
        self.starting = 0
        self.turn = 0
        self.answers: list[Answer] = []
        self.counts: list[tuple[float, int]] = [(0, replicas)]
        """How many are ready, from when on."""

    def run(self, arrivals: Sequence[float], until: float | None = None) -> list[Answer]:
        """Let requests arrive at those seconds; all answers, in the order they were given."""
        self.env.process(self._arrive(arrivals))
        self.env.run(until)
        return self.answers

    def _arrive(self, arrivals: Sequence[float]) -> Process:
        for at in arrivals:
            yield self.env.timeout(max(0, at - self.env.now))
            self.env.process(self._serve())

    def _serve(self) -> Process:
        start, status = self.env.now, 503
        for _ in range(1 + self.retries):
            if not self.ready:
                break
            self.turn += 1
            replica = self.ready[self.turn % len(self.ready)]
            asked = self.env.process(
                replica.ask(self.random.randrange(self.size.workers), self.draw(self.random))
            )
            replica.requests.add(asked)
            status = yield asked
            replica.requests.discard(asked)
            if status == 200:
                break
        self.answers.append(Answer(start, self.env.now - start, status))

    def add(self, count: int, after: float) -> None:
        """Start replicas that are ready later."""
        self.starting += count
        for _ in range(count):
            self.env.process(self._start(after))

    def _start(self, after: float) -> Process:
        yield self.env.timeout(after)
        self.starting -= 1
        self.ready.append(Replica(self.env, self.size))
        self._count()

    def remove(self, count: int) -> None:
        """Drain: no more requests, those inside are finished."""
        del self.ready[:count]
        self._count()

    def _count(self) -> None:
        self.counts.append((self.env.now, len(self.ready)))

    def autoscale(self, scaling: Scaling) -> None:
        """Set how many replicas there are, by the share of their slots in use, as the HorizontalPodAutoscaler does."""
        self.env.process(self._autoscale(scaling))

    def _autoscale(self, scaling: Scaling) -> Process:
        used: dict[int, float] = {}
        wanted: list[tuple[float, int]] = []
        while True:
            yield self.env.timeout(scaling.period)
            now = {id(replica): replica.busy for replica in self.ready}
            spent = sum(busy - used.get(key, 0) for key, busy in now.items())
            used = now
            ratio = spent / (scaling.period * self.size.slots * max(1, len(self.ready))) / scaling.target
            have = len(self.ready) + self.starting
            desired = have if abs(ratio - 1) <= scaling.tolerance else math.ceil(len(self.ready) * ratio)
            desired = min(max(desired, scaling.least), scaling.most, 2 * max(1, have))
            wanted = [one for one in wanted if one[0] > self.env.now - scaling.stabilization]
            wanted.append((self.env.now, desired))
            lowest = max(count for _, count in wanted)
            if desired > have:
                self.add(desired - have, scaling.start)
            elif lowest < have and not self.starting:
                self.remove(min(have - lowest, max(1, have // 16)))  # 25 % a minute, in steps of 15 s

    def lose_nodes(self, times: Sequence[float], replacement: float) -> None:
        """At each of these seconds one replica is gone; the balancer sees it after `detect`, another comes later."""
        for at in times:
            self.env.process(self._lose(at, replacement))

    def _lose(self, at: float, replacement: float) -> Process:
        yield self.env.timeout(at)
        if self.ready:
            lost = self.random.choice(self.ready)
            lost.lose()
            yield self.env.timeout(self.detect)
            if lost in self.ready:
                self.ready.remove(lost)
                self._count()
                self.add(1, replacement)


def measured(times: Sequence[float]) -> Draw:
    """Service times drawn from measured ones, in seconds."""
    return lambda random: random.choice(times)


def lognormal(mean: float, spread: float) -> Draw:
    """Service times of this mean and coefficient of variation: never negative, with a tail to the right."""
    sigma = math.sqrt(math.log1p(spread**2))
    return lambda random: random.lognormvariate(math.log(mean) - sigma**2 / 2, sigma)
