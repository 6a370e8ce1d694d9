"""What the server itself refuses, before Django sees it, and the error envelope for that."""

import json

from gunicorn.http import errors

STATUSES: dict[type[Exception], tuple[int, str, str]] = {
    errors.LimitRequestLine: (414, "URI Too Long", "uri_too_long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", "headers_too_large"),
    errors.ExpectationFailed: (417, "Expectation Failed", "expectation_failed"),
    errors.UnsupportedTransferCoding: (501, "Not Implemented", "unsupported_transfer_coding"),
}
TOO_BUSY = "503 Service Unavailable"


class NoHost(errors.ParseException):  # type: ignore[misc]  # gunicorn is not typed
    """A request that RFC 9112 (3.2) has answered with 400."""

    def __str__(self) -> str:
        return "HTTP/1.1 wants a Host header."


def envelope(status: int, title: str, code: str, request_id: str, detail: str = "") -> bytes:
    """The error envelope, for what Django does not answer; its title is the detail where there is no other."""
    problem = {
        "type": code,
        "title": title,
        "status": status,
        "detail": detail or f"{title}.",
        "request_id": request_id,
    }
    return json.dumps(problem).encode()


def too_busy(request_id: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of a 503."""
    body = envelope(503, "Service Unavailable", "too_busy", request_id)
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Retry-After", "5"),
        ("Cache-Control", "no-store"),
        ("X-Request-Id", request_id),
    ]
    return headers, body
