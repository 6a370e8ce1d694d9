"""What a client may do with a thread, and the connections that the descriptors allow."""

import errno
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.http.errors import NoMoreData

from backend.server import descriptors, sockets
from backend.server.sockets import DeadlineSocket

Pair = tuple[DeadlineSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The service's end of a connection, and the client's."""
    ours, client = socket.socketpair()
    with client, DeadlineSocket(fileno=ours.detach()) as served:
        yield served, client


def test_a_client_that_takes_nothing_is_given_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(sockets, "LEAST_RATE", 1 << 30)
    served, _ = pair
    with pytest.raises(BrokenPipeError):
        served.sendall(bytes(64 << 20))
    assert served.sent < 64 << 20


def test_an_answer_that_is_taken_is_sent_whole(pair: Pair) -> None:
    served, client = pair
    taken = bytearray()

    def take() -> None:
        while data := client.recv(1 << 20):
            taken.extend(data)

    thread = threading.Thread(target=take)
    thread.start()
    content = bytes(range(256)) * 5000
    served.sendall(content)
    served.shutdown(socket.SHUT_WR)
    thread.join(10)
    assert bytes(taken) == content


def test_a_file_is_sent_whole_and_not_to_whoever_takes_it_in_drops(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, client = pair
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    taken = bytearray()

    def take(size: int, pause: float) -> None:
        while data := client.recv(size):
            taken.extend(data)
            time.sleep(pause)

    thread = threading.Thread(target=take, args=(1 << 20, 0))
    thread.start()
    with (tmp_path / "file").open("rb") as file:
        assert served.sendfile(file, offset=3, count=len(content) - 3) == len(content) - 3
        served.shutdown(socket.SHUT_WR)
        thread.join(10)
        assert bytes(taken) == content[3:]

    monkeypatch.setattr(sockets, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(sockets, "LEAST_RATE", 1 << 30)
    ours, client = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)
    thread = threading.Thread(target=take, args=(4 << 10, 0.02))
    with (tmp_path / "file").open("rb") as file, client, DeadlineSocket(fileno=ours.detach()) as slow:
        thread.start()
        with pytest.raises(BrokenPipeError):
            slow.sendfile(file, count=len(content))
        assert 0 < slow.sent < sockets.BLOCK
        slow.shutdown(socket.SHUT_WR)
        thread.join(20)


def test_a_file_is_sent_where_the_system_calls_again_or_cannot_send_files(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, client = pair
    (tmp_path / "file").write_bytes(b"0123456789")
    real, errors = os.sendfile, [BlockingIOError(errno.EAGAIN, "again"), OSError(errno.EINVAL, "not here")]

    def sendfile(*arguments: int) -> int:
        if errors:
            raise errors.pop(0)
        return real(*arguments)

    monkeypatch.setattr(os, "sendfile", sendfile)
    for _ in range(2):
        with (tmp_path / "file").open("rb") as file:
            assert served.sendfile(file, offset=2, count=8) == 8
        assert client.recv(100) == b"23456789"


def test_a_system_that_calls_again_for_ever_ends_with_the_answers_time(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sendfile(*arguments: int) -> int:
        raise BlockingIOError(errno.EAGAIN, "again")

    monkeypatch.setattr(os, "sendfile", sendfile)
    monkeypatch.setattr(sockets, "ANSWER_SECONDS", 0.2)
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as file, pytest.raises(BrokenPipeError):
        pair[0].sendfile(file)


def test_one_that_is_cut_off_in_a_body_times_out_and_in_a_head_is_silent(pair: Pair) -> None:
    served, client = pair
    client.sendall(b"x")
    served.allow(60, in_body=True)
    assert served.recv(1) == b"x"
    served.cut_off()
    with pytest.raises(TimeoutError):
        served.recv(1)
    served.allow(60, in_body=False)
    with pytest.raises(NoMoreData):
        served.recv(1)
    served.sendall(b"408")
    assert client.recv(3) == b"408", "it is still told"


def test_only_who_is_waited_for_keeps_a_thread(pair: Pair) -> None:
    served, _ = pair
    now = time.monotonic()
    served.allow(60, in_body=True)
    assert not served.keeps_a_thread(now + 100), "it is computed"

    def wait() -> None:
        with pytest.raises(TimeoutError):
            served.recv(1)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while served.blocked == float("inf"):
        time.sleep(0.001)
    assert not served.keeps_a_thread(served.blocked + 0.1)
    assert served.keeps_a_thread(served.blocked + sockets.STALLED_SECONDS + 0.1)
    served.cut_off()
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    ("in_body", "seconds"), [(False, sockets.STALLED_HEAD_SECONDS), (True, sockets.STALLED_SECONDS)]
)
def test_a_head_may_stall_for_less_long_than_a_body(pair: Pair, in_body: bool, seconds: float) -> None:
    served, _ = pair
    served.allow(60, in_body=in_body)
    served.blocked = served.since
    assert not served.keeps_a_thread(served.blocked + seconds - 0.05)
    assert served.keeps_a_thread(served.blocked + seconds + 0.05)


@pytest.mark.parametrize(
    ("hard", "connections"),
    [(1024, 640), (20_000, 4096), (resource.RLIM_INFINITY, 4096), (256, 65)],
)
def test_connections_follow_from_the_hard_limit(
    monkeypatch: pytest.MonkeyPatch, hard: int, connections: int
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (min(256, hard % 1024 + 256), hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert descriptors.most_connections(64) == connections
    assert raised == [(descriptors.MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard, hard)]
