"""`docker compose up`: what it serves, how locked down the container is, and how it ends and comes back."""

import re
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import httpx
import pytest

from tests.containers.compose import Compose
from tests.engine import (
    AS_ROOT,
    PHOTO,
    docker,
    free_port,
    inspect,
    ready,
    run,
    share_as_in_readme,
    wait_until,
)

STATE = "/var/lib/face-parsing"


class Service(NamedTuple):
    """The running project and its published port."""

    compose: Compose
    port: int

    def segment(self) -> httpx.Response:
        """The README's curl line."""
        url = f"http://127.0.0.1:{self.port}/api/segment/"
        return httpx.post(url, files={"image": PHOTO}, timeout=120)

    def workers(self) -> set[str]:
        """Process ids of gunicorn's workers, as the container counts them."""
        children = "cat /proc/1/task/1/children"  # of which one is the sandbox
        named = f"for one in $({children}); do grep -q gunicorn /proc/$one/cmdline && echo $one; done; true"
        return set(self.compose.shell("api", named).split())


@pytest.fixture(scope="module")
def service(compose: Callable[..., Compose]) -> Service:
    """`docker compose up --detach --wait` in a fresh checkout."""
    port = free_port()
    project = compose(PORT=str(port))
    project("up", "--detach", "--wait", "--wait-timeout", "120")
    return Service(project, port)


@pytest.fixture(scope="module")
def process_1(service: Service) -> str:
    """Status and command line of the container's first process."""
    return service.compose.shell("api", "cat /proc/1/status /proc/1/cmdline")


def test_it_answers_the_sample_with_the_mask_in_the_readme(service: Service) -> None:
    assert share_as_in_readme(service.segment().raise_for_status().content) > 0.99


def test_it_serves_the_built_page_at_the_root(service: Service) -> None:
    page = httpx.get(f"http://127.0.0.1:{service.port}/", timeout=30)
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]
    assert "_next/" in page.text and "frontend is not built" not in page.text


def test_it_runs_as_the_user_of_the_image(process_1: str) -> None:
    assert re.search(r"Uid:\s+10001\s+10001", process_1)


def test_it_has_no_capabilities_and_can_gain_no_privileges(process_1: str) -> None:
    assert re.search(r"CapEff:\s+0+\n", process_1) and re.search(r"CapBnd:\s+0+\n", process_1)
    assert re.search(r"NoNewPrivs:\s+1", process_1)


def test_gunicorn_is_process_1_so_that_it_gets_sigterm(process_1: str) -> None:
    assert "gunicorn" in process_1


@pytest.mark.parametrize("path", ["/", "/app", "/opt/venv", "/etc", "/var/lib"])
def test_not_even_root_can_write_to_its_root_file_system(service: Service, path: str) -> None:
    denied = service.compose.shell("api", f"touch {path}/x 2>&1 || true", "--user", "0")
    assert "Read-only file system" in denied


def test_its_user_can_write_to_its_state_alone(service: Service) -> None:
    find = "find / -xdev -writable ! -type l ! -path '/dev/*' ! -path '/proc/*' 2>/dev/null || true"
    assert service.compose.shell("api", find).split() == [STATE]


def test_it_is_published_to_this_machine_alone(service: Service) -> None:
    ports = inspect(service.compose.container("api"))["NetworkSettings"]["Ports"]["8000/tcp"]
    assert {row["HostIp"] for row in ports} == {"127.0.0.1"}


def test_sigterm_lets_a_half_sent_photo_finish_and_then_ends_with_0(service: Service) -> None:
    head = (
        "POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(PHOTO)}\r\n\r\n"
    )
    half = len(PHOTO) // 2
    container = service.compose.container("api")
    stopping = threading.Thread(target=docker, args=("stop", "-t", "40", container))
    try:
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as client:
            client.sendall(head.encode())
            assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"  # a worker has the request
            client.sendall(PHOTO[:half])
            stopping.start()
            wait_until("new connections refused", lambda: not ready(service.port))
            client.sendall(PHOTO[half:])
            answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
        stopping.join()
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
        assert share_as_in_readme(answer.partition(b"\r\n\r\n")[2]) > 0.99
        assert inspect(container)["State"]["ExitCode"] == 0
    finally:
        service.compose("up", "--detach", "--wait")


def test_a_killed_worker_is_replaced_while_the_others_serve(service: Service) -> None:
    before = service.workers()
    killed = min(before)
    service.compose.shell("api", f"kill -9 {killed}")
    assert service.segment().status_code == 200
    wait_until(
        "a new worker", lambda: killed not in service.workers() and len(service.workers()) == len(before)
    )


def test_a_killed_container_comes_back_with_its_state(service: Service) -> None:
    hash_key = f"sha256sum {STATE}/secret_key"
    key = service.compose.shell("api", hash_key)
    container = inspect(service.compose.container("api"))
    run(*AS_ROOT, "kill", "-9", str(container["State"]["Pid"]))
    wait_until("a restart", lambda: inspect(container["Id"])["RestartCount"] > container["RestartCount"])
    wait_until("ready after a kill", partial(ready, service.port))
    assert service.compose.shell("api", hash_key) == key
    assert share_as_in_readme(service.segment().raise_for_status().content) > 0.99
