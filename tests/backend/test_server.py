"""What only the real server can show: slow clients, signals, a killed worker, what stays on disk."""

import concurrent.futures
import contextlib
import errno
import functools
import importlib.metadata
import itertools
import json
import os
import re
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import numpy as np
import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn
from numpy.typing import NDArray
from PIL import Image

from backend.server import worker as server_worker
from tests.conftest import ROOT, Server, decode, encode

Start = Callable[..., Server]
pytestmark = pytest.mark.timeout(240)  # seconds of work, but a busy machine starts servers slowly

web = httpx.Client(verify=False, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
URL = "/api/segment/?faces=whole"


def post(server: Server, photo: bytes, path: str = URL, **options: Any) -> httpx.Response:
    """The photo on a connection of its own."""
    return web.post(server.url + path, content=photo, headers={"Content-Type": "image/png"}, **options)


def head(length: int) -> bytes:
    """The head of an upload of `length` bytes."""
    return (
        f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def read_all(connection: socket.socket) -> bytes:
    """What the server sends until it hangs up."""
    answer = b""
    while more := connection.recv(65536):
        answer += more
    return answer


def workers(server: Server) -> list[int]:
    """The worker processes' ids."""
    command = ["pgrep", "-f", "gunicorn", "-P", str(server.process.pid)]  # not the sandbox
    listed = subprocess.run(command, capture_output=True, text=True)
    return [int(line) for line in listed.stdout.split()]


def until(condition: Callable[[], Any]) -> Any:
    """Wait for something to become true."""
    while not (found := condition()):
        time.sleep(0.02)
    return found


def test_stalled_uploads_half_sent_heads_and_silence_do_not_stop_others(server: Server, photo: bytes) -> None:
    silent = [server.connect() for _ in range(150)]
    stalled = [server.connect() for _ in range(32)]
    for index, connection in enumerate(stalled):
        connection.sendall(
            head(1000) + b"\x89PNG" if index % 2 else b"POST /api/segment/ HTTP/1.1\r\nHost: loc"
        )
    assert [post(server, photo).status_code for _ in range(4)] == [200] * 4
    answers = [read_all(connection) for connection in stalled]
    late = [
        answer for answer in answers if answer.startswith(b"HTTP/1.1 408") and b"upload_timeout" in answer
    ]
    assert len(late) == 16
    assert all(b"\r\nConnection: close\r\n" in answer for answer in late)
    assert answers.count(b"") == 16, "an unfinished head is no request to answer"
    for connection in silent + stalled:
        connection.close()


def test_refused_uploads_that_stall_do_not_stop_others(server: Server, photo: bytes) -> None:
    refused = [server.connect() for _ in range(24)]
    for connection in refused:
        connection.sendall(head(999_999_999) + b"x" * 1000)
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"\r\nConnection: close\r\n" in answer
    # each is heard out for 2 s: in the thread that serves all connections that would be half a minute
    assert post(server, photo, timeout=10).status_code == 200
    for connection in refused:
        connection.close()


@pytest.mark.parametrize("length", [100_000, 3_000_000])
def test_a_connection_outlives_a_small_body_that_was_not_read(server: Server, length: int) -> None:
    """/healthz takes no body: what was sent of one is read and forgotten, or the connection ends."""
    request = f"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
    with server.connect() as connection:
        connection.settimeout(10)
        connection.sendall(request + b"x" * min(length, 100_000))
        first = whole_answer(connection)
        assert first.status == 405
        assert (first.getheader("Connection") == "close") == (length > 1 << 20)
        if length < 1 << 20:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert whole_answer(connection).status == 200


def whole_answer(connection: socket.socket) -> HTTPResponse:
    """The next answer, read to its end: head and body may come apart."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer


def test_a_trickle_of_bytes_does_not_outlast_the_deadline(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(head(1000))
        connection.settimeout(0.2)
        answer = b""
        while not answer:
            connection.sendall(b"x")
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                pass  # a body that may take as long as it likes would be whole, and refused with 415, after 200 s
    assert answer.startswith(b"HTTP/1.1 408")


def test_chunked_bodies(server: Server, photo: bytes, face: NDArray[np.uint8]) -> None:
    def chunks() -> Iterator[bytes]:
        yield photo[:100]
        yield photo[100:]

    response = web.post(
        server.url + URL + "&output=labels", content=chunks(), headers={"Content-Type": "image/png"}
    )
    assert (decode(response.content) == face).all()
    form = httpx.Request("POST", server.url + URL, files={"image": photo})
    body, kind = form.read(), form.headers["Content-Type"]
    response = web.post(
        server.url + URL, content=iter([body[:50], body[50:]]), headers={"Content-Type": kind}
    )
    assert response.status_code == 200

    def endless() -> Iterator[bytes]:
        for _ in range(18):
            yield bytes(1 << 20)

    response = web.post(server.url + URL, content=endless(), headers={"Content-Type": "image/png"})
    assert (response.status_code, response.json()["type"]) == (413, "upload_too_large")


SMUGGLED = b"2a\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("body", [b"zz\r\n", b"1\r\nx\r\n" * 20_000, SMUGGLED])
def test_chunks_that_nobody_reads_are_no_request(server: Server, body: bytes) -> None:
    with server.connect() as connection:
        head = b"POST /api/models/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + body)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 405") and answer.count(b"HTTP/1.1") == 1


PNG_POST = b"POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


def test_a_body_that_was_not_read_to_its_end_ends_the_connection(start_server: Start) -> None:
    server = start_server(MAX_UPLOAD_BYTES="1024").wait_until_ready()
    for framing, status in (
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"Content-Length: 100000\r\n\r\n" + bytes(100_000), b"413"),
    ):
        with server.connect() as connection:
            connection.sendall(PNG_POST + framing)
            answer = read_all(connection)
        assert answer.split()[1] == status
        assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 10_000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (PNG_POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (PNG_POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (PNG_POST + b"Content-Length: 99999999999\r\n\r\n", 413),
        (PNG_POST + b"Content-Length: " + b"9" * 3000 + b"\r\n\r\n", 413),
        (b"GET /api/models/ HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\n\r\n", 200),
    ],
)
def test_what_is_not_proper_http_has_the_envelope_too(
    server: Server, request_bytes: bytes, status: int
) -> None:
    with server.connect() as connection:
        connection.sendall(request_bytes)
        answer = b""
        while b"}" not in answer and (more := connection.recv(65536)):
            answer += more
    assert answer.split()[1] == str(status).encode(), answer
    if status != 200:
        assert b"application/problem+json" in answer
        envelope = json.loads(answer.partition(b"\r\n\r\n")[2].strip(b"0123456789abcdef\r\n"))
        assert {"type", "title", "status", "detail", "request_id"} <= set(envelope)
        assert "xxxx" not in answer.decode()


@pytest.mark.parametrize("kind", ["image/png; charset=hex", "image/png; name*=foo''%41"])
def test_a_content_type_that_cannot_be_read_is_an_images_all_the_same(
    server: Server, photo: bytes, kind: str
) -> None:
    assert web.post(server.url + URL, content=photo, headers={"Content-Type": kind}).status_code == 200


def test_a_head_request_is_nothing_to_warn_of(server: Server) -> None:
    before = len(server.log.read_text())
    for path in ("/healthz", "/api/models/", "/nothing"):
        web.head(server.url + path)
    until(lambda: "HEAD /nothing" in server.log.read_text()[before:])
    assert '"warning"' not in server.log.read_text()[before:]


def test_metrics_add_up_over_workers_and_nothing_else_is_listened_to(server: Server, photo: bytes) -> None:
    def images() -> float:
        lines = web.get(f"{server.url}/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("segment_images_total{"))

    before = images()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {response.status_code for response in pool.map(lambda _: post(server, photo), range(24))} == {
            200
        }
    assert images() == before + 24
    assert len(workers(server)) >= 2


def test_a_worker_is_warm_before_its_first_request(start_server: Start) -> None:
    started = start_server(PYTHONPROFILEIMPORTTIME="1").wait_until_ready()
    assert started.log.read_text().count('"warmed_up"') >= 1
    until(lambda: started.log.read_text().count('"warmed_up"') == len(workers(started)) == 2)
    views = re.findall(r"import time: .* segmentation_api\.views\n", started.log.read_text())
    assert len(views) == 1, "in the master, before the fork"


def test_all_threads_of_a_worker_allocate_from_one_heap(server: Server, photo: bytes) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: post(server, photo), range(32))} == {200}
    for pid in workers(server):
        maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
        split = [(*row[0].split("-"), row[1]) for row in maps if len(row) == 5]
        regions = [(int(start, 16), int(end, 16), rights) for start, end, rights in split]
        # glibc's further heaps: 64 MB, aligned, of which only a part is in use
        further = [
            used
            for used, rest in itertools.pairwise(regions)
            if used[0] % 2**26 == 0 and used[1] == rest[0] and (used[2], rest[2]) == ("rw-p", "---p")
        ]
        assert not further


def test_the_worker_was_read_against_the_installed_gunicorn() -> None:
    """Read the docstring of backend.server.worker against the new version, then name that one there."""
    assert importlib.metadata.version("gunicorn") == server_worker.GUNICORN


def test_a_connection_goes_to_the_worker_that_has_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_worker, "YIELD_SECONDS", 0.5)
    monkeypatch.setattr(server_worker, "connections", array("I", [0, 1, 0, server_worker.NOT_THERE]))
    many, few = (server_worker.DeadlineWorker(0, 0, [], None, 30, Config(), None) for _ in range(2))
    many.column, few.column = 1, 2
    taken: dict[str, list[Any]] = {"many": [], "few": []}
    monkeypatch.setattr(many, "enqueue_req", taken["many"].append)
    monkeypatch.setattr(few, "enqueue_req", taken["few"].append)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(False)
        thread = threading.Thread(target=many.accept, args=(listener,))
        thread.start()
        thread.join(0.1)
        few.accept(listener)
        thread.join()
    for connection in taken["many"] + taken["few"]:
        connection.sock.close()
    many.tmp.close()
    few.tmp.close()
    assert [len(taken["many"]), len(taken["few"])] == [0, 1]


def test_of_many_connections_a_worker_takes_what_waits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_worker, "connections", array("I", [0, 5]))
    flooded = server_worker.DeadlineWorker(0, 0, [], None, 30, Config(), None)
    flooded.column = 1
    taken: list[Any] = []
    monkeypatch.setattr(flooded, "enqueue_req", taken.append)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.setblocking(False)
        for _ in range(20):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        flooded.worker_connections = 12
        flooded.accept(listener)
        assert len(taken) == 6, "as far as there is room"
        flooded.worker_connections = 100
        flooded.accept(listener)
        assert len(taken) == 20
        for connection in taken:
            connection.sock.close()
    flooded.tmp.close()


def test_where_nothing_was_left_for_a_connection_there_is_room_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_worker, "connections", array("I", [0, 30]))
    settings = Config()
    settings.set("worker_connections", 100)
    worker = server_worker.DeadlineWorker(0, 0, [], None, 30, settings, None)
    worker.column = 1
    listener = Mock()
    listener.accept.side_effect = OSError(errno.ENFILE, "Too many open files in system")
    worker.accept(listener)
    assert worker.worker_connections == 22
    now = time.monotonic()
    worker._widen(now)
    assert worker.worker_connections == 22, "not at once"
    for later, number in enumerate([44, 88, 100, 100], 1):
        worker._widen(now + later * (server_worker.SHORT_SECONDS + 1))
        assert worker.worker_connections == number
    worker.tmp.close()


@pytest.mark.parametrize("kind", ["pending", "keepalived"])
def test_what_makes_room_may_have_said_something_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(server_worker, "connections", array("I", [0, 1]))
    full = server_worker.DeadlineWorker(0, 0, [], None, 30, Config(), None)
    full.column, full.poller = 1, selectors.DefaultSelector()
    ours, client = socket.socketpair()
    conn = TConn(Config(), ours, None, None)
    idle, readable = {
        "pending": (full.pending_conns, full.on_pending_socket_readable),
        "keepalived": (full.keepalived_conns, full.on_client_socket_readable),
    }[kind]
    idle.append(conn)
    full.poller.register(ours, selectors.EVENT_READ, functools.partial(readable, conn))
    with client, full.poller:
        client.sendall(b"GET")
        events = full.poller.select(0)
        monkeypatch.setattr(full.poller, "select", lambda _: events)
        assert full._drop_idle()
        full.wait_for_and_dispatch_events(0)
        assert full.nr_conns == 0
    full.tmp.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_slow_client_is_cut_off_only_where_threads_are_missing(threads: int) -> None:
    worker = server_worker.DeadlineWorker(0, 0, [], None, 30, Config(), None)
    worker.cfg.set("threads", threads)
    slow = Mock(sock=Mock(since=0.0, keeps_a_thread=lambda now: True))
    worker.in_hand, worker.queued, worker.tpool = {slow}, {Mock()}, Mock()
    worker.murder_pending()
    worker.tmp.close()
    assert slow.sock.cut_off.called == (threads == 1)


def test_requests_sent_without_waiting_are_answered_in_turn(server: Server) -> None:
    paths = [b"/healthz", b"/readyz", b"/nowhere"]
    asked = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths)
    with server.connect() as connection:
        connection.sendall(asked + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = read_all(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"404", b"200"]


def test_with_the_fewest_threads_large_files_are_sent(start_server: Start) -> None:
    server = start_server(WORKERS="1", THREADS="2").wait_until_ready()
    file = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    answer = httpx.get(f"{server.url}{file}", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert len(answer.content) > server_worker.LARGE_ANSWER


def test_clients_that_ask_again_and_again_keep_no_thread_from_others(start_server: Start) -> None:
    server = start_server(WORKERS="1", THREADS="2").wait_until_ready()
    stop = threading.Event()

    def ask() -> int:
        with httpx.Client(base_url=server.url) as busy:
            while not stop.is_set():
                busy.get("/healthz").raise_for_status()
        return 200

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        busy = [pool.submit(ask) for _ in range(6)]
        try:
            assert [web.get(f"{server.url}/healthz").status_code for _ in range(5)] == [200] * 5
        finally:
            stop.set()
        assert [asking.result() for asking in busy] == [200] * 6


def test_what_has_waited_too_long_for_a_thread_is_refused(start_server: Start) -> None:
    server = start_server(WORKERS="1", THREADS="2", QUEUE_TIMEOUT="1").wait_until_ready()
    with contextlib.ExitStack() as stack:
        for _ in range(12):  # two at a time have the threads until they are cut off, half a second later
            stack.enter_context(server.connect()).sendall(head(1000) + b"\x89PNG")
        client = stack.enter_context(httpx.Client(base_url=server.url))
        refused = client.get("/healthz")
        assert (refused.status_code, refused.json()["type"]) == (503, "too_busy")
        assert int(refused.headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200, "the connection is still good"
    assert re.search(r"segment_rejected_total [1-9]", web.get(f"{server.url}/metrics").text)


def test_one_line_a_request_is_logged(server: Server) -> None:
    for name in ("logged-once", "later"):
        web.get(f"{server.url}/api/models/{name}/")
    until(lambda: "/api/models/later/" in server.log.read_text())
    assert server.log.read_text().count("/api/models/logged-once/") == 1


def test_a_killed_worker_costs_only_what_it_held_and_sigterm_nothing(
    start_server: Start, photo: bytes
) -> None:
    server = start_server(WORKERS="2").wait_until_ready()
    before = set(until(lambda: len(found := workers(server)) == 2 and found))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(post, server, photo) for _ in range(80)]
        until(lambda: sum(answer.done() for answer in answers) > 20)
        os.kill(min(before), signal.SIGKILL)
        failed = [answer for answer in answers if answer.exception() or answer.result().status_code != 200]
    assert len(failed) <= 4, "no more than the four in flight"
    until(lambda: len(set(workers(server)) - before) == 1)
    with server.connect() as connection:
        connection.sendall(head(len(photo)) + photo[:20])
        assert post(server, photo).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        until(lambda: b"Handling signal: term" in server.log.read_bytes())
        connection.sendall(photo[20:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert server.process.wait(60) == 0
    assert not (server.run_dir / "gunicorn.pid").exists()


def test_beyond_the_queue_clients_are_sent_away_at_once(start_server: Start) -> None:
    server = start_server(WORKERS="2", INFERENCE_SLOTS="1", QUEUE_SIZE="1").wait_until_ready()
    big = encode(np.zeros((1500, 1500, 3), np.uint8), compress_level=1)

    def ask(_: int) -> tuple[int, str | None]:
        response = post(server, big, f"{URL}&output=overlay")
        return response.status_code, response.headers.get("Retry-After")

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(24)))
    assert {status for status, _ in answers} == {200, 503}
    assert all(after for status, after in answers if status == 503)


def test_without_descriptors_it_stops_accepting_for_a_while(start_server: Start, photo: bytes) -> None:
    server = start_server(WORKERS="1").wait_until_ready()
    assert post(server, photo).status_code == 200
    (worker,) = workers(server)
    limit = len(list(Path(f"/proc/{worker}/fd").iterdir())) + 8
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.ExitStack() as idle:
        for _ in range(60):
            idle.enter_context(server.connect())
        assert post(server, photo).status_code == 200
        upload = idle.enter_context(server.connect())
        upload.sendall(head(len(photo)) + photo)
        assert upload.recv(12) == b"HTTP/1.1 200"
    assert post(server, photo).status_code == 200
    assert workers(server) == [worker]
    assert "Traceback" not in server.log.read_text()


def test_models_are_reloaded_without_dropping_a_request(
    start_server: Start, models_dir: Path, tmp_path: Path, photo: bytes
) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_dir / "tiny", models / "tiny")
    server = start_server(models, WORKERS="2").wait_until_ready()

    def version() -> str:
        return str(web.get(f"{server.url}/api/models/").json()[0]["version"])

    def reload() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", "reload_models"]
        return subprocess.run(command, cwd=ROOT, env=server.environment, capture_output=True, text=True)

    card = models / "tiny" / "model.json"
    card.write_text(card.read_text().replace('"1.0.0"', '"2.0.0"'))
    assert version() == "1.0.0"
    before = set(workers(server))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(post, server, photo) for _ in range(80)]
        done = reload()
        assert {answer.result().status_code for answer in answers} == {200}
    assert done.returncode == 0, done.stderr
    until(lambda: {version() for _ in range(6)} == {"2.0.0"})
    (models / "tiny" / "model.onnx").write_bytes(b"broken")
    done = reload()
    assert done.returncode == 1
    assert "sha256" in done.stderr
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.log.read_text().count('"old_one_kept": true') == 2)
    assert version() == "2.0.0"
    assert post(server, photo).status_code == 200
    assert set(workers(server)) == before


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("MODEL", {"MODEL": "other"}),
        ("MODELS_DIR", {"MODELS_DIR": "/nowhere"}),
        ("API_PUBLIC", {"BIND": "0.0.0.0"}),
        ("BIND", {"BIND": "192.0.2.1"}),
        ("RUN_DIR", {"RUN_DIR": "/dev/null/run"}),
        ("THREADS", {"THREADS": "x"}),
        ("DATABASE_URL", {"DATABASE_URL": "postgres://user:secret@127.0.0.1:1/keys", "BIND": "0.0.0.0"}),
        ("CACHE_URL", {"CACHE_URL": "filecache:///dev/null/cache"}),
    ],
)
def test_it_does_not_start_where_it_must_not(
    start_server: Start, name: str, variables: dict[str, str]
) -> None:
    server = start_server(**variables)
    assert server.process.wait(60) != 0
    assert f"Cannot start: {name}: " in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    assert "secret" not in server.log.read_text()


AUDIT = """
import os, sys
log = os.environ["AUDIT_LOG"]
own = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def hook(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os.write(own, (str(arguments[0]) + "\\n").encode())
sys.addaudithook(hook)
"""


def test_nothing_of_an_upload_is_kept(start_server: Start, tmp_path: Path, photo: bytes) -> None:
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    audit = tmp_path / "audit.log"
    server = start_server(
        PYTHONPATH=str(tmp_path), AUDIT_LOG=str(audit), LOG_LEVEL="DEBUG"
    ).wait_until_ready()
    post(server, photo)
    opened_at_start = len(audit.read_text().splitlines())
    marker = b"marker-bytes-of-this-upload"
    large = encode(np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8))
    exif = Image.Exif()
    exif[0x010E] = "description-secret"
    described = [encode(np.zeros((64, 64, 3), np.uint8), kind, exif=exif) for kind in ("JPEG", "TIFF")]
    secret = {"Authorization": "Api-Key prefix.key-secret", "User-Agent": "agent-secret"}
    statuses = []
    for content in (photo, large, *described, marker * 50_000, photo[:100]):
        for output in ("mask", "overlay", "json", "classes"):
            files = {"image": ("name-secret.png", content, "image/png")}
            query = f"{server.url}{URL}&output={output}"
            statuses.append(web.post(query, files=files, headers=secret).status_code)
            assert web.post(f"{query}&secret=query-secret", files=files, headers=secret).status_code == 400
    assert statuses == [200] * 16 + [415] * 4 + [422] * 4
    web.post(f"{server.url}/api/segment/batch/", files=[("images", ("name-secret.png", large))] * 3)
    opened = set(audit.read_text().splitlines()[opened_at_start:])
    assert opened <= {str(server.run_dir.parent / "db.sqlite3")}, opened
    server.stop()
    text = server.log.read_bytes()
    assert b"request_finished" in text
    for secret_text in (marker, b"secret", b"\x89PNG"):
        assert secret_text not in text
    for file in server.run_dir.parent.rglob("*"):
        if file.is_file():
            assert marker not in file.read_bytes()
            assert photo[:200] not in file.read_bytes()
