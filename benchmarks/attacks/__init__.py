"""Attacks on a running service: one module for each kind, one function for each attack, registered by its name."""

import importlib
import pkgutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Target:
    """The service under attack, until `ends` of time.monotonic()."""

    port: int
    pid: int
    state: Path
    """Its STATE_DIR; RUN_DIR is the folder `run` in it."""
    ends: float

    def over(self) -> bool:
        """Whether the attack is to stop."""
        return time.monotonic() >= self.ends

    def connect(self, *, timeout: float = 10.0) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def at_once(self, clients: int, work: Callable[[int], None]) -> None:
        """So many clients do it again and again, each with its number; one that is refused comes back."""

        def again(number: int) -> None:
            while not self.over():
                try:
                    work(number)
                except (
                    OSError,
                    httpx.HTTPError,
                    RuntimeError,
                ):  # the last by a client of httpx that was closed
                    time.sleep(0.05)

        threads = [threading.Thread(target=again, args=(number,), daemon=True) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self.ends + 2 - time.monotonic()))


@dataclass(frozen=True)
class Attack:
    """What to run, in a process of its own, against a service with default settings but for `variables`."""

    run: Callable[[Target], None]
    variables: dict[str, str]
    started_by: tuple[str, ...]
    """The beginning of a command that starts the service in a place of its own."""

    @property
    def purpose(self) -> str:
        """The first line of its docstring."""
        return (self.run.__doc__ or "").partition("\n")[0]


ATTACKS: dict[str, Attack] = {}


def attack(
    name: str, *, started_by: tuple[str, ...] = (), **variables: str
) -> Callable[[Callable[[Target], None]], Callable[[Target], None]]:
    """Register an attack. It returns soon after `target.over()`; the variables are the few settings it is about."""

    def register(run: Callable[[Target], None]) -> Callable[[Target], None]:
        ATTACKS[name] = Attack(run, variables, started_by)
        return run

    return register


def load() -> dict[str, Attack]:
    """All attacks by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return ATTACKS
