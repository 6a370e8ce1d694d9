"""What the client raises.

FaceParsingError
├── Problem            the service answered with an error
└── ConnectionFailed   no answer came: refused, cut off, timed out
"""

import contextlib
from typing import Any

import httpx

MOST_TEXT = 200


class FaceParsingError(Exception):
    """Any failure of a call; a wrong argument is a TypeError or ValueError, a missing file an OSError."""


class ConnectionFailed(FaceParsingError):
    """No answer from the service; `__cause__` is httpx's error."""


class Problem(FaceParsingError):
    """An error answer (RFC 9457).

    code          stable, to program against: `image_too_large`; `http_502` where a proxy answered in its place
    status        of HTTP
    detail        a sentence for a person
    errors        messages by option
    request_id    finds the line in the service's log; may be empty
    retry_after   the header Retry-After as it came, None without one
    """

    def __init__(
        self,
        *,
        code: str,
        status: int,
        detail: str,
        errors: dict[str, list[str]],
        request_id: str,
        retry_after: str | None,
    ) -> None:
        super().__init__(code, status, detail)
        self.code = code
        self.status = status
        self.detail = detail
        self.errors = errors
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        options = "".join(f" {name}: {' '.join(texts)}" for name, texts in self.errors.items())
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status} {self.code}: {self.detail}{options}{request}"

    @classmethod
    def of(cls, response: httpx.Response) -> "Problem":
        """Of a response that was read."""
        body: Any = None
        with contextlib.suppress(ValueError):
            body = response.json()
        fields = body if isinstance(body, dict) else {}
        given = fields.get("errors")
        errors = given.items() if isinstance(given, dict) else ()
        return cls(
            code=str(fields.get("type", f"http_{response.status_code}")),
            status=response.status_code,
            detail=str(fields.get("detail") or response.text[:MOST_TEXT] or response.reason_phrase),
            errors={
                str(name): [str(one) for one in texts] for name, texts in errors if isinstance(texts, list)
            },
            request_id=str(fields.get("request_id") or response.headers.get("X-Request-Id", "")),
            retry_after=response.headers.get("Retry-After"),
        )
