"""Taking a photo out of a request without letting it touch the disk or grow past its limit."""

import base64
import binascii
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from segmentation_api.errors import CLOSE, Problem, invalid, too_large
from segmentation_api.multipart_form import read_form

BODY_OVERHEAD = 128 << 10
"""Bytes a body may have beyond its images: boundaries, part headers, form fields."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ChunkedBody:
    """The input of a request without Content-Length; what the server says of a broken one becomes an OSError."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; empty at the end."""
        try:
            return bytes(self.stream.read(size))
        except OSError:
            raise
        except Exception as error:
            raise OSError("broken chunked body") from error

    def readline(self, size: int = -1) -> bytes:
        """One line."""
        return bytes(self.stream.readline(size))


def allow_chunked_bodies(application: Wsgi) -> Wsgi:
    """Let bodies sent in chunks through; Django takes a request without Content-Length for an empty one.

    A length that is no machine number becomes the largest: who counts bytes would stumble over it.
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


Fields = dict[str, list[Any]]
"""What a body brings, by name: bytes for each file, text, and in JSON other values."""


def read_form_body(request: HttpRequest, limit: int) -> Fields:
    """multipart/form-data: a form with files."""
    return read_form(request, request.META["CONTENT_TYPE"], file_bytes=limit, body_bytes=most_bytes(limit))


def read_json(request: HttpRequest, limit: int) -> Fields:
    """A JSON object with the image in base64; a name given twice is an error. Raises ParseError, Problem (400, 413)."""
    body = read_bounded(request, most_bytes(limit))
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ParseError("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    if isinstance(value.get("image"), str):
        value["image"] = decode_base64(value["image"])
    return {name: [one] for name, one in value.items()}


def read_raw(request: HttpRequest, limit: int) -> Fields:
    """The body is the image. Raises Problem (413)."""
    return {"image": [read_bounded(request, limit)]}


Reader = Callable[[HttpRequest, int], Fields]
FORM: dict[str, Reader] = {"multipart/form-data": read_form_body}
ANY_BODY: dict[str, Reader] = {
    **FORM,
    "application/json": read_json,
    "application/octet-stream": read_raw,
    "image/*": read_raw,
}


def most_bytes(limit: int) -> int:
    """How long a body may be that brings photos of `limit` bytes, in base64 perhaps."""
    return limit * 4 // 3 + BODY_OVERHEAD


def read_bounded(stream: Any, limit: int) -> bytes:
    """All of the stream. Raises Problem (413) beyond `limit` bytes, of which no more are read."""
    data = bytes(stream.read(limit + 1))
    if len(data) > limit:
        raise too_large(limit)
    return data


def check_length(request: HttpRequest, *, limit: int) -> None:
    """Refuse a request by its Content-Length, before it is read. Raises Problem (413)."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    length = int(given) if given.isdecimal() else 0
    if length > most_bytes(limit) and "HTTP_TRANSFER_ENCODING" not in request.META:
        raise too_large(limit)


def read_body(request: HttpRequest, readers: dict[str, Reader], *, limit: int) -> Fields:
    """What the body brings, read by its type alone; one of no stated type is the image itself (RFC 9110, section 8.3).

    Raises UnsupportedMediaType for a type without a reader, and tells what goes wrong on the client's side from errors
    of ours.
    """
    if (request.META.get("CONTENT_LENGTH") or "0") == "0":
        return {}
    stated = request.META.get("CONTENT_TYPE") or "application/octet-stream"
    media_type = stated.partition(";")[0].strip().lower()
    family, slash, _ = media_type.partition("/")
    reader = readers.get(media_type) or readers.get(f"{family}{slash}*")
    if reader is None:
        raise UnsupportedMediaType(media_type)
    try:
        return reader(request, limit)
    except OSError as error:
        if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
            raise Problem(408, "upload_timeout", "The upload took too long.", headers=CLOSE) from None
        raise Problem(400, "malformed_body", "The body broke off or is malformed.", headers=CLOSE) from None


def take_image(fields: Fields, *, limit: int) -> bytes:
    """The image of a request in any of its three forms. Raises Problem: 400 without one, 413 over the limit."""
    given = fields.get("image", [None])
    if len(given) > 1:
        raise invalid("image", "is given more than once; /api/segment/batch/ takes several")
    image = given[0]
    if image is not None and not isinstance(image, bytes):
        raise invalid("image", "must be a file, or in JSON a base64 string")
    if not image:
        raise invalid("image", "is missing or empty")
    if len(image) > limit:
        raise too_large(limit)
    return image


def take_images(fields: Fields, *, most: int) -> list[bytes]:
    """The files of a batch. Raises Problem (400) without any or for too many."""
    given = fields.get("images", [])
    if not given or not all(isinstance(image, bytes) for image in given):
        raise invalid("images", "must be one or more files")
    if len(given) > most:
        raise invalid("images", f"are {len(given)}; at most {most} are taken")
    return given


def decode_base64(text: str) -> bytes:
    """The bytes of base64 or of a base64 data: URL. Raises Problem (400)."""
    text = "".join(text.split())
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise invalid("image", "must be base64 or a data: URL with ;base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("image", "is not valid base64") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name is given twice")
    return names


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
