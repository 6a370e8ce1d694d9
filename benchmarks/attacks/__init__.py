"""Attacks on a running service: one module for each kind, one function for each attack, registered by its name."""

import importlib
import pkgutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


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


@dataclass(frozen=True)
class Attack:
    """What to run, in a process of its own, against a service with default settings but for `variables`."""

    run: Callable[[Target], None]
    variables: dict[str, str]

    @property
    def purpose(self) -> str:
        """The first line of its docstring."""
        return (self.run.__doc__ or "").partition("\n")[0]


ATTACKS: dict[str, Attack] = {}


def attack(name: str, **variables: str) -> Callable[[Callable[[Target], None]], Callable[[Target], None]]:
    """Register an attack. It returns soon after `target.over()`; the variables are the few settings it is about."""

    def register(run: Callable[[Target], None]) -> Callable[[Target], None]:
        ATTACKS[name] = Attack(run, variables)
        return run

    return register


def load() -> dict[str, Attack]:
    """All attacks by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return ATTACKS
