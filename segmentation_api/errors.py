"""One envelope for all errors, application/problem+json (RFC 9457), whatever Accept says.

`type` is a stable code for programs, `detail` a sentence for people, `errors` has messages by field.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path
from rest_framework import exceptions as drf

from ml_core.image_errors import BrokenImage, DecodingStopped, ImageTooLarge, TooComplex, UnsupportedImage
from ml_core.segmentation import NoSuchFace

logger = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
CLOSE = "face_parsing.close"
"""WSGI key that tells backend.server.worker to close the connection after this answer: its body was not read whole."""


@dataclass(eq=False)
class Problem(Exception):
    """An error, with all that the client is told."""

    status: int
    code: str
    detail: str
    errors: Mapping[str, list[str]] = field(default_factory=dict, kw_only=True)
    headers: dict[str, str] = field(default_factory=dict, kw_only=True)
    close: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return self.detail

    def body(self, request_id: str) -> dict[str, Any]:
        """The envelope."""
        body: dict[str, Any] = {
            "type": self.code,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = self.errors
        return body


def invalid(field: str, detail: str) -> Problem:
    """A wrong field or option."""
    return Problem(400, "invalid_request", f"{field}: {detail}", errors={field: [detail]})


def too_large(limit: int) -> Problem:
    """A request of too many bytes."""
    return Problem(413, "upload_too_large", f"The upload is larger than {limit:,} bytes.", close=True)


def not_ready(detail: str) -> Problem:
    """A transient 503; clients should retry shortly."""
    return Problem(503, "not_ready", detail, headers={"Retry-After": "5"})


QUERY_MISTAKES = (DataError, IntegrityError, InternalError, NotSupportedError, ProgrammingError)
"""What a database raises that can be used; all else means that it is gone, locked or broken."""
UNEXPECTED = Problem(500, "internal_error", "Something went wrong here. The log has it under the request_id.")
GET_ONLY = Problem(405, "method_not_allowed", "GET only.", headers={"Allow": "GET, HEAD"})
DRF_PROBLEMS: dict[type[drf.APIException], tuple[str, str]] = {
    drf.ParseError: ("malformed_body", ""),
    drf.NotAuthenticated: ("api_key_missing", "Send an API key: `Authorization: Api-Key <key>`."),
    drf.PermissionDenied: ("api_key_invalid", "This API key is wrong, revoked or expired."),
    drf.NotFound: ("not_found", "There is nothing here."),
    drf.MethodNotAllowed: ("method_not_allowed", "Not with this method; `Allow` lists those that work here."),
    drf.NotAcceptable: ("not_acceptable", "None of the types in `Accept` can be sent."),
    drf.UnsupportedMediaType: (
        "unsupported_media_type",
        "/api/segment/ takes multipart/form-data with a file field `image`, the raw image with its own content type, "
        "or JSON; /api/segment/batch/ takes multipart/form-data with file fields `images`.",
    ),
    drf.Throttled: ("rate_limited", "Too many requests; `Retry-After` says when to come back."),
}


def problem_of(error: Exception) -> Problem | None:
    """What the client is told of an error; None for an unexpected one."""
    match error:
        case Problem():
            return error
        case ImageTooLarge():
            return Problem(413, "image_too_large", str(error))
        case UnsupportedImage():
            return Problem(415, "unsupported_image", str(error))
        case BrokenImage():
            return Problem(422, "broken_image", str(error))
        case TooComplex():
            return Problem(422, "too_complex", str(error))
        case DecodingStopped():
            logger.warning("decoding_stopped")
            return Problem(422, "decoding_stopped", str(error))
        case NoSuchFace():
            return Problem(422, "no_such_face", str(error))
        case drf.ValidationError():
            return _validation_problem(error)
        case drf.APIException():
            return _drf_problem(error)
        case Http404():
            return Problem(404, "not_found", "There is nothing here.")
        case PermissionDenied():
            return Problem(403, "forbidden", "This is not allowed.")
        case SuspiciousOperation():
            return Problem(400, "bad_request", "The request is malformed or its Host is not served here.")
        case DatabaseError() | InterfaceError() if not isinstance(error, QUERY_MISTAKES):
            logger.error("database_failed", reason=type(error).__name__)
            return not_ready("Keys cannot be looked up now.")
    return None


def forget(error: BaseException | None) -> None:
    """Let go of the frames in which an error and those before it were raised: in a cycle they would keep the photo."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def drf_exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's EXCEPTION_HANDLER: every error of a view, expected or not, in the envelope."""
    problem = logged_problem(error, "request_failed")
    forget(error)
    return respond(context["request"], problem)


def logged_problem(error: Exception, event: str, **values: int) -> Problem:
    """The problem of any error; an unexpected one is logged as `event`."""
    if problem := problem_of(error):
        return problem
    logger.error(event, exc_info=error, **values)
    return UNEXPECTED


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The envelope as a response."""
    body = problem.body(getattr(request, "request_id", ""))
    response = JsonResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = str(len(response.content))
    for name, value in problem.headers.items():
        response[name] = value
    if problem.close:
        request.META[CLOSE] = True
    return response


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400, handler403: what Django refuses outside of REST framework's views."""
    return respond(request, problem_of(exception) or Problem(400, "bad_request", "The request is malformed."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW, for the admin's forms."""
    return respond(request, Problem(403, "csrf_failed", "The form has expired; reload the page."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404: the page's own for browsers; else a hint where only the last slash is missing."""
    page = settings.PAGE_DIR / "404.html"
    html = "text/html" in request.headers.get("Accept", "") and not request.path_info.startswith("/api/")
    if html and page.is_file():
        return HttpResponse(page.read_bytes(), status=404)
    detail = "There is nothing here."
    if not request.path_info.endswith("/") and is_valid_path(f"{request.path_info}/"):
        detail = "There is nothing here; the same path with a slash at its end exists."
    return respond(request, Problem(404, "not_found", detail))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: an error outside of REST framework's views. The request log has its traceback."""
    error = sys.exc_info()[1]
    return respond(request, (isinstance(error, Exception) and problem_of(error)) or UNEXPECTED)


def _validation_problem(error: drf.ValidationError) -> Problem:
    fields = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
    errors = {str(field): [str(line) for line in lines] for field, lines in fields.items()}
    detail = "; ".join(f"{field}: {' '.join(lines)}" for field, lines in errors.items())
    return Problem(400, "invalid_request", detail, errors=errors)


def _drf_problem(error: drf.APIException) -> Problem:
    code, detail = DRF_PROBLEMS.get(type(error), (str(error.default_code), ""))
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return Problem(error.status_code, code, detail or str(error.detail), headers=headers)
