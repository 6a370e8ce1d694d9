"""The simulation of benchmarks.fleet against a real run: two services behind the front, on this machine.

python -m benchmarks.fleet_check [--seconds 60] [--load 0.8 1.5] [--queue 2] [--json FILE]

Two services with a slot each take requests in turn, from Caddy if it is on the PATH, else from the client itself.
Requests arrive as a Poisson process, whatever the answers are. The simulation gets the same arrival times, and service
times drawn from those that the services themselves measured in the same run (Server-Timing): once from all of them,
once from those of the same few seconds, for a busy machine is slow for seconds at a time. What an answer took beyond
waiting and computing (HTTP, the front, the client) it adds as the median that a lone request took.
"""

import argparse
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from statistics import mean, median, stdev

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import SERVICE, free_port, running
from benchmarks.fleet import Row, constant, poisson, row
from benchmarks.photos import CONTENT_TYPE, ROOT, form, photos
from benchmarks.replicas import Answer, Draw, Fleet, ReplicaSize, measured

SERVICES = 2
WORKERS = 2
NEARBY = 3
"""Seconds around a moment from which service times are drawn for it."""
PATH = "/api/segment/?faces=whole"


@dataclass(frozen=True)
class Sample:
    """One request: when it was sent and how long its answer took, its status, and how long a slot was held for it."""

    at: float
    seconds: float
    status: int
    held: float


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--load", type=float, nargs="+", default=[0.8, 1.5], help="share of what both can do")
    parser.add_argument("--queue", type=int, default=2, help="QUEUE_SIZE")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    size = ReplicaSize(slots=1, workers=WORKERS, queue=options.queue)
    variables = {"INFERENCE_SLOTS": "1", "WORKERS": str(WORKERS), "QUEUE_SIZE": str(options.queue)}
    service = replace(SERVICE, variables={**SERVICE.variables, **variables})
    bodies = [form(photo) for photo in photos()]
    results: list[tuple[float, dict[str, Row]]] = []
    with ExitStack() as stack:
        ports = []
        for _ in range(SERVICES):
            state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ports.append(stack.enter_context(running(service, options.bundle.resolve(), state))[1])
        caddy = shutil.which("caddy")
        asked = [stack.enter_context(front(caddy, ports))] if caddy else ports
        for load in options.load:
            held, beyond = calibrate(ports, asked, bodies)
            rate = load * SERVICES / held
            arrivals = poisson(constant(rate), rate, options.seconds, Random(1))
            samples = send(asked, bodies, arrivals)
            results.append((load, compare(samples, arrivals, size, beyond, options.seconds)))
    print(f"front: {'caddy' if caddy else 'none, the client asks in turn'}")
    Console(width=110).print(table(results))
    if options.json:
        found = [
            {"load": load, **{name: asdict(one) for name, one in rows.items()}} for load, rows in results
        ]
        options.json.write_text(json.dumps(found, indent=1) + "\n")


@contextmanager
def front(caddy: str, ports: Sequence[int]) -> Iterator[int]:
    """The port of a Caddy that asks the services in turn."""
    port = free_port()
    upstreams = " ".join(f"127.0.0.1:{upstream}" for upstream in ports)
    text = (
        "{\n admin off\n auto_https off\n}\n"
        f"http://127.0.0.1:{port} {{\n reverse_proxy {upstreams} {{\n  lb_policy round_robin\n }}\n}}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Caddyfile").write_text(text)
        process = subprocess.Popen(
            [caddy, "run", "--config", "Caddyfile", "--adapter", "caddyfile"],
            cwd=folder,
            env={**os.environ, "HOME": folder},
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def wait_for(port: int) -> None:
    """Until /readyz answers 200. Raises RuntimeError after half a minute."""
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise RuntimeError(f"nothing answers on port {port}")


def calibrate(ports: Sequence[int], asked: Sequence[int], bodies: Sequence[bytes]) -> tuple[float, float]:
    """Seconds that a slot is held while both services compute, and what an answer takes beyond that."""
    samples: list[Sample] = []

    def client(port: int) -> None:
        samples.extend(ask(port, bodies[n % len(bodies)], time.perf_counter()) for n in range(20))

    both = asked if len(asked) == len(ports) else [*asked] * len(ports)
    clients = [threading.Thread(target=client, args=(port,)) for port in both]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    good = [one for one in samples if one.status == 200]
    return mean(one.held for one in good), median(one.seconds - one.held for one in good)


def send(ports: Sequence[int], bodies: Sequence[bytes], arrivals: Sequence[float]) -> list[Sample]:
    """Send a request at each of those seconds, to the ports in turn."""
    numbers, start = count(), time.perf_counter()
    with ThreadPoolExecutor(64) as pool:
        sent = []
        for at in arrivals:
            time.sleep(max(0, start + at - time.perf_counter()))
            number = next(numbers)
            port, body = ports[number % len(ports)], bodies[number % len(bodies)]
            sent.append(pool.submit(ask, port, body, start))
        return [one.result() for one in sent]


def ask(port: int, body: bytes, start: float) -> Sample:
    """One request on a connection of its own; times are seconds since `start`."""
    sent = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    held, status = 0.0, 0
    try:
        connection.request("POST", PATH, body, {"Content-Type": CONTENT_TYPE})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
        entries = answer.headers.get("Server-Timing", "").split(", ")
        held = sum(float(entry.partition(";dur=")[2] or 0) for entry in entries) / 1000
    except (OSError, http.client.HTTPException):  # a refusal may come while the body is still being sent
        pass
    finally:
        connection.close()
    return Sample(sent - start, time.perf_counter() - sent, status, held)


def compare(
    samples: Sequence[Sample], arrivals: Sequence[float], size: ReplicaSize, beyond: float, seconds: float
) -> dict[str, Row]:
    """What was measured, and what the simulations say of it."""
    good = [one for one in samples if one.status == 200]
    times = [one.held for one in good]
    print(
        f"service time: mean {1000 * mean(times):.0f} ms, coefficient of variation {stdev(times) / mean(times):.2f}; "
        f"beyond it {1000 * beyond:.0f} ms"
    )
    alike = Fleet(size, measured(times), replicas=SERVICES)
    drifting = Fleet(size, measured(times), replicas=SERVICES)
    drifting.draw = nearby(good, drifting)
    rows = {"measured": row([Answer(one.at, one.seconds, one.status) for one in samples], seconds)}
    for name, fleet in (("simulated", alike), ("simulated, with the drift", drifting)):
        answers = [
            replace(one, seconds=one.seconds + (beyond if one.status == 200 else 0))
            for one in fleet.run(arrivals)
        ]
        rows[name] = row(answers, seconds)
    return rows


def nearby(samples: Sequence[Sample], fleet: Fleet) -> Draw:
    """Service times of those requests that were answered around the simulation's present second."""
    ended = sorted((one.at + one.seconds, one.held) for one in samples)

    def draw(random: Random) -> float:
        near = [held for at, held in ended if abs(at - fleet.env.now) <= NEARBY]
        return random.choice(near or [held for _, held in ended])

    return draw


def table(results: Sequence[tuple[float, dict[str, Row]]]) -> Table:
    """Measured and simulated, load by load."""
    found = Table(title="two services: measured, and simulated")
    for column in ("load", "", "requests", "200/s", "p50 ms", "p99 ms", "503 %", "failed"):
        found.add_column(column, justify="left" if not column else "right")
    for load, rows in results:
        for name, one in rows.items():
            found.add_row(
                *(f"{load:g}", name, str(one.requests), f"{one.per_second:.2f}", f"{one.p50:.0f}"),
                *(f"{one.p99:.0f}", f"{100 * one.refused:.1f}", str(one.failed)),
            )
    return found


if __name__ == "__main__":
    main()
