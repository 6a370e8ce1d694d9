"""The profile `front`: TLS, keys, size limits, and uploads that stall."""

import hashlib
import json
import logging
import socket
import ssl
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.containers.compose import Compose
from tests.engine import PHOTO, free_port, front_settings, share_as_in_readme, wait_until

TOO_LARGE = (413, "upload_too_large")
STALLED = 200
REQUESTS = 6
MOST_CONNECTIONS = 8


class Front:
    """The front as a client sees it: over verified TLS, with or without a key."""

    def __init__(self, compose: Compose, key: str) -> None:
        self.compose, self.key = compose, key
        self.port = int(compose.environment["HTTPS_PORT"])
        root = compose("exec", "-T", "front", "cat", "/data/caddy/pki/authorities/local/root.crt")
        self.tls = ssl.create_default_context(cadata=root)
        self.client = httpx.Client(base_url=f"https://localhost:{self.port}", verify=self.tls, timeout=120)

    @property
    def authorization(self) -> dict[str, str]:
        """The header with its key."""
        return {"Authorization": f"Api-Key {self.key}"}

    def segment(self, key: str | None = None) -> httpx.Response:
        """Post the sample; `key` in place of the valid one, "" for none."""
        key = self.key if key is None else key
        headers = {"Authorization": f"Api-Key {key}"} if key else {}
        return self.client.post("/api/segment/", files={"image": PHOTO}, headers=headers)

    def median_seconds(self) -> float:
        """Median seconds of a few requests, one after the other. All must be answered."""
        seconds = []
        for _ in range(REQUESTS):
            started = time.perf_counter()
            assert self.segment().status_code == 200
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds)

    def upload_half(self) -> ssl.SSLSocket:
        """A connection on which half a photo was sent."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=90)
        client = self.tls.wrap_socket(plain, server_hostname="localhost")
        head = f"POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Api-Key {self.key}\r\n"
        head += f"Content-Type: image/jpeg\r\nContent-Length: {len(PHOTO)}\r\n\r\n"
        client.sendall(head.encode() + PHOTO[: len(PHOTO) // 2])
        return client

    def connections_of_the_service(self) -> int:
        """Connections that the service itself holds: state ESTABLISHED on port 8000, IPv4 and IPv6."""
        rows = self.compose.shell("guarded", "cat /proc/net/tcp /proc/net/tcp6").splitlines()
        fields = [row.split() for row in rows]
        return sum(row[1].endswith(":1F40") and row[3] == "01" for row in fields)


@pytest.fixture(scope="module")
def project(compose: Callable[..., Compose]) -> Compose:
    """The compose project, nothing of it started."""
    ports = {name: str(free_port()) for name in ("PORT", "HTTP_PORT", "HTTPS_PORT")}
    return compose(**ports, **front_settings())


@pytest.fixture(scope="module")
def log_without_a_key(project: Compose) -> str:
    """What the guarded service says when it is started before any key was made."""
    project("up", "--detach", "--no-deps", "guarded")
    wait_until("a refusal in the log", lambda: "API_PUBLIC" in project.logs(), seconds=60)
    log = project.logs()
    project("rm", "--stop", "--force", "guarded")
    return log


@pytest.fixture(scope="module")
def front(project: Compose, log_without_a_key: str) -> Iterator[Front]:
    """`docker compose up front` after a key was made."""
    run_manage = ("run", "--rm", "-T", "--no-deps", "guarded", "manage")
    key = project(*run_manage, "create_api_key", "ci").strip()
    project("up", "--detach", "--wait", "--wait-timeout", "120", "front")
    front = Front(project, key)
    yield front
    front.client.close()


def test_without_a_key_the_guarded_service_says_why_it_does_not_start(log_without_a_key: str) -> None:
    assert "API_PUBLIC" in log_without_a_key


def test_the_open_service_is_not_started(front: Front) -> None:
    assert front.compose("ps", "-q", "--all", "api") == ""


def test_http_is_redirected_to_https(front: Front) -> None:
    plain = httpx.get(f"http://localhost:{front.compose.environment['HTTP_PORT']}/api/models/")
    assert plain.status_code == 308 and plain.headers["location"].startswith("https://")


def test_a_request_without_a_key_gets_401(front: Front) -> None:
    refused = front.segment(key="")
    assert (refused.status_code, refused.json()["type"]) == (401, "api_key_missing")


def test_a_made_up_key_gets_403(front: Front) -> None:
    assert front.segment(key="made.up").status_code == 403


def test_metrics_do_not_open_to_a_forged_address(front: Front) -> None:
    assert front.client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/login/", "/%61dmin/login/", "/ADMIN/"])
def test_the_admin_is_not_published(front: Front, path: str) -> None:
    for refused in (front.client.get(path), front.client.post(path, data={"username": "root"})):
        assert (refused.status_code, refused.json()["type"]) == (404, "not_found")


def test_the_sample_with_a_key_gets_the_mask_in_the_readme(front: Front) -> None:
    assert share_as_in_readme(front.segment().raise_for_status().content) > 0.99


def test_the_page_is_at_the_root(front: Front) -> None:
    page = front.client.get("/")
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]


OWN_OF_EACH = {"accept-ranges", "connection", "date", "keep-alive", "server", "via", "x-request-id"}
"""Headers that the front sets, or that are another in each answer."""
ASK_DIRECTLY = """
import json, sys, urllib.request
headers = {"Host": "localhost", "X-Forwarded-Proto": "https", "Authorization": sys.argv[2]}
with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8000" + sys.argv[1], headers=headers)) as answer:
    print(json.dumps({name.lower(): value for name, value in answer.headers.items()}))
"""


def large_files(front: Front) -> dict[str, str]:
    """The page's large files and the model: their paths, and the SHA-256 of each."""
    script = "find . -type f -size +1100k ! -name '*.gz' ! -name '*.br' -exec sha256sum {} +"
    found = [
        line.split(maxsplit=1)
        for line in front.compose.shell("guarded", f"cd frontend/out && {script}").splitlines()
    ]
    (model,) = front.client.get("/api/models/", headers=front.authorization).json()[:1]
    return {path[1:]: digest for digest, path in found} | {
        f"/api/models/{model['name']}/model.onnx": model["sha256"]
    }


def test_large_files_come_from_the_front_with_the_services_headers(front: Front) -> None:
    files = large_files(front)
    assert {path.rpartition(".")[2] for path in files} >= {"wasm", "onnx"}
    for path, digest in files.items():
        headers = {**front.authorization, "Accept-Encoding": "identity"}
        answer = front.client.get(path, headers=headers).raise_for_status()
        assert hashlib.sha256(answer.content).hexdigest() == digest, path
        ask = (
            "exec",
            "-T",
            "guarded",
            "python",
            "-c",
            ASK_DIRECTLY,
            path,
            front.authorization["Authorization"],
        )
        direct = json.loads(front.compose(*ask))
        assert direct.pop("x-accel-redirect") == f"/{digest}", "the service does not send it"
        assert direct.pop("content-length") == "0"
        given = dict(answer.headers)
        assert int(given.pop("content-length")) == len(answer.content)
        assert {name: given[name] for name in given.keys() - OWN_OF_EACH} == {
            name: direct[name] for name in direct.keys() - OWN_OF_EACH
        }
        part = front.client.get(path, headers={**headers, "Range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, answer.content[1000:2000])
        known = front.client.get(path, headers={**headers, "If-None-Match": answer.headers["ETag"]})
        assert (known.status_code, known.content) == (304, b"")
        assert front.client.head(path, headers=headers).status_code == 200
        digest_path = f"/{digest}"
        assert front.client.get(digest_path, headers=front.authorization).status_code == 404, (
            "only by its own path"
        )
    refused = front.client.get(next(path for path in files if "/api/" in path))
    assert refused.status_code == 401, "a model is for key holders"


@pytest.mark.parametrize(
    ("path", "megabytes", "expected"),
    [
        ("/api/segment/", 17, TOO_LARGE),
        ("/api/segment/", 24, TOO_LARGE),
        ("/api/segment/batch/", 91, TOO_LARGE),
        ("/api/jobs/", 257, TOO_LARGE),
        ("/api/jobs/", 24, (404, "not_found")),  # passed on; this service has no jobs
    ],
)
def test_a_body_over_the_limit_gets_413_in_the_envelope(
    front: Front, path: str, megabytes: int, expected: tuple[int, str]
) -> None:
    headers = ("-H", f"Authorization: Api-Key {front.key}", "-H", "Content-Type: image/jpeg")
    url = f"https://localhost:{front.port}{path}"
    curl = ["curl", "-sk", "--http1.1", *headers, "--data-binary", "@-", url]
    answer = subprocess.run(curl, input=bytes(megabytes << 20), capture_output=True, timeout=300).stdout
    refusal = json.loads(answer)
    assert (refusal["status"], refusal["type"]) == expected


def test_stalled_uploads_do_not_reach_the_service_and_do_not_keep_it_from_answering(front: Front) -> None:
    before = front.median_seconds()
    with ExitStack() as stack:
        stalled = [stack.enter_context(front.upload_half()) for _ in range(STALLED)]
        meanwhile = front.median_seconds()
        held = front.connections_of_the_service()
        stalled[0].sendall(PHOTO[len(PHOTO) // 2 :])
        assert stalled[0].recv(12) == b"HTTP/1.1 200"  # the one that goes on after all
    logging.info(
        "median request: %.0f ms beside %d stalled uploads, %.0f ms without; the service held %d connections",
        *(1000 * meanwhile, STALLED, 1000 * before, held),
    )
    assert held <= MOST_CONNECTIONS


@pytest.fixture(scope="module")
def answer_while_stopped(front: Front) -> httpx.Response:
    """What the front answers while its service is stopped; it runs again afterwards."""
    front.compose("stop", "guarded")
    answer = front.segment()
    front.compose("start", "guarded")
    wait_until("the service again", lambda: front.client.get("/readyz").status_code == 200)
    return answer


def test_without_its_service_the_front_answers_in_the_envelope(answer_while_stopped: httpx.Response) -> None:
    assert answer_while_stopped.status_code in (502, 503)
    assert answer_while_stopped.json()["type"] == "not_ready"
    assert "Retry-After" in answer_while_stopped.headers


def test_the_key_still_holds_once_the_service_is_back(
    front: Front, answer_while_stopped: httpx.Response
) -> None:
    assert front.segment().status_code == 200
