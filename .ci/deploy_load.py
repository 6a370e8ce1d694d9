"""Steady requests through the front, short and long ones, each from a client of another kind."""

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

BOUNDARY = "boundary-of-parts"


@dataclass
class Load:
    """Runs while its block does. `answers` are (kind, started, seconds, status or what went wrong)."""

    port: int
    key: str
    photo: bytes
    answers: list[tuple[str, float, float, str]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        kept = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        clients: list[tuple[str, float, Callable[[], int]]] = [
            ("models", 0.02, lambda: self._get("/api/models/")),
            ("models", 0.02, lambda: self._get("/api/models/")),
            ("photo", 0.1, lambda: self._post(self.photo, "/api/segment/?faces=whole")),
            (
                "photo on a kept connection",
                0.2,
                lambda: self._post(self.photo, "/api/segment/?faces=whole", kept),
            ),
            ("batch", 0.2, self._batch),
            ("slow upload", 0.2, self._slow_upload),
            ("slow upload", 0.2, self._slow_upload),
        ]
        for client in clients:
            self._threads.append(threading.Thread(target=self._repeat, args=client))
            self._threads[-1].start()
        time.sleep(2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def report(self, what: str) -> None:
        """Print what happened; SystemExit if any request failed."""
        counts = Counter(kind for kind, *_ in self.answers)
        longest = {kind: max(row[2] for row in self.answers if row[0] == kind) for kind in counts}
        parts = ", ".join(f"{counts[kind]} {kind} (longest {longest[kind]:.1f} s)" for kind in counts)
        failed = [row for row in self.answers if row[3] != "200"]
        print(f"  {what}: {len(self.answers)} requests, {len(failed)} failed: {parts}", flush=True)
        if failed or not self.answers:
            raise SystemExit(f"FAILED: {what}: {failed[:10]}")

    def _repeat(self, kind: str, pause: float, ask: Callable[[], int]) -> None:
        while not self._over.is_set():
            started = time.time()
            try:
                outcome = str(ask())
            except (OSError, http.client.HTTPException) as error:
                outcome = repr(error)
            self.answers.append((kind, started, time.time() - started, outcome))
            time.sleep(pause)

    def _headers(self, content_type: str) -> dict[str, str]:
        return {"Content-Type": content_type, "Authorization": f"Api-Key {self.key}"}

    def _get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=self._headers("text/plain"))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def _post(
        self, body: bytes, path: str, kept: http.client.HTTPConnection | None = None, kind: str = "image/jpeg"
    ) -> int:
        connection = kept or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", path, body, self._headers(kind))
        answer = connection.getresponse()
        answer.read()
        if kept is None:
            connection.close()
        return answer.status

    def _batch(self) -> int:
        """Twelve photos in one request: some seconds of work."""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'.encode()
        body = b"".join(head + self.photo + b"\r\n" for _ in range(12)) + f"--{BOUNDARY}--\r\n".encode()
        return self._post(
            body, "/api/segment/batch/?output=json", kind=f"multipart/form-data; boundary={BOUNDARY}"
        )

    def _slow_upload(self) -> int:
        """A photo that takes eight seconds to arrive."""
        head = (
            "POST /api/segment/?faces=whole HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: image/jpeg\r\nContent-Length: {len(self.photo)}\r\n"
            f"Authorization: Api-Key {self.key}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as client:
            client.sendall(head.encode())
            step = len(self.photo) // 16 + 1
            for start in range(0, len(self.photo), step):
                client.sendall(self.photo[start : start + step])
                time.sleep(0.5)
            line = client.makefile("rb").readline()
        return int(line.split()[1]) if line else 0


def photo_of(root: Path) -> bytes:
    """The sample."""
    return (root / "samples" / "astronaut.jpg").read_bytes()
