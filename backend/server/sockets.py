"""A client's socket with deadlines on what it sends and on what it takes."""

import errno
import os
import select
import socket
import time
from typing import Any

from gunicorn.http.errors import NoMoreData

SEND_SECONDS = 60.0
ANSWER_SECONDS, LEAST_RATE = 30.0, 64 << 10
"""An answer must be taken at this rate at least, in bytes/s, but for its first seconds."""
BLOCK = 256 << 10
LINGER_SECONDS = 2.0
STALLED_HEAD_SECONDS, STALLED_SECONDS, SLOW_SECONDS = 0.25, 0.5, 2.0
"""How long a client may fall silent, in a head and after it, and need for any part, while others want a thread."""


class DeadlineSocket(socket.socket):
    """A client's socket whose reads must all be done by `deadline`, and whose answer is taken at a least rate."""

    deadline = float("inf")
    in_body = False
    hung_up = False
    since = blocked = float("inf")
    """When the present head, body or answer began; when the present call began to wait for the client."""
    sending = False
    sent = 0
    cut = False
    streaming = late = False
    """Whether the answer counts as a large one; whether the request has waited too long to be answered."""

    def allow(self, seconds: float, *, in_body: bool) -> None:
        """Set the deadline for the next part of a request."""
        self.since = time.monotonic()
        self.deadline, self.in_body, self.sending, self.sent = self.since + seconds, in_body, False, 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises TimeoutError in a body, for which the view sends 408, and NoMoreData in a head: silence."""
        self.blocked = time.monotonic()
        left = self.deadline - self.blocked
        try:
            if left <= 0:
                raise TimeoutError
            self.settimeout(left)
            data = super().recv(size, flags)
            if self.cut and not data:
                raise TimeoutError
            return data
        except TimeoutError:
            if self.in_body:
                raise
            raise NoMoreData from None
        finally:
            self.blocked = float("inf")

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Raises BrokenPipeError for a client that does not take its answer, or takes it too slowly."""
        view = memoryview(data)
        for start in range(0, len(view), BLOCK):
            self._send(super().sendall, view[start : start + BLOCK], flags)
            self.sent += min(BLOCK, len(view) - start)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """As `sendall`, without a copy of the file in memory."""
        start = self.sent
        while count is None or count > 0:
            size = self._send(self._send_some, file, offset, BLOCK if count is None else min(BLOCK, count))
            if not size:
                break
            self.sent += size
            offset, count = offset + size, count and count - size
        return self.sent - start

    def _send_some(self, file: Any, offset: int, count: int) -> int:
        """What the client has room for: socket.sendfile would have its timeout anew with each byte that is taken."""
        poll = select.poll()
        poll.register(self, select.POLLOUT)
        until = time.monotonic() + (self.gettimeout() or 0)
        while (left := until - time.monotonic()) > 0 and poll.poll(1000 * left):
            try:
                return os.sendfile(self.fileno(), file.fileno(), offset, count)
            except BlockingIOError:  # the kernel is short of memory after all
                time.sleep(0.01)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                    raise
                return self.send(os.pread(file.fileno(), count, offset))  # a file system without sendfile
        raise TimeoutError

    def _send(self, send: Any, *arguments: Any) -> Any:
        self.blocked = time.monotonic()
        if not self.sending:
            self.sending, self.since = True, self.blocked
        left = self.since + ANSWER_SECONDS + self.sent / LEAST_RATE - self.blocked
        try:
            self.settimeout(max(0.001, min(left, SEND_SECONDS)))
            return send(*arguments)
        except TimeoutError:
            raise BrokenPipeError(32, "the client does not read") from None
        finally:
            self.blocked = float("inf")

    def keeps_a_thread(self, now: float) -> bool:
        """Whether a thread waits for this client longer than it may while others want one."""
        stalled = STALLED_SECONDS if self.in_body or self.sending else STALLED_HEAD_SECONDS
        return self.blocked + stalled < now or (self.blocked < now and self.since + SLOW_SECONDS < now)

    def cut_off(self) -> None:
        """From another thread: end its wait. An upload is 408."""
        self.cut = True
        try:
            super().shutdown(socket.SHUT_RDWR if self.sending else socket.SHUT_RD)
        except OSError:
            pass

    def hang_up(self) -> None:
        """Lingering close: drain briefly so that the kernel does not reset the connection under the answer."""
        self.allow(LINGER_SECONDS, in_body=True)
        try:
            super().shutdown(socket.SHUT_WR)
            while self.recv(65536):
                pass
        except OSError:
            pass
        self.hung_up = True

    def shutdown(self, how: int) -> None:
        """Raises OSError after `hang_up`: gunicorn would linger again, in the one thread that serves all."""
        if self.hung_up:
            raise OSError("hung up already")
        super().shutdown(how)
