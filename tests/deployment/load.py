"""A steady load through the front: clients of several kinds, short requests and long ones."""

import http.client
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from tests.engine import PHOTO

BOUNDARY = "boundary-of-parts"
BATCH = 12
SLOW_STEPS, SLOW_PAUSE = 16, 0.5
LONG = ("batch", "slow upload")


class Answer(NamedTuple):
    """How one request went. Times in seconds since the epoch; `outcome` is the status or the error."""

    kind: str
    started: float
    ended: float
    outcome: str


class Load:
    """Clients that send requests, one after the other each, while the `with` block runs."""

    def __init__(self, port: int, key: str) -> None:
        self.port, self.key = port, key
        self.answers: list[Answer] = []
        self._answered = threading.Condition()
        self._over = threading.Event()
        self._kept = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        clients: list[tuple[str, float, Callable[[], int]]] = [
            ("models", 0.02, self._get_models),
            ("models", 0.02, self._get_models),
            ("photo", 0.1, self._post_photo),
            ("photo on a kept connection", 0.2, lambda: self._post_photo(self._kept)),
            ("batch", 0.2, self._post_batch),
            ("slow upload", 0.2, self._upload_slowly),
            ("slow upload", 0.2, self._upload_slowly),
        ]
        self._threads = [threading.Thread(target=self._repeat, args=client) for client in clients]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        try:
            self.wait_for_answers()
        except BaseException:
            self._over.set()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._kept.close()
        counts = ", ".join(
            f"{count} {kind}" for kind, count in Counter(row.kind for row in self.answers).items()
        )
        logging.info("%d requests, %d failed: %s", len(self.answers), len(self.failed), counts)

    @property
    def failed(self) -> list[Answer]:
        """Requests that did not get 200."""
        return [row for row in self.answers if row.outcome != "200"]

    def long_requests_at(self, moment: float) -> list[Answer]:
        """Batches and slow uploads that were under way at a moment."""
        return [row for row in self.answers if row.kind in LONG and row.started < moment < row.ended]

    def wait_for_answers(self) -> None:
        """Wait until a request of every kind that was sent from now on is answered, or has failed."""
        now = time.time()

        def all_kinds_answered() -> bool:
            kinds = {row.kind for row in self.answers if row.started > now}
            return kinds >= {"models", "photo", "photo on a kept connection", *LONG}

        with self._answered:
            assert self._answered.wait_for(all_kinds_answered, timeout=180), "clients got no answers"

    def _repeat(self, kind: str, pause: float, ask: Callable[[], int]) -> None:
        while not self._over.is_set():
            started = time.time()
            try:
                outcome = str(ask())
            except (OSError, http.client.HTTPException) as error:
                outcome = repr(error)
            with self._answered:
                self.answers.append(Answer(kind, started, time.time(), outcome))
                self._answered.notify_all()
            time.sleep(pause)

    def _headers(self, content_type: str) -> dict[str, str]:
        return {"Content-Type": content_type, "Authorization": f"Api-Key {self.key}"}

    def _get_models(self) -> int:
        return self._send("GET", "/api/models/", b"", "text/plain")

    def _post_photo(self, kept: http.client.HTTPConnection | None = None) -> int:
        return self._send("POST", "/api/segment/?faces=whole", PHOTO, "image/jpeg", kept)

    def _post_batch(self) -> int:
        """Many photos in one request: some seconds of work."""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
        body = (head.encode() + PHOTO + b"\r\n") * BATCH + f"--{BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self._send("POST", "/api/segment/batch/?output=json", body, kind)

    def _send(
        self, method: str, path: str, body: bytes, kind: str, kept: http.client.HTTPConnection | None = None
    ) -> int:
        """The status of one request, on a connection of its own or on a kept one."""
        connection = kept or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body or None, self._headers(kind))
        answer = connection.getresponse()
        answer.read()
        if kept is None:
            connection.close()
        return answer.status

    def _upload_slowly(self) -> int:
        """The status of a photo that takes eight seconds to arrive."""
        head = (
            "POST /api/segment/?faces=whole HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: image/jpeg\r\nContent-Length: {len(PHOTO)}\r\n"
            f"Authorization: Api-Key {self.key}\r\n\r\n"
        )
        step = len(PHOTO) // SLOW_STEPS + 1
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as client:
            client.sendall(head.encode())
            for start in range(0, len(PHOTO), step):
                client.sendall(PHOTO[start : start + step])
                time.sleep(SLOW_PAUSE)
            line = client.makefile("rb").readline()
        return int(line.split()[1]) if line else 0
