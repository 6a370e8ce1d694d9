"""Bodies that take memory before, or instead of, a photo's turn."""

import socket
import time

from benchmarks.attacks import Target, attack

BODY = 22_400_000
HEAD = "POST /api/segment/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{length}\r\n\r\n"


def head(kind: str, length: int | None = BODY, path: str = "") -> bytes:
    """The head of an upload; without a length it comes in chunks."""
    given = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return HEAD.format(path=path, kind=kind, length=given).encode()


def repeatedly(target: Target, clients: int, *, kind: str, body: bytes, path: str = "") -> None:
    """So many clients send the body again and again, and wait for the answer."""

    def work(_: int) -> None:
        with target.connect(timeout=60) as connection:
            connection.sendall(head(kind, len(body), path) + body)
            while connection.recv(65536) and not target.over():
                pass

    target.at_once(clients, work)


def filled(before: bytes, unit: bytes, after: bytes) -> bytes:
    """`unit` again and again, to 22 MB in all."""
    return before + unit * ((BODY - len(before) - len(after)) // len(unit)) + after


@attack("json-objects")
def json_objects(target: Target) -> None:
    """Eight clients send 22 MB of {},{},... as JSON."""
    repeatedly(target, 8, kind="application/json", body=filled(b'{"classes":[', b"{},", b"1]}"))


@attack("json-scalars")
def json_scalars(target: Target) -> None:
    """Eight clients send 22 MB of "aa","aa",... as JSON: a flat list."""
    repeatedly(target, 8, kind="application/json", body=filled(b'{"classes":[', b'"aa",', b"1]}"))


@attack("json-base64")
def json_base64(target: Target) -> None:
    """Sixteen clients send a photo of 16 MB in base64 with an escaped line break after every second letter."""
    repeatedly(target, 16, kind="application/json", body=filled(b'{"image":"', b"AA\\n", b'"}'))


@attack("form-parts")
def form_parts(target: Target) -> None:
    """Eight clients send a form of a million parts."""
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    repeatedly(target, 8, kind="multipart/form-data; boundary=b", body=filled(b"", part, b"--b--\r\n"))


@attack("batches")
def batches(target: Target) -> None:
    """Eight clients send batches of 64 MB in 32 files."""
    part = (
        b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
        + bytes((2 << 20) - 1024)
        + b"\r\n"
    )
    body = part * 32 + b"--b--\r\n"
    repeatedly(target, 8, kind="multipart/form-data; boundary=b", body=body, path="batch/")


@attack("broken-uploads")
def broken_uploads(target: Target) -> None:
    """Sixteen clients send forms of 8 MB that break off one byte short, each in another way."""
    part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + bytes(8 << 20)
    body = part + b"\r\n--b--\r\n"

    def work(number: int) -> None:
        with target.connect() as connection:
            connection.sendall(head("multipart/form-data; boundary=b", len(body)) + body[:-1])
            if number % 2:
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)

    target.at_once(16, work)


def stalled(target: Target, count: int, kind: str, *, sent: int = BODY - 1, chunked: bool = False) -> None:
    """So many clients send `sent` bytes of a body of 22 MB and fall silent; one that is refused comes back."""
    block = bytes(1 << 20)

    def work(_: int) -> None:
        with target.connect() as connection:
            connection.sendall(head(kind, None if chunked else BODY))
            left = sent
            while left > 0:
                data = block[:left]
                connection.sendall(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
                left -= len(data)
            connection.settimeout(max(0.1, target.ends - time.monotonic()))
            connection.recv(4096)
            time.sleep(0.2)

    target.at_once(count, work)


@attack("stalled-uploads")
def stalled_uploads(target: Target) -> None:
    """32 uploads of 22 MB stall one byte short."""
    stalled(target, 32, "image/jpeg", sent=(16 << 20) - 1)


@attack("stalled-forms")
def stalled_forms(target: Target) -> None:
    """100 forms stall in the middle of a photo."""
    stalled(target, 100, "multipart/form-data; boundary=b", sent=8 << 20)


@attack("stalled-early")
def stalled_early(target: Target) -> None:
    """400 uploads stall after their first bytes."""
    stalled(target, 400, "image/jpeg", sent=16)


@attack("stalled-chunks")
def stalled_chunks(target: Target) -> None:
    """64 uploads in chunks, of no stated length, stall."""
    stalled(target, 64, "image/jpeg", sent=12 << 20, chunked=True)


@attack("tiny-chunks")
def tiny_chunks(target: Target) -> None:
    """16 uploads in chunks of one byte."""
    block = b"1\r\na\r\n" * 10_000

    def work(_: int) -> None:
        with target.connect() as connection:
            connection.sendall(head("image/jpeg", None))
            while not target.over():
                connection.sendall(block)

    target.at_once(16, work)
