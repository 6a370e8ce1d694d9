"""Callbacks: signed, to allowed hosts alone, never to an address inside that nobody named."""

import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from segmentation_api.jobs.callbacks import may_be_called
from segmentation_api.jobs.models import Job
from segmentation_api.jobs.sweep import sweep
from tests.jobs.conftest import only_job, run_tasks

pytestmark = pytest.mark.django_db
Post = Callable[..., Any]
SECRET = "s" * 32


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what it is told, and answers with the statuses that it is given."""

    told: list[tuple[str, dict[str, str], bytes]]
    answers: list[int]

    def do_POST(self) -> None:
        """One call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append((self.path, dict(self.headers), body))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of localhost, signed by itself."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        [*command.split(), "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True
    )
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def receiver(certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Receiver]]:
    """A host inside that the operator named, with its network; `address` is its URL."""
    handler: Any = type("Handler", (Receiver,), {"told": [], "answers": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"localhost:{server.server_port}"
    handler.address = f"https://{host}/done?of=mine"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    settings.JOB_CALLBACK_HOSTS, settings.JOB_CALLBACK_SECRET = [host], SECRET
    settings.JOB_CALLBACK_NETWORKS = ["127.0.0.0/8", "::1/128"]
    yield handler
    server.shutdown()
    server.server_close()


def test_the_client_is_told_once_with_a_signature(client: Client, post: Post, receiver: Any) -> None:
    job = post(callback=receiver.address)["Location"]
    assert run_tasks() == 2
    ((path, headers, body),) = receiver.told
    assert path == "/done?of=mine"
    assert json.loads(body) == client.get(job).json()
    parts = dict(part.split("=", 1) for part in headers["X-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + body
    assert parts["v1"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert abs(time.time() - int(parts["t"])) < 60
    sweep()
    assert run_tasks() == 0


def test_a_redirect_is_not_followed_and_a_failed_call_is_tried_again(
    post: Post, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answers.extend([307, 500])
    post(callback=receiver.address)
    run_tasks()
    assert [path for path, *_ in receiver.told] == ["/done?of=mine"]
    now = timezone.now
    for minutes, count in ((1, 2), (10, 3), (60, 3)):
        monkeypatch.setattr(timezone, "now", lambda minutes=minutes: now() + timedelta(minutes=minutes))
        sweep()
        run_tasks()
        assert len(receiver.told) == count
    assert only_job().callback_due is None


def test_busy_workers_call_once_and_before_the_next_job(post: Post, receiver: Any) -> None:
    """Not as often as sweeps found the call due meanwhile, or all tries would be made at once."""
    receiver.answers += [500] * 5
    post(callback=receiver.address)
    post()
    run_tasks(most=1)
    for _ in range(3):
        Job.objects.update(callback_due=timezone.now() - timedelta(seconds=1))
        sweep()
    assert run_tasks(most=1) == 1
    assert len(receiver.told) == 1
    assert Job.objects.filter(state="queued").count() == 1
    assert run_tasks() == 1
    assert len(receiver.told) == 1


def test_it_gives_up(post: Post, receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.answers.extend([500] * 20)
    post(callback=receiver.address)
    run_tasks()
    now = timezone.now
    for hours in range(3, 33, 3):
        monkeypatch.setattr(timezone, "now", lambda hours=hours: now() + timedelta(hours=hours))
        if hours < 24:
            sweep()
            run_tasks()
    assert len(receiver.told) == 6


def test_an_address_inside_is_not_called_unless_named(post: Post, receiver: Any, settings: Any) -> None:
    settings.JOB_CALLBACK_NETWORKS = ["10.0.0.0/8"]
    post(callback=receiver.address)
    run_tasks()
    assert not receiver.told
    assert only_job().callback_tries == 1


def test_a_host_without_a_trusted_certificate_is_told_nothing(
    post: Post, receiver: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    post(callback=receiver.address)
    run_tasks()
    assert not receiver.told


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://hooks.example.evil.example/",
        "https://sub.hooks.example/",
        "https://hooks.example:444/",
        "https://user@hooks.example/",
        "https://hooks.example@evil.example/",
        "https://hooks.example#@evil.example/",
        "https://hooks.example\\@evil.example/",
        "https://evil.example/https://hooks.example/",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: evil",
        "https://[::1]/",
        "//hooks.example/",
        "ftp://hooks.example/",
        "https://",
        "hooks.example",
    ],
)
def test_only_https_to_the_very_hosts(post: Post, settings: Any, url: str) -> None:
    settings.JOB_CALLBACK_HOSTS = ["hooks.example"]
    assert post(callback="https://Hooks.example/path?x=1").status_code == 202
    assert post(callback=url).status_code == 400, url


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *(
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1%eth0",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
        ),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:169.254.169.254", "198.18.0.1"),
        *("fec0::1", "::127.0.0.1", "64:ff9b:1::a00:1", "::ffff:0:127.0.0.1"),
    ],
)
def test_addresses_inside(settings: Any, address: str) -> None:
    assert not may_be_called(address)
    assert may_be_called("93.184.216.34")
    assert may_be_called("2606:2800:220:1:248:1893:25c8:1946")
