"""What .ci/containers checks of the profile `front`: TLS, keys, limits, and uploads that stall."""

import json
import socket
import ssl
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
from container_engine import Compose, check, docker, free_port, ready, same_mask, say, wait_for

STALLED = 200
ROUNDS, REQUESTS = 3, 6
MOST_CONNECTIONS = 8


class Front:
    """The front as a client sees it: by TLS that is verified, with or without a key."""

    def __init__(self, compose: Compose, photo: bytes) -> None:
        self.compose, self.photo = compose, photo
        self.port = int(compose.environment["HTTPS_PORT"])
        root = compose("exec", "-T", "front", "cat", "/data/caddy/pki/authorities/local/root.crt")
        self.tls = ssl.create_default_context(cadata=root)
        self.client = httpx.Client(base_url=f"https://localhost:{self.port}", verify=self.tls, timeout=120)

    def segment(self, key: str | None, **headers: str) -> httpx.Response:
        """The sample through the front."""
        if key:
            headers["Authorization"] = f"Api-Key {key}"
        return self.client.post("/api/segment/", files={"image": self.photo}, headers=headers)

    def latency(self, key: str) -> list[float]:
        """Seconds of a few requests, one after the other."""
        seconds = []
        for _ in range(REQUESTS):
            started = time.perf_counter()
            check(self.segment(key).status_code == 200, "a normal request failed")
            seconds.append(time.perf_counter() - started)
        return seconds

    def stall(self, stack: ExitStack, key: str) -> list[ssl.SSLSocket]:
        """Uploads that are half there and go on no further."""
        head = f"POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Api-Key {key}\r\n"
        head += f"Content-Type: image/jpeg\r\nContent-Length: {len(self.photo)}\r\n\r\n"
        clients = []
        for _ in range(STALLED):
            client = stack.enter_context(connect(self.port, self.tls))
            client.sendall(head.encode() + self.photo[: len(self.photo) // 2])
            clients.append(client)
        return clients

    def connections(self) -> int:
        """Connections that the service itself holds: states ESTABLISHED on port 8000, of both IP versions."""
        rows = self.compose(
            "exec", "-T", "guarded", "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6"
        ).splitlines()
        fields = [row.split() for row in rows]
        return sum(row[1].endswith(":1F40") and row[3] == "01" for row in fields)


def connect(port: int, tls: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection to the front."""
    return tls.wrap_socket(
        socket.create_connection(("127.0.0.1", port), timeout=90), server_hostname="localhost"
    )


def check_front(folder: Path, photo: bytes) -> None:
    """`docker compose up front`, from refusing to start without a key to what 200 stalled uploads do."""
    settings = {name: str(free_port()) for name in ("PORT", "HTTP_PORT", "HTTPS_PORT")}
    if "2.6.2" in docker("run", "--rm", "--network", "none", "caddy:2", "caddy", "version"):
        settings["REQUEST_BUFFERS"] = "buffer_requests"  # Debian's, in place of the official image
    compose = Compose(folder, **settings)
    try:
        compose("up", "--detach", "--wait", "--wait-timeout", "40", "front", check=False)
        check(
            "API_PUBLIC" in compose.logs(),
            "without a key the guarded service did not say why it does not start",
        )
        key = compose("run", "--rm", "-T", "--no-deps", "guarded", "manage", "create_api_key", "ci").strip()
        compose("up", "--detach", "--wait", "--wait-timeout", "120", "front")
        check(not ready(int(settings["PORT"])), "the open service was started as well")
        front = Front(compose, photo)
        check_manners(front, key, int(settings["HTTP_PORT"]))
        check_stalled(front, key)
        check_absence(front, key)
    except BaseException:
        print(compose.logs())
        raise
    finally:
        compose.remove()


def check_manners(front: Front, key: str, http_port: int) -> None:
    """Keys, TLS, forged headers, the limit."""
    plain = httpx.get(f"http://localhost:{http_port}/api/models/")
    check(
        plain.status_code == 308 and plain.headers["location"].startswith("https://"),
        "http is not sent to https",
    )
    refused = front.segment(None)
    check(
        refused.status_code == 401 and refused.json()["type"] == "api_key_missing",
        f"without a key: {refused}",
    )
    check(front.segment("made.up").status_code == 403, "a made up key came in")
    check(
        front.client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401,
        "metrics are open",
    )
    share = same_mask(front.segment(key).raise_for_status().content)
    page = front.client.get("/")
    check(page.status_code == 200 and "text/html" in page.headers["content-type"], "no page at /")
    for path, megabytes in (("/api/segment/", 17), ("/api/segment/", 24), ("/api/segment/batch/", 91)):
        headers = (f"Authorization: Api-Key {key}", "Content-Type: image/jpeg")
        sent = [part for header in headers for part in ("-H", header)]
        answer = subprocess.run(
            [
                "curl",
                "-sk",
                "--http1.1",
                *sent,
                "--data-binary",
                "@-",
                f"https://localhost:{front.port}{path}",
            ],
            input=bytes(megabytes << 20),
            capture_output=True,
            timeout=300,
        ).stdout.decode()
        refusal = json.loads(answer) if answer.startswith("{") else {}
        check(
            (refusal.get("status"), refusal.get("type")) == (413, "upload_too_large"),
            f"{megabytes} MB to {path}: {answer[:300]!r}",
        )
    say(
        f"front: http -> https, 401 without a key, 403 with a wrong one, 413 as an envelope; mask equal on {share:.2%}"
    )


def check_stalled(front: Front, key: str) -> None:
    """Rounds of normal requests without and with 200 stalled uploads, in turn; then one of those goes on."""
    quiet: list[float] = []
    crowded: list[float] = []
    most = 0
    front.latency(key)
    for _ in range(ROUNDS):
        quiet += front.latency(key)
        with ExitStack() as stack:
            clients = front.stall(stack, key)
            crowded += front.latency(key)
            most = max(most, front.connections())
            clients[0].sendall(front.photo[len(front.photo) // 2 :])
            check(
                clients[0].recv(12) == b"HTTP/1.1 200", "an upload that stalled for a while was not answered"
            )
    ratio = statistics.median(crowded) / statistics.median(quiet)
    say(
        f"{STALLED} stalled uploads: median of a normal request {1000 * statistics.median(crowded):.0f} ms against"
        f" {1000 * statistics.median(quiet):.0f} ms without them ({ratio:.2f}); the service held {most} connections"
    )
    check(most <= MOST_CONNECTIONS, "stalled uploads reach the service")
    check(ratio < 2, "stalled uploads slow a normal request down")


def check_absence(front: Front, key: str) -> None:
    """Without the service: the envelope; and a restart of it is waited for."""
    front.compose("stop", "guarded")
    gone = front.segment(key)
    told = gone.json().get("type") == "not_ready" and "Retry-After" in gone.headers
    check(
        gone.status_code in (502, 503) and told, f"without the service: {gone.status_code} {gone.text[:200]}"
    )
    front.compose("start", "guarded")
    wait_for("the service again", lambda: front.client.get("/readyz").status_code == 200)
    check(front.segment(key).status_code == 200, "the key was lost")
    say(
        f"front: without its service {gone.status_code} in the envelope; the service back, the key still holds"
    )
