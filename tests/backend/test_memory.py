"""Nothing of an upload stays in a worker's memory, however it ends, and although no collector runs there."""

import base64
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.backend.test_server import workers
from tests.conftest import Server

UPLOAD_BYTES = 3 << 20
MOST_LEFT = 0.1
"""Of an upload."""
SECONDS = 15
"""Free memory goes back to the system every ten."""
MARK = b"photo-MAR"
MARKS = re.compile(rb"photo-MARcase-(\d{4})|" + base64.b64encode(MARK) + rb"([A-Za-z0-9+/]{12})")
FORM = b"multipart/form-data; boundary=b"
UNCOLLECTED = """
import gc
from gunicorn.workers import gthread

class Kept(gthread.TConn):
    all = []

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.all.append(self)

gthread.TConn = Kept
gc.disable()
gc.enable = lambda: None
"""
"""sitecustomize.py"""
pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Upload:
    """How a request ends: which status it gets, None where nobody waits for it."""

    name: str
    status: int | None
    kind: bytes
    body: Callable[[bytes], bytes]
    """The body by the marks that it is made of."""
    path: str = "/api/segment/"
    short: int = 0
    """Bytes of the announced body that are not sent."""
    end: str = "finish"
    """What the client does then: `finish` (wait), `close` (send FIN), `reset` or `stall`."""
    chunked: bool = False


def bmp(marks: bytes) -> bytes:
    """A photo whose pixels are the marks."""
    height = len(marks) // 3072
    header = struct.pack("<IiiHHIIiiII", 40, 1024, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + height * 3072, 0, 0, 54) + header + marks[: height * 3072]


def form(marks: bytes, *, name: str = "image", times: int = 1, end: bytes = b"--b--\r\n") -> bytes:
    """A form of files."""
    head = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="x"\r\n\r\n' % name.encode()
    size = len(marks) // times
    return b"".join(head + bmp(marks[:size]) + b"\r\n" for _ in range(times)) + end


def json(marks: bytes) -> bytes:
    """A photo in base64, from a multiple of three bytes on."""
    return b'{"image": "' + base64.b64encode(bmp(marks)) + b'"}'


def uploads() -> Iterator[Upload]:
    """Each way to upload, and each way in which it can end."""
    batch = "/api/segment/batch/"
    kinds = {
        "raw": (b"image/bmp", bmp, "/api/segment/"),
        "form": (FORM, form, "/api/segment/"),
        "json": (b"application/json", json, "/api/segment/"),
        "batch": (FORM, lambda marks: form(marks, name="images", times=2), batch),
    }
    for name, (kind, body, path) in kinds.items():
        query = path + "?faces=whole"
        yield Upload(f"{name}", 200, kind, body, query)
        yield Upload(f"{name}, a wrong option", 400, kind, body, path + "?alpha=7")
        yield Upload(f"{name}, an unknown model", 400, kind, body, path + "?model=none")
        for chunked in (False, True):
            tail = ", in chunks" if chunked else ""
            # of the photo alone a FIN leaves nothing that says it is not whole, but its length
            yield Upload(f"{name} that closes{tail}", None, kind, body, query, 1, "close", chunked)
            yield Upload(f"{name} that is reset{tail}", None, kind, body, query, 1, "reset", chunked)
            yield Upload(f"{name} that stalls{tail}", 408, kind, body, query, 1, "stall", chunked)
            yield Upload(
                f"{name} that closes half-way{tail}", None, kind, body, query, 3 << 19, "close", chunked
            )
    yield Upload("raw, cut", 422, b"image/bmp", lambda marks: bmp(marks)[: -(1 << 20)])
    yield Upload("raw, no image", 415, b"image/bmp", lambda marks: marks)
    yield Upload("raw, PUT at a wrong path", 404, b"image/bmp", bmp, "/api/nothing/")
    yield Upload(
        "form, cut photo", 422, FORM, lambda marks: form(b"\0" * 30 + marks)[:-99] + b"\r\n--b--\r\n"
    )
    yield Upload("form without its end", 400, FORM, lambda marks: form(marks, end=b""))
    yield Upload(
        "form with a bad header", 400, FORM, lambda marks: form(marks, end=b"--b\r\nnonsense\r\n\r\n")
    )
    yield Upload("form with a bad boundary", 400, FORM, lambda marks: form(marks, end=b"--bad\r\n"))
    yield Upload("form, another field", 400, FORM, lambda marks: form(marks, name="photo"))
    yield Upload("form, two images", 400, FORM, lambda marks: form(marks, times=2))
    yield Upload(
        "form of too many parts", 400, FORM, lambda marks: form(marks, end=b"") + form(b"", times=99)
    )
    yield Upload("form of base64 that is none", 400, FORM, not_base64)
    yield Upload("json that is none", 400, b"application/json", lambda marks: json(marks)[:-1])
    yield Upload(
        "json, base64 that is none",
        400,
        b"application/json",
        lambda marks: json(marks).replace(b'"}', b'@"}'),
    )
    yield Upload(
        "json, named twice", 400, b"application/json", lambda marks: json(marks)[:-1] + b', "image": ""}'
    )
    yield Upload("json, a list", 400, b"application/json", lambda marks: b"[" + json(marks) + b"]")
    yield Upload(
        "json, an unknown field", 400, b"application/json", lambda marks: json(marks)[:-1] + b', "x": 1}'
    )
    yield Upload(
        "batch, all cut", 200, FORM, lambda marks: form(marks, name="images").replace(b"BM", b"BN"), batch
    )
    yield Upload("nothing that is read", 415, b"text/plain", lambda marks: marks)


def not_base64(marks: bytes) -> bytes:
    """A form whose one file says it is base64."""
    return form(marks).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)


UPLOADS = list(uploads())


@pytest.fixture(scope="module")
def uncollected(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of one worker, in which reference cycles stay, and each connection as if it were in one."""
    folder = tmp_path_factory.mktemp("uncollected")
    (folder / "sitecustomize.py").write_text(UNCOLLECTED)
    running = Server(
        folder, models_dir, WORKERS="1", BODY_TIMEOUT="4", PYTHONPATH=str(folder), MAX_BATCH_BYTES="20000000"
    )
    yield running.wait_until_ready()
    running.stop()


def send(server: Server, upload: Upload, number: int) -> int | None:
    """The status of the answer, where the client waits for one."""
    mark = MARK + b"case-%04d" % number
    body = upload.body(mark * (UPLOAD_BYTES // len(mark)))
    length = b"Transfer-Encoding: chunked" if upload.chunked else b"Content-Length: %d" % len(body)
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s\r\nConnection: close\r\n\r\n"
    if upload.chunked:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        upload_end = len(body) - 7 - upload.short
    else:
        upload_end = len(body) - upload.short
    with server.connect() as connection:
        with suppress(ConnectionError):  # refused before all was sent
            connection.sendall(
                head % (upload.path.encode(), upload.kind, length)
                + body[: upload_end if upload.short else None]
            )
        if upload.end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return None
        if upload.end == "close":
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionError):
            while more := connection.recv(65536):
                answer = (answer + more)[:4096]
    return int(answer[9:12]) if answer and upload.status else None


def marks_in(process: int) -> Counter[int]:
    """The marks in a process's memory, by the number of their upload."""
    found = Counter[int]()
    maps = Path(f"/proc/{process}/maps").read_text().splitlines()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            memory.seek(start)
            with suppress(OSError):
                for plain, encoded in MARKS.findall(memory.read(end - start)):
                    number = plain or base64.b64decode(encoded)[5:]
                    if number.isdigit():
                        found[int(number)] += 1
    return found


def shares(process: int) -> dict[str, float]:
    """How much of which upload is in its memory, where that is more than MOST_LEFT."""
    whole = UPLOAD_BYTES / len(MARK + b"case-0000")
    found = {UPLOADS[number].name: count / whole for number, count in marks_in(process).items()}
    return {name: share for name, share in found.items() if share > MOST_LEFT}


def test_nothing_of_an_upload_stays_in_memory(uncollected: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(partial(send, uncollected), UPLOADS, range(len(UPLOADS)))
        statuses = {one.name: status for one, status in zip(UPLOADS, answers, strict=True)}
    (worker,) = workers(uncollected)
    deadline = time.monotonic() + SECONDS
    while (left := shares(worker)) and time.monotonic() < deadline:
        time.sleep(1)
    assert not left
    assert statuses == {one.name: one.status for one in UPLOADS}
