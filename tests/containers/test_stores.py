"""Profiles postgres and redis: API keys in the one, and in the other one count for two containers."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.containers.compose import PROJECT, Compose
from tests.engine import docker, free_port, ready, wait_until

REQUESTS = 60
BY_ADDRESS, BY_KEY = 20, 7


class Stores(NamedTuple):
    """Two containers of the service on the same stores, and a key."""

    compose: Compose
    ports: list[int]
    key: str


@pytest.fixture(scope="module")
def stores(compose: Callable[..., Compose], checkout: Path) -> Iterator[Stores]:
    """The service twice, on one PostgreSQL and one Redis."""
    second = f"{PROJECT}-second"
    docker("rm", "-f", "-v", second, check=False)  # left by a run that was killed
    ports = [free_port(), free_port()]
    passwords = {name: secrets.token_hex(24) for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD")}
    project = compose(PORT=str(ports[0]), **passwords)
    (checkout / ".env").write_text(f"THROTTLE_ADDRESS={BY_ADDRESS}/hour\nTHROTTLE_KEY={BY_KEY}/hour\n")
    try:
        profiles = ("--profile", "postgres", "--profile", "redis")
        project(*profiles, "up", "--detach", "--wait", "--wait-timeout", "180")
        key = project("exec", "-T", "api", "python", "manage.py", "create_api_key", "ci").strip()
        options = ("--detach", "--no-deps", "--name", second, "--publish", f"127.0.0.1:{ports[1]}:8000")
        project("run", *options, "api")
        wait_until("a second container", partial(ready, ports[1]))
        yield Stores(project, ports, key)
    finally:
        docker("rm", "-f", "-v", second, check=False)
        (checkout / ".env").unlink()


def count_answered(ports: list[int], headers: dict[str, str]) -> int:
    """How many of REQUESTS concurrent requests, sent to the ports in turn, are answered; the others must get 429."""

    def status(turn: int) -> int:
        url = f"http://127.0.0.1:{ports[turn % len(ports)]}/api/models/"
        return httpx.get(url, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(status, range(REQUESTS)))
    assert set(codes) <= {200, 429}
    return codes.count(200)


def test_postgres_without_a_password_refuses_to_start(compose: Callable[..., Compose]) -> None:
    bare = compose(PORT=str(free_port()), COMPOSE_PROJECT_NAME=f"{PROJECT}-bare")
    assert bare.fails("--profile", "postgres", "up", "--detach", "--wait", "--wait-timeout", "60")
    assert "POSTGRES_PASSWORD" in bare.logs()


def test_api_keys_are_in_postgresql(stores: Stores) -> None:
    query = "PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U face_parsing -tA -c 'table %s'"
    (row,) = stores.compose.shell("postgres", query % "rest_framework_api_key_apikey").splitlines()
    assert stores.key.split(".")[0] in row


def test_two_containers_share_the_count_by_address(stores: Stores) -> None:
    assert count_answered(stores.ports, {}) == BY_ADDRESS


def test_two_containers_share_the_count_by_key(stores: Stores) -> None:
    assert count_answered(stores.ports, {"Authorization": f"Api-Key {stores.key}"}) == BY_KEY
