"""Does an ordinary photo still get its answer while the service is attacked?

python -m benchmarks.hostile [--only NAME,NAME] [--seconds 30]

For each attack of benchmarks/attacks a service starts with default settings and 1,024 descriptors, the usual soft
limit. The attack runs for at most a minute while an ordinary photo is sent again and again. The bars: each of these is
answered 200 or 503 within 3 s, no worker dies, the memory of the whole process tree stays below 1.5 GB, and within 5 s
after the attack the photo is 200. Exit status 1 where one is missed.
"""

import argparse
import multiprocessing
import re
import resource
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.attacks import Attack, Target, load
from benchmarks.contenders import SERVICE, running
from benchmarks.photos import CONTENT_TYPE, ROOT, form
from benchmarks.processes import memory_mb

MOST_SECONDS, MOST_MB, RECOVERY_SECONDS = 3.0, 1500.0, 5.0
MEMORY_EVERY, PHOTO_EVERY = 0.15, 0.5
USUAL_DESCRIPTORS = 1024
BOOTED = re.compile(r"Booting worker with pid: (\d+)")


@dataclass
class Seen:
    """What was measured during one attack."""

    statuses: Counter[int] = field(default_factory=Counter)
    """Of the ordinary photos; 0 where there was no answer."""
    slowest: float = 0.0
    most_mb: float = 0.0
    dead: int = 0
    recovery: float = float("inf")
    """Seconds after the attack until an ordinary photo was 200."""

    def missed(self) -> list[str]:
        """The bars that were missed."""
        bars = {
            "answer": not set(self.statuses) - {200, 503},
            f"{MOST_SECONDS:.0f} s": self.slowest <= MOST_SECONDS,
            f"{MOST_MB:.0f} MB": self.most_mb < MOST_MB,
            "worker": self.dead == 0,
            "recovery": self.recovery <= RECOVERY_SECONDS,
        }
        return [name for name, held in bars.items() if not held]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    attacks = load()
    parser.add_argument(
        "--only", type=lambda text: text.split(","), help="comma list of " + ", ".join(attacks)
    )
    parser.add_argument("--seconds", type=float, default=30, help="of each attack")
    parser.add_argument("--bundle", type=Path, default=ROOT / "ml_core" / "bundles" / "lite-int8")
    options = parser.parse_args()
    names = options.only or list(attacks)
    if unknown := set(names) - set(attacks):
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(attacks)}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_DESCRIPTORS, descriptors()))
    console, results = Console(width=140), {}
    for name in names:
        console.print(f"{name}: {attacks[name].purpose}")
        results[name] = withstand(attacks[name], options.bundle.resolve(), min(60.0, options.seconds))
    console.print(table(results))
    sys.exit(any(seen.missed() for seen in results.values()))


def descriptors() -> int:
    """The hard limit of descriptors."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def withstand(attack: Attack, bundle: Path, seconds: float) -> Seen:
    """A service of its own under this attack."""
    seen, stop = Seen(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        command = [*attack.started_by, *SERVICE.command]
        contender = replace(SERVICE, variables=attack.variables, command=command)
        with running(contender, bundle, state) as (pid, port):
            log = state / f"{contender.name.replace(' ', '-')}.log"
            booted = len(BOOTED.findall(log.read_text()))
            watcher = threading.Thread(target=watch_memory, args=(pid, seen, stop), daemon=True)
            watcher.start()
            target = Target(port, pid, state, time.monotonic() + seconds)
            attacker = multiprocessing.get_context("spawn").Process(
                target=run_attack, args=(attack.run, target)
            )
            attacker.start()
            try:
                while attacker.is_alive() and time.monotonic() < target.ends + 10:
                    ordinary(port, seen)
                    time.sleep(PHOTO_EVERY)
            finally:
                attacker.kill()
                attacker.join()
            ended = time.monotonic()
            while seen.recovery > 60 and time.monotonic() < ended + 60:
                if ordinary(port, Seen()) == 200:
                    seen.recovery = time.monotonic() - ended
                else:
                    time.sleep(0.1)
            stop.set()
            watcher.join()
            seen.dead = len(BOOTED.findall(log.read_text())) - booted
            if seen.missed():
                Console(stderr=True).print("\n".join(log.read_text().splitlines()[-5:]), markup=False)
    return seen


def run_attack(run: Callable[[Target], None], target: Target) -> None:
    """In the attacker's process, which may have as many connections as the system lets it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors(), descriptors()))
    run(target)


def ordinary(port: int, seen: Seen) -> int:
    """Send the sample on a connection of its own; its status, 0 without an answer."""
    photo = (ROOT / "samples" / "astronaut.jpg").read_bytes()
    started = time.monotonic()
    try:
        url = f"http://127.0.0.1:{port}/api/segment/"
        answer = httpx.post(url, content=form(photo), headers={"Content-Type": CONTENT_TYPE}, timeout=30)
        status = answer.status_code
    except httpx.TransportError:
        status = 0
    seen.statuses[status] += 1
    seen.slowest = max(seen.slowest, time.monotonic() - started)
    return status


def watch_memory(pid: int, seen: Seen, stop: threading.Event) -> None:
    """The most that the process tree had, read over five times a second."""
    while not stop.wait(MEMORY_EVERY):
        seen.most_mb = max(seen.most_mb, memory_mb(pid))


def table(results: dict[str, Seen]) -> Table:
    """A row for each attack."""
    rows = Table("attack", "answers", "slowest s", "most MB", "workers dead", "200 after s", "missed")
    for name, seen in results.items():
        answers = ", ".join(f"{status}: {count}" for status, count in sorted(seen.statuses.items()))
        figures = (f"{seen.slowest:.2f}", f"{seen.most_mb:.0f}", f"{seen.dead}", f"{seen.recovery:.1f}")
        rows.add_row(name, answers, *figures, ", ".join(seen.missed()) or "-")
    return rows


if __name__ == "__main__":
    main()
