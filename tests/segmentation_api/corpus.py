"""Bad inputs by the hundred: each one request as it goes over the wire, and the statuses api.md allows for it.

`families()` has them all. Nothing here is random from run to run, so a failing name is a reproduction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

BOUNDARY = "corpus"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Case:
    """One request. `statuses` is what the contract allows; 0 stands for a connection closed without an answer."""

    name: str
    statuses: frozenset[int]
    request: bytes
    half_close: bool = False
    """Whether the client says with a FIN that no more comes, although more was announced."""


def case(name: str, statuses: Iterable[int] | int, request: bytes, *, half_close: bool = False) -> Case:
    """A case; one status or several."""
    allowed = [statuses] if isinstance(statuses, int) else statuses
    return Case(name, frozenset(allowed), request, half_close)


def request(
    body: bytes = b"",
    content_type: str | None = "image/png",
    *,
    query: str = "faces=whole",
    path: str = "/api/segment/",
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """A well-formed HTTP/1.1 request, whatever its body is; `length` states another Content-Length."""
    lines = [f"{method} {path}{'?' if query else ''}{query} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def part(content: bytes, name: str = "image", *, filename: str | None = "x.png", extra: str = "") -> bytes:
    """One part of a multipart body."""
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{extra}\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> bytes:
    """A multipart body."""
    return b"".join(parts) + end


def families() -> dict[str, list[Case]]:
    """All cases by family."""
    from tests.segmentation_api import corpus_http, corpus_images, corpus_pixels

    return {**corpus_images.families(), **corpus_pixels.families(), **corpus_http.families()}
