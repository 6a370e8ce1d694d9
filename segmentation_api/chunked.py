"""Bodies sent in chunks: Django takes a request without Content-Length for an empty one."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ChunkedBody:
    """The input of a chunked request; the server's errors for a broken one become OSError, as Django expects."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.readline = stream, stream.readline

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; empty at the end."""
        try:
            return bytes(self.stream.read(size))
        except OSError:
            raise
        except Exception as error:
            raise OSError("broken chunked body") from error


def allow_chunked_bodies(application: Wsgi) -> Wsgi:
    """Wrap a WSGI application: a chunked body counts as the longest, and is read to its end.

    A length beyond a machine number is cut to the largest, so that whoever counts bytes can compare it.
    """
    endless = str(sys.maxsize)

    def allowing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        chunked = environ.get("HTTP_TRANSFER_ENCODING") and "CONTENT_LENGTH" not in environ
        if chunked and environ.get("wsgi.input_terminated"):
            environ["CONTENT_LENGTH"] = endless
            environ["wsgi.input"] = ChunkedBody(environ["wsgi.input"])
        elif len(environ.get("CONTENT_LENGTH", "")) > len(endless):
            environ["CONTENT_LENGTH"] = endless
        return application(environ, start_response)

    return allowing
