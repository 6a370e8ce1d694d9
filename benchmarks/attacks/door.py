"""The door: the admin's log-in, the run directory, a client for every request."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import httpx

from benchmarks.attacks import Target, attack
from benchmarks.photos import ROOT


def clients(target: Target, count: int, work: Callable[[httpx.Client], None]) -> None:
    """So many clients, each with an address of its own, do it again and again."""

    def run(number: int) -> None:
        transport = httpx.HTTPTransport(local_address=f"127.1.{number // 250}.{1 + number % 250}")
        with httpx.Client(
            transport=transport, base_url=f"http://127.0.0.1:{target.port}", timeout=10
        ) as client:
            while not target.over():
                work(client)

    target.at_once(count, run)


def log_in(client: httpx.Client) -> None:
    """The admin's form with a wrong password; where there is no form, the fields alone."""
    form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/admin/login/").text)
    fields = {"csrfmiddlewaretoken": form[1] if form else "", "username": "root", "password": "wrong"}
    for _ in range(10):
        client.post("/admin/login/", data=fields)


@attack("log-ins")
def log_ins(target: Target) -> None:
    """32 clients try passwords at the admin, which is off."""
    clients(target, 32, log_in)


@attack("log-ins-admin-on", ADMIN="true")
def log_ins_admin_on(target: Target) -> None:
    """200 clients try passwords at the admin, which is on."""
    environment = {**os.environ, "STATE_DIR": str(target.state), "ADMIN": "true"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    clients(target, 200, log_in)


@attack("run-dir-cleaned")
def run_dir_cleaned(target: Target) -> None:
    """The run directory is deleted again and again, and something else put in its place."""
    folder = target.state / "run"
    while not target.over():
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.3)
        folder.unlink() if folder.is_file() else shutil.rmtree(folder, ignore_errors=True)
        folder.touch()
        time.sleep(1.5)
        folder.unlink(missing_ok=True)
        time.sleep(1.5)
        httpx.get(f"http://127.0.0.1:{target.port}/metrics", timeout=10).raise_for_status()


@attack("addresses", THROTTLE_ADDRESS="1000/min", NUM_PROXIES="1")
def addresses(target: Target) -> None:
    """Each request comes from an IPv6 network of its own."""

    def ask(client: httpx.Client) -> None:
        address = ":".join(f"{random.getrandbits(16):x}" for _ in range(8))
        client.get("/api/models/", headers={"X-Forwarded-For": address})

    clients(target, 16, ask)


SMALL_SHM = (
    *("unshare", "--map-root-user", "--mount", "sh", "-c"),
    'mount -t tmpfs -o size=64k tmpfs /dev/shm && head -c 64k /dev/zero >/dev/shm/full && exec "$@"',
    "sh",
)
"""Starts the service where /dev/shm has 64 KiB, all of them taken."""


@attack("full-shm", started_by=SMALL_SHM, THROTTLE_ADDRESS="1000/min", NUM_PROXIES="1")
def full_shm(target: Target) -> None:
    """Each request comes from an IPv6 network of its own, and /dev/shm is small and full."""
    addresses(target)


@attack("one-network", THROTTLE_ADDRESS="1000/min", NUM_PROXIES="1")
def one_network(target: Target) -> None:
    """Each request comes from another address of one IPv6 network."""

    def ask(client: httpx.Client) -> None:
        address = f"2001:db8:0:1:{random.getrandbits(16):x}:{random.getrandbits(16):x}::1"
        client.get("/api/models/", headers={"X-Forwarded-For": address})

    clients(target, 16, ask)
