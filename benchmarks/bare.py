"""The limit: the pipeline without HTTP, on as many threads as asked for. Prints what it measured as JSON.

python -m benchmarks.bare BUNDLE --threads 2 --seconds 10
"""

import argparse
import json
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.load import Measured, percentile
from benchmarks.peers.pipeline import Pipeline
from benchmarks.photos import photos
from benchmarks.processes import memory_mb


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    print(json.dumps(asdict(run(options.bundle, options.threads, options.seconds))))


def run(bundle: Path, threads: int, seconds: float) -> Measured:
    """All threads share one session, as in the service."""
    pipeline, pictures = Pipeline(bundle), photos()
    for picture in pictures:
        pipeline(picture)
    taken: list[float] = []
    cpu, start = time.process_time(), time.perf_counter()

    def work(number: int) -> None:
        while time.perf_counter() - start < seconds:
            begun = time.perf_counter()
            pipeline(pictures[number % len(pictures)])
            taken.append(1000 * (time.perf_counter() - begun))
            number += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - start
    return Measured(
        contender="bare",
        clients=threads,
        per_second=len(taken) / elapsed,
        p50=percentile(taken, 50),
        p99=percentile(taken, 99),
        busy=0,
        busy_p99=float("nan"),
        failed=0,
        cpu_ms=1000 * cpu / len(taken),
        memory_mb=memory_mb(os.getpid()),
        client_cpu=0,
        beyond_ms=0,
    )


if __name__ == "__main__":
    main()
