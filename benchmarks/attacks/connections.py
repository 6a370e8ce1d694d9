"""Connections that are only kept."""

import socket
import time

from benchmarks.attacks import Target, attack

MODEL = b"GET /api/models/lite-int8/model.onnx HTTP/1.1\r\nHost: localhost\r\n\r\n"


def keep(target: Target, count: int, say: bytes, *, every: float = 0, least_buffer: bool = False) -> None:
    """So many connections, each opened anew when it is closed; each says something at first, or again and again."""

    def one() -> socket.socket:
        connection = socket.socket()
        if least_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connection.connect(("127.0.0.1", target.port))
        connection.sendall(say)
        connection.setblocking(False)
        return connection

    shares: list[list[socket.socket | None]] = [[None] * (count // 16 + 1) for _ in range(16)]

    def work(number: int) -> None:
        kept = shares[number]
        for index, connection in enumerate(kept):
            if target.over():
                return
            try:
                if connection is None:
                    kept[index] = one()
                elif connection.recv(2500) == b"":
                    kept[index] = None
                    connection.close()
            except BlockingIOError:
                continue
            except OSError:
                kept[index] = None
        time.sleep(max(every, 0.05))

    target.at_once(16, work)


@attack("idle-connections")
def idle_connections(target: Target) -> None:
    """6,000 connections that say nothing."""
    keep(target, 6000, b"")


@attack("kept-alive")
def kept_alive(target: Target) -> None:
    """6,000 connections that ask once and are kept."""
    keep(target, 6000, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")


@attack("kept-costly")
def kept_costly(target: Target) -> None:
    """The same, asking for the metrics: of what is open to all that takes the longest."""
    keep(target, 6000, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")


@attack("few-descriptors", started_by=("prlimit", "--nofile=256:256"))
def few_descriptors(target: Target) -> None:
    """3,000 connections that say nothing, where a process may have 256 descriptors."""
    keep(target, 3000, b"")


@attack("half-heads")
def half_heads(target: Target) -> None:
    """500 connections that send half of a head."""
    keep(target, 500, b"POST /api/segment/ HTTP/1.1\r\nHost: local")


@attack("slow-readers")
def slow_readers(target: Target) -> None:
    """200 readers of the model's file, at 5 kB/s each."""
    keep(target, 200, MODEL, every=0.5, least_buffer=True)


@attack("no-readers")
def no_readers(target: Target) -> None:
    """300 connections that ask for the API's schema again and again, and read nothing."""
    keep(
        target,
        300,
        b"GET /api/schema/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100,
        every=60,
        least_buffer=True,
    )
