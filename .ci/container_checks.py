"""What .ci/containers checks of the image and of compose.yaml, on a real engine. Prints what it measured.

python .ci/container_checks.py FOLDER      a copy of the tracked files, which it builds from
"""

import os
import re
import secrets
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
from container_engine import (
    GIVEN,
    IMAGE,
    PROJECT,
    SAMPLES,
    Compose,
    check,
    docker,
    free_port,
    inspect,
    ready,
    run,
    same_mask,
    say,
    wait_for,
)
from front_checks import check_front
from image_checks import STARTED, check_image

SECOND = f"{PROJECT}-second"
PHOTO = (SAMPLES / "astronaut.jpg").read_bytes()


def segment(port: int) -> httpx.Response:
    """The README's curl line."""
    return httpx.post(f"http://127.0.0.1:{port}/api/segment/", files={"image": PHOTO}, timeout=120)


def check_default(compose: Compose, port: int) -> None:
    """`docker compose up`, the README's curl line, and how locked up the container is."""
    compose("up", "--detach", "--wait", "--wait-timeout", "120")
    share = same_mask(segment(port).raise_for_status().content)
    page = httpx.get(f"http://127.0.0.1:{port}/", timeout=30)
    check(page.status_code == 200 and "text/html" in page.headers["content-type"], "no page at /")
    check(
        "frontend is not built" not in page.text and "_next/" in page.text,
        "the page at / is not the built one",
    )
    say(f"compose up: the sample's mask is the README's on {share:.2%} of its pixels; the page is at /")

    status = compose("exec", "-T", "api", "cat", "/proc/1/status", "/proc/1/cmdline")
    check(re.search(r"Uid:\s+10001\s+10001", status), "not the user of the image")
    check(
        re.search(r"CapEff:\s+0+\n", status) and re.search(r"CapBnd:\s+0+\n", status), "it has capabilities"
    )
    check(re.search(r"NoNewPrivs:\s+1", status), "it may gain privileges")
    check("gunicorn" in status, "process 1 is not gunicorn: it would get no SIGTERM")
    for path in ("/", "/app", "/opt/venv", "/etc", "/var/lib"):
        denied = compose("exec", "-T", "--user", "0", "api", "sh", "-c", f"touch {path}/x 2>&1 || true")
        check("Read-only file system" in denied, f"{path} can be written to: {denied}")
    find = "find / -xdev -writable ! -type l ! -path '/dev/*' ! -path '/proc/*' 2>/dev/null || true"
    writable = compose("exec", "-T", "api", "sh", "-c", find).split()
    check(writable == ["/var/lib/face-parsing"], f"the user can write to {writable}")
    published = inspect(compose.container("api"))["NetworkSettings"]["Ports"]["8000/tcp"]
    check(all(row["HostIp"] == "127.0.0.1" for row in published), "published beyond this machine")
    usage = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", compose.container("api")).strip()
    say(f"user 10001, no capabilities, no new privileges, root read-only, on 127.0.0.1 only; {usage}")


def check_drain(compose: Compose, port: int) -> None:
    """SIGTERM while a photo is coming in: it is answered, then the container ends with 0, and comes up again."""
    head = "POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    head += f"Content-Length: {len(PHOTO)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head.encode() + PHOTO[: len(PHOTO) // 2])
        time.sleep(1)
        stopping = threading.Thread(target=docker, args=("stop", "-t", "40", compose.container("api")))
        stopping.start()
        wait_for("no new connection taken", lambda: not ready(port), seconds=20)
        client.sendall(PHOTO[len(PHOTO) // 2 :])
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
        stopping.join()
    state = inspect(compose.container("api"))["State"]
    check(answer.startswith(b"HTTP/1.1 200"), f"the request in flight was lost: {answer[:200]!r}")
    same_mask(answer.partition(b"\r\n\r\n")[2])
    check(state["ExitCode"] == 0, f"it ended with {state['ExitCode']}")
    compose("up", "--detach", "--wait")
    say("SIGTERM: the half-sent photo was taken in and answered, then the container ended with 0")


def check_restart(compose: Compose, port: int) -> None:
    """A dead worker is replaced while the others serve; a dead container comes back, its state with it."""

    def workers() -> set[str]:
        return set(compose("exec", "-T", "api", "cat", "/proc/1/task/1/children").split())

    before = workers()
    killed = min(before)
    compose("exec", "-T", "api", "sh", "-c", f"kill -9 {killed}")
    check(segment(port).status_code == 200, "a worker's death was noticed outside")
    wait_for("a new worker", lambda: killed not in workers() and len(workers()) == len(before))

    key = compose("exec", "-T", "api", "sha256sum", "/var/lib/face-parsing/secret_key")
    container = inspect(compose.container("api"))
    as_root = () if os.geteuid() == 0 else ("sudo",)
    run(*as_root, "kill", "-9", str(container["State"]["Pid"]))
    restarts = container["RestartCount"]
    wait_for("a restart", lambda: inspect(compose.container("api"))["RestartCount"] > restarts)
    took = wait_for("ready after a kill", partial(ready, port))
    check(
        compose("exec", "-T", "api", "sha256sum", "/var/lib/face-parsing/secret_key") == key,
        "its state is lost",
    )
    same_mask(segment(port).raise_for_status().content)
    say(
        f"a killed worker is replaced unnoticed; a killed container is ready after {took:.1f} s, its state kept"
    )


def check_stores(folder: Path) -> None:
    """Profiles postgres and redis: keys in the one, and one count in the other for two containers."""
    ports = [free_port(), free_port()]
    bare = Compose(folder, PORT=str(ports[0]))
    failed = bare.fails("--profile", "postgres", "up", "--detach", "--wait", "--wait-timeout", "60")
    check(failed and "POSTGRES_PASSWORD" in bare.logs(), "postgres without a password did not refuse")
    bare.remove()

    passwords = {name: secrets.token_hex(24) for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD")}
    compose = Compose(folder, PORT=str(ports[0]), **passwords)
    (folder / ".env").write_text("THROTTLE_ADDRESS=20/hour\nTHROTTLE_KEY=7/hour\n")
    try:
        compose(
            "--profile", "postgres", "--profile", "redis", "up", "--detach", "--wait", "--wait-timeout", "180"
        )
        key = compose.manage("api", "create_api_key", "ci")
        query = "PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U face_parsing -tA -c 'table %s'"
        query %= "rest_framework_api_key_apikey"
        rows = compose("exec", "-T", "postgres", "sh", "-c", query).splitlines()
        check(len(rows) == 1 and key.split(".")[0] in rows[0], f"the key is not in PostgreSQL: {rows}")
        second = ("--detach", "--no-deps", "--name", SECOND, "--publish", f"127.0.0.1:{ports[1]}:8000", "api")
        compose("run", *second)
        wait_for("a second container", partial(ready, ports[1]))
        passed = [count_passed(ports, 60, headers) for headers in ({}, {"Authorization": f"Api-Key {key}"})]
        check(passed == [20, 7], f"of 60 requests over two containers {passed} passed, not 20 and 7")
        say(
            "postgres, redis: the key is in PostgreSQL; of 60 requests at once over two containers exactly 20 pass by"
        )
        say("address and 7 by key")
    except BaseException:
        print(compose.logs(), file=sys.stderr)
        raise
    finally:
        docker("rm", "-f", "-v", SECOND, check=False)
        (folder / ".env").unlink()
        compose.remove()


def count_passed(ports: list[int], requests: int, headers: dict[str, str]) -> int:
    """How many of so many requests, in turn to each port and many at once, are answered; the rest must be 429."""

    def status(turn: int) -> int:
        url = f"http://127.0.0.1:{ports[turn % len(ports)]}/api/models/"
        return httpx.get(url, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(status, range(requests)))
    check(set(codes) <= {200, 429}, f"over the rate: {codes}")
    return codes.count(200)


def main() -> None:
    """All checks; whatever happens, what they started goes."""
    folder = Path(sys.argv[1])
    port = free_port()
    compose = Compose(folder, PORT=str(port))
    docker("rm", "-f", "-v", STARTED, SECOND, check=False)  # of a run that was killed
    compose.remove()
    try:
        print("image", flush=True)
        check_image(compose)
        print("compose", flush=True)
        check_default(compose, port)
        check_drain(compose, port)
        check_restart(compose, port)
        compose.remove()
        check_stores(folder)
        check_front(folder, PHOTO)
    except BaseException:
        print(compose.logs(), file=sys.stderr)
        raise
    finally:
        compose.remove()
        if not GIVEN:
            docker("image", "rm", IMAGE, check=False)
    print("containers: all held", flush=True)


if __name__ == "__main__":
    main()
