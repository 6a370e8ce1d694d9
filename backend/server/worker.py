"""gunicorn's threaded worker with deadlines on head, body and answer, and the error envelope for what is not HTTP.

gthread waits without limit for the rest of a request that has begun, a thread for each. Here the head and the body
each have a deadline, however slowly the bytes trickle in, and so has each send of the answer.

What this relies on of gunicorn's internals, read in the version that `GUNICORN` names:

- `ThreadWorker`: `pending_conns`, `keepalived_conns`, `poller`, `worker_connections` (it accepts while there are
  fewer), `cfg`, `alive`, `nr_conns`; `on_pending_socket_readable` and `on_client_socket_readable` with the socket;
  `murder_pending` and `wait_for_and_dispatch_events` are called in each round of `run`; `wsgi`,
  `accept`, `enqueue_req` (the poller no longer has the socket), `handle_request`, `_keepalive_after`, `load_wsgi` and
  `get_thread_pool` are called where they are now; `tpool.submit(handle, conn)` in the thread of `run` alone;
  `handle(conn)` returns True (keep the connection), False (close it) or `_DEFER` (back to the poller); NoMoreData
  ends a connection silently, and ParseException comes to `handle_error`.
- `TConn`: `sock`, `parser`, `initialized`, `data_ready` (then `handle` does not wait); `close` lingers unless
  `sock.shutdown` raises OSError.
- `Parser.finish_body`; `Parser.unreader.buf` (what was read ahead).
- `Request.body.failed` (then the connection is closed) and `body.buf`; `body.reader`: `length` (bytes not read yet), of
  a body in chunks `parser` (a generator of its pieces, None at the end), `buf` and `req` (which hold what was read).
- `Response.force_close` and `Response.req`, the response being what `start_response` is a method of; its `status`,
  `headers` and `response_length` until the first `write`.
- `Logger.access_log_enabled`.
- In config.py: `Worker.booted` and `pid`; `handle_hup`, `kill_workers`, `LISTENERS` and `pidfile` of the Arbiter.
"""

import errno
import io
import mmap
import select
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from backend.server.chunks import ChunkedBody
from backend.server.refusals import STATUSES, TOO_BUSY, NoHost, envelope, too_busy
from backend.server.sockets import DeadlineSocket
from backend.server.turns import BUSY_SECONDS, Turns
from backend.settings import env

GUNICORN = "27.0.1"

FIRST_BYTE_SECONDS = 0.01
NEXT_SECONDS = 0.1
YIELD_SECONDS, YIELDS = 0.0005, 8
"""How long, and how often, a worker leaves a new connection to those that have fewer."""
AT_ONCE = 64
"""Connections to take in one round, once there are more than threads."""
NOT_THERE = 2**32 - 1
DRAIN_BYTES = 1 << 20
DRAIN_SECONDS = 5.0
SPARE_DESCRIPTORS, SHORT_SECONDS, RETRY_SECONDS = 8, 30.0, 0.01
"""Left for what requests open, once the process or the machine had none for a connection; how long until twice as many
connections are tried again; and the wait before the next one where there is room for one."""
THREAD_SECONDS = env.QUEUE_TIMEOUT / 2
"""How long a request may wait for a thread; those that waited longer are too many to be answered but with 503."""
LARGE_ANSWER = 1 << 20
LARGE_AT_ONCE = max(1, env.THREADS // 4)
"""Of the threads, for answers of more than LARGE_ANSWER bytes: files of the page and models."""
ENDLESS = str(sys.maxsize)
"""The Content-Length of a body in chunks, since Django takes a request without one for empty."""


connections = memoryview(mmap.mmap(-1, 4 * 256)).cast("I")
"""How many each worker has, in memory that all share, from place 1; NOT_THERE where no worker accepts."""
for place in range(len(connections)):
    connections[place] = NOT_THERE


class NoAccessLog(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's log without its line per request: segmentation_api.telemetry writes that."""

    access_log_enabled = False


def is_readable(conn: Any, seconds: float) -> bool:
    """Whether there is something to read within so many seconds; unlike gunicorn's, it takes no descriptor to wait."""
    if not conn.data_ready:
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        conn.data_ready = bool(poll.poll(1000 * seconds))
    return bool(conn.data_ready)


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """gthread with deadlines and the envelope."""

    wsgi: Any
    worker_connections: int
    column = 0
    """The worker's place in `connections`, which pre_fork sets."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.queued: set[Any] = set()
        self.in_hand: set[Any] = set()
        """Connections that wait for a thread, and those that have one."""
        self.large = threading.BoundedSemaphore(LARGE_AT_ONCE)
        self.short_until = 0.0
        """Until when no more connections are taken than there was room for."""

    def get_thread_pool(self) -> Turns:
        """The threads that answer."""
        return Turns(self.cfg.threads)

    def load_wsgi(self) -> None:
        """Load the application, and adapt what it is given.

        A body in chunks gets a Content-Length, and one that is no machine number the largest. The connection is closed
        after an answer that asks for it or leaves more than DRAIN_BYTES of a body unread.
        """
        super().load_wsgi()
        from segmentation_api.errors import CLOSE  # these load what must wait for django.setup()
        from segmentation_api.telemetry import REJECTED

        application = self.wsgi

        def refuse(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            REJECTED.inc()
            headers, refusal = too_busy(uuid.uuid4().hex)
            start_response(TOO_BUSY, headers)
            return [refusal]

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ.get("HTTP_TRANSFER_ENCODING") and "CONTENT_LENGTH" not in environ:
                environ["CONTENT_LENGTH"] = ENDLESS
                environ["wsgi.input"] = ChunkedBody(environ["wsgi.input"])
            elif len(environ.get("CONTENT_LENGTH", "")) > len(ENDLESS):
                environ["CONTENT_LENGTH"] = ENDLESS
            late = environ["gunicorn.socket"].late
            body: Iterable[bytes] = (refuse if late else application)(environ, start_response)
            response: Any = start_response.__self__  # type: ignore[attr-defined]
            unread = getattr(response.req.body.reader, "length", 0)
            if (response.response_length or 0) > LARGE_ANSWER and environ["REQUEST_METHOD"] == "GET":
                body = self._in_turn(body, response, environ["gunicorn.socket"])
            if environ.get(CLOSE) or unread > DRAIN_BYTES:
                response.force_close()
            return body

        self.wsgi = answer

    @property
    def nr_conns(self) -> int:
        """How many connections the worker has, where the others can read it."""
        return connections[min(self.column, len(connections) - 1)]

    @nr_conns.setter
    def nr_conns(self, number: int) -> None:
        connections[min(self.column, len(connections) - 1)] = number

    def accept(self, listener: Any) -> None:
        """Take a new connection, or many of them where many come.

        The kernel's queue of new connections must not overflow: their clients would try again only after seconds.
        """
        if self.nr_conns <= self.cfg.threads:
            self._leave_to_others()
            self._take(listener)
        else:
            for _ in range(AT_ONCE):
                # With no room left each ends another, which may be about to say something
                if not self._take(listener) or self.nr_conns >= self.worker_connections - 1:
                    break

    def _leave_to_others(self) -> None:
        """Leave a new connection for a moment to workers that have fewer.

        Clients keep their connections. Left to chance, one of two workers may have three of four.
        """
        for _ in range(YIELDS):
            if self.nr_conns <= min(connections[1:]):
                break
            time.sleep(YIELD_SECONDS)

    def _take(self, listener: Any) -> bool:
        """Whether there was a connection to take."""
        if self.nr_conns >= self.worker_connections - 1:
            self._drop_idle()
        before = self.nr_conns
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            self.worker_connections = max(2, self.nr_conns - SPARE_DESCRIPTORS)
            self.short_until = time.monotonic() + SHORT_SECONDS
            time.sleep(RETRY_SECONDS)  # it may be tried again in the next round
        return self.nr_conns > before

    def _widen(self, now: float) -> None:
        """Take more connections again, step by step: what was missing may have been missing for a moment."""
        if self.worker_connections < self.cfg.worker_connections and now > self.short_until:
            self.worker_connections = min(self.cfg.worker_connections, 2 * self.worker_connections)
            self.short_until = now + SHORT_SECONDS

    def _drop_idle(self) -> bool:
        """Close the connection that has been silent the longest, if there is one, to make room for a new one."""
        for idle in (self.pending_conns, self.keepalived_conns):
            if idle:
                conn = idle.popleft()
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()
                return True
        return False

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """A new connection has something to read, unless `_drop_idle` has closed it in the same round."""
        if client.fileno() >= 0:
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """The same of one that was answered before."""
        if client.fileno() >= 0:
            super().on_client_socket_readable(conn, client)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Look again soon while connections wait for a thread, or to be accepted."""
        soon = self.queued or self.nr_conns >= self.worker_connections
        super().wait_for_and_dispatch_events(min(timeout, BUSY_SECONDS) if soon else timeout)

    def murder_pending(self) -> None:
        """Called again and again: end what has timed out or is too much, and, while there are not threads for all, who
        keeps one idle.
        """
        super().murder_pending()
        self.tpool.start()
        now = time.monotonic()
        self._widen(now)
        while self.nr_conns >= self.worker_connections and self._drop_idle():
            pass
        if len(self.queued) + len(self.in_hand) > self.cfg.threads:
            idle = [conn.sock for conn in list(self.in_hand) if conn.sock.keeps_a_thread(now)]
            for sock in sorted(idle, key=lambda sock: sock.since)[: len(self.queued)]:
                sock.cut_off()

    def enqueue_req(self, conn: Any) -> None:
        """A connection has something to read."""
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = DeadlineSocket(fileno=conn.sock.detach())
        self.queued.add(conn)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """In a thread of the pool."""
        self.queued.discard(conn)
        self.in_hand.add(conn)
        conn.sock.late = time.monotonic() - conn.asked > THREAD_SECONDS
        try:
            return self._answer_all(conn)
        finally:
            self.in_hand.discard(conn)

    def _answer_all(self, conn: Any) -> Any:
        """Read requests' heads and answer them.

        A new connection that says nothing yet goes back to the poller, which needs no thread to wait: at once where
        others want this one.
        """
        if not conn.initialized and not is_readable(conn, 0 if self.queued else FIRST_BYTE_SECONDS):
            return _DEFER
        while True:
            conn.sock.allow(env.HEADER_TIMEOUT, in_body=False)
            result = super().handle(conn)
            conn.sock.late = False
            if not result:
                if conn.parser:  # a body that broke off was read ahead, and a cycle may keep the connection
                    conn.parser.unreader.buf = io.BytesIO()
                conn.sock.hang_up()
            if result is not True or not self._next_is_near(conn):
                return result

    def _next_is_near(self, conn: Any) -> bool:
        """Whether the next request comes at once: it is then handled here, which saves two changes of thread.

        Not where there are more connections than threads, since another may be waiting for this one.
        """
        if not self.alive or self.nr_conns > self.cfg.threads:
            return False
        conn.data_ready = bool(conn.parser.unreader.buf.tell())  # read ahead
        return is_readable(conn, NEXT_SECONDS)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The head is there; the application reads the body. Raises NoHost; gunicorn itself refuses two."""
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            raise NoHost
        conn.sock.allow(env.BODY_TIMEOUT, in_body=True)
        try:
            return super().handle_request(req, conn)
        finally:  # a body that broke off is still in the buffers, which hold one another
            body, reader = req.body, req.body.reader
            if getattr(reader, "parser", None):  # chunks are left: the next request's start is unknown
                body.failed = True
            body.buf, reader.buf, reader.req, reader.parser = io.BytesIO(), io.BytesIO(), None, None
            if conn.sock.streaming:
                conn.sock.streaming = False
                self.large.release()

    def _in_turn(self, body: Iterable[bytes], response: Any, sock: DeadlineSocket) -> Iterable[bytes]:
        """A large answer, or 503 if as many as may be are being sent already."""
        if self.large.acquire(blocking=False):
            sock.streaming = True
            return body
        if hasattr(body, "close"):
            body.close()
        kept = [(name, value) for name, value in response.headers if name.lower() == "x-request-id"]
        headers, refusal = too_busy(kept[0][1] if kept else uuid.uuid4().hex)
        response.status, response.headers = None, []
        response.start_response(TOO_BUSY, headers)
        return [refusal]

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether the connection can be used again: not if more of a body is left than is worth reading."""
        conn.sock.allow(DRAIN_SECONDS, in_body=True)
        deadline = time.monotonic() + DRAIN_SECONDS
        return bool(keepalive and conn.parser.finish_body(deadline=deadline, max_bytes=DRAIN_BYTES))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is not HTTP, or over the limits of a head, and so never reaches Django."""
        detail = ""
        if isinstance(exc, errors.ParseException):
            status, title, code = STATUSES.get(type(exc), (400, "Bad Request", "bad_request"))
            detail = str(exc) if isinstance(exc, NoHost) else ""
            self.log.warning("Refused a malformed request: %s", type(exc).__name__)
        else:
            status, title, code = 500, "Internal Server Error", "internal_error"
            self.log.exception("Error handling a request")
        request_id = uuid.uuid4().hex
        body = envelope(status, title, code, request_id, detail)
        head = (
            f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n\r\n"
        )
        try:
            client.sendall(head.encode("latin-1") + body)
        except OSError:
            pass
