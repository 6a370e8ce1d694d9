"""gunicorn's threaded worker, made patient only up to a point, and speaking the API's error envelope.

gthread waits without end for the rest of a request that has begun, with a thread for each. Here a request's
head and its body each have a deadline in all, however slowly the bytes trickle in, and so has sending.
"""

import json
import mmap
import select
import socket
import time
import uuid
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from backend import settings

STATUSES: dict[type[Exception], tuple[int, str, str]] = {
    errors.LimitRequestLine: (414, "URI Too Long", "uri_too_long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", "headers_too_large"),
    errors.ExpectationFailed: (417, "Expectation Failed", "expectation_failed"),
    errors.UnsupportedTransferCoding: (501, "Not Implemented", "unsupported_transfer_coding"),
}
SEND_SECONDS = 60.0
RECEIVE_BYTES = 64 << 10
"""At once, of a body: eight times what gunicorn takes."""
DRAIN_BYTES = 1 << 20
DRAIN_SECONDS = 5.0
LINGER_SECONDS = 2.0
YIELD_SECONDS = 0.002
NEXT_SECONDS = 0.1

connections = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("I")
"""How many each worker has, by its number at the gate: made in the master, shared by all that it forks."""


class DeadlineSocket(socket.socket):
    """A client's socket whose reads together have until `deadline`; `in_body` says what for."""

    deadline = float("inf")
    in_body = False
    hung_up = False
    request: Any = None
    head_is_next = False
    head = b""
    """Of the answer, kept for what follows: a client is woken once, by both."""

    def allow(self, seconds: float, *, in_body: bool) -> None:
        """Start the clock for the next part of a request."""
        self.deadline, self.in_body = time.monotonic() + seconds, in_body

    def leave_body(self, length: int) -> None:
        """The application answers without reading a body of `length` bytes.

        A small one is read and forgotten after the answer; a large one ends the connection.
        """
        if length > DRAIN_BYTES:
            self.close_after_answer()

    def close_after_answer(self) -> None:
        """The connection ends with the answer that is about to be sent, and the answer says so."""
        if self.request is not None:
            self.request.force_close()

    def hang_up(self) -> None:
        """Half-close and hear the client out for a moment, lest the kernel resets the connection under the answer."""
        try:
            super().shutdown(socket.SHUT_WR)
            until = time.monotonic() + LINGER_SECONDS
            while (left := until - time.monotonic()) > 0:
                self.settimeout(left)
                if not super().recv(65536):
                    break
        except OSError:
            pass
        self.hung_up = True

    def shutdown(self, how: int) -> None:
        """Raises OSError after `hang_up`: gunicorn would linger again, in the one thread that serves all."""
        if self.hung_up:
            raise OSError("hung up already")
        super().shutdown(how)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises TimeoutError in a body, which the view answers; an unfinished head is dropped in silence."""
        left = self.deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self.settimeout(left)
            return super().recv(size, flags)
        except TimeoutError:
            if self.in_body:
                raise
            raise errors.NoMoreData from None

    def begin_answer(self, request: Any) -> None:
        """What is sent next is the head of the answer to this request."""
        self.request, self.head_is_next, self.head = request, True, b""

    def end_answer(self) -> None:
        """All of the answer is given, or given up: now even a head without a body is sent."""
        self.head_is_next = False
        try:
            if self.head:
                self.sendall(b"")
        except OSError:  # a client that is gone is noticed when its next request is read
            pass

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """A file as it is: its head goes first."""
        self.end_answer()
        return super().sendfile(file, offset, count)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Raises BrokenPipeError for a client that does not take its answer."""
        if self.head_is_next:
            self.head_is_next, self.head = False, data
            return
        head, self.head = self.head, b""
        self.settimeout(SEND_SECONDS)
        try:
            super().sendall(head + data if head else data, flags)
        except TimeoutError:
            raise BrokenPipeError(32, "the client does not read") from None


class NoAccessLog(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's log of itself, without the line a request it would write wherever logging is configured.

    segmentation_api.telemetry.RequestLog writes that.
    """

    access_log_enabled = False


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """gthread with deadlines and the envelope."""

    notified = 0.0
    number: int | None = None

    def notify(self) -> None:
        """Tell the others how many connections are here, and the master that this worker lives.

        Once a second will do for the latter; the main loop comes here at every event.
        """
        if self.number is not None:
            connections[self.number] = self.nr_conns
        now = time.monotonic()
        if now - self.notified >= 1.0:
            self.notified = now
            super().notify()

    def init_process(self) -> None:
        """In the worker, just forked."""
        from segmentation_api.admission import gate

        self.number = gate().number
        super().init_process()

    def accept(self, listener: Any) -> None:
        """A client knocks: a worker with fewer connections is let go first.

        Clients keep their connections. Where chance deals out four of them, three may wait for one core of two.
        """
        others = [
            count for number, count in enumerate(connections[: self.cfg.workers]) if number != self.number
        ]
        if self.nr_conns > min(others, default=self.nr_conns):
            time.sleep(YIELD_SECONDS)
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """A connection has something to read."""
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = DeadlineSocket(fileno=conn.sock.detach())
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """In a thread of the pool: read a request's head and answer it.

        A new connection that says nothing yet goes back to the poller, which needs no thread to wait.
        """
        if not conn.initialized and not conn.wait_for_data(0.01):
            return _DEFER
        while True:
            conn.sock.allow(settings.HEADER_TIMEOUT, in_body=False)
            result = super().handle(conn)
            if not result:
                conn.sock.hang_up()
            if result is not True or not self._next_is_near(conn):
                return result

    def _next_is_near(self, conn: Any) -> bool:
        """Whether the client sends its next request at once: it is handled here, without a way round by the poller.

        Not where more clients than threads are connected, for another may wait for this one.
        """
        if not self.alive or self.nr_conns > self.cfg.threads:
            return False
        if conn.parser.unreader.buf.getvalue():  # read ahead
            return True
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(1000 * NEXT_SECONDS))

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The head is there; the application reads the body."""
        conn.sock.allow(settings.BODY_TIMEOUT, in_body=True)
        conn.sock.begin_answer(req)
        conn.parser.unreader.mxchunk = RECEIVE_BYTES
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock.end_answer()

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether the connection can be used again: not if more of a body is left than is worth reading."""
        conn.sock.allow(DRAIN_SECONDS, in_body=True)
        deadline = time.monotonic() + DRAIN_SECONDS
        return bool(keepalive and conn.parser.finish_body(deadline=deadline, max_bytes=DRAIN_BYTES))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """What is not HTTP, or over the limits of a head, never reaches Django."""
        refused = isinstance(exc, errors.ParseException)
        status, title, code = STATUSES.get(type(exc), (400, "Bad Request", "bad_request"))
        if refused:
            self.log.warning("Refused a malformed request: %s", type(exc).__name__)
        else:
            self.log.exception("Error handling a request")
            status, title, code = 500, "Internal Server Error", "internal_error"
        request_id = uuid.uuid4().hex
        envelope = {
            "type": code,
            "title": title,
            "status": status,
            "detail": f"{title}.",
            "request_id": request_id,
        }
        body = json.dumps(envelope).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n\r\n"
        )
        try:
            client.sendall(head.encode("latin-1") + body)
        except OSError:
            pass
