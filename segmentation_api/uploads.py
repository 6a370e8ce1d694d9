"""Taking a photo out of a request without letting it touch the disk or grow past its limit."""

import base64
import binascii
import json
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NoReturn

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request

from segmentation_api.errors import CLOSE, Problem, invalid, too_large

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


class BoundedMemoryUploadHandler(FileUploadHandler):
    """Keeps a request's files in memory, up to `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit, self.left = limit, limit

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file part begins."""
        super().new_file(*args, **kwargs)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Raises Problem (413) over the limit."""
        self.left -= len(raw_data)
        if self.left < 0:
            raise too_large(self.limit)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """The part as a file."""
        self.file.seek(0)
        return InMemoryUploadedFile(self.file, self.field_name, "image", self.content_type, file_size, None)


class JsonParser(BaseParser):
    """A JSON object, bounded; a name given twice is an error."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """The object. Raises ParseError, or Problem (413)."""
        body = read_bounded(stream, parser_context["view"].max_bytes * 4 // 3 + BODY_OVERHEAD)
        try:
            value = json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise ParseError("The body is not valid JSON.") from None
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        return value


class RawImageParser(BaseParser):
    """The body is the image."""

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, bytes]:
        """{"image": bytes}. Raises Problem (413)."""
        return {"image": read_bounded(stream, parser_context["view"].max_bytes)}


class ImageParser(RawImageParser):
    """A raw image under its own content type."""

    media_type = "image/*"


class OctetStreamParser(RawImageParser):
    """A raw image under no particular content type."""

    media_type = "application/octet-stream"


PARSERS = [MultiPartParser, JsonParser, ImageParser, OctetStreamParser]


def read_bounded(stream: Any, limit: int) -> bytes:
    """All of the stream. Raises Problem (413) beyond `limit` bytes, of which no more are read."""
    data = bytes(stream.read(limit + 1))
    if len(data) > limit:
        raise too_large(limit)
    return data


def limit_body(request: HttpRequest, *, limit: int) -> None:
    """Refuse a request by its Content-Length, before it is read, and bound what a multipart parser may keep."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    length = int(given) if given.isdecimal() else 0
    if length > limit * 4 // 3 + BODY_OVERHEAD and "HTTP_TRANSFER_ENCODING" not in request.META:
        raise too_large(limit)
    request.upload_handlers = [BoundedMemoryUploadHandler(limit)]


def read_body(request: Request) -> None:
    """Read and parse the body now, telling what goes wrong on the client's side from errors of ours."""
    try:
        _ = request.data
    except OSError as error:
        if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
            raise Problem(408, "upload_timeout", "The upload took too long.", headers=CLOSE) from None
        raise Problem(400, "malformed_body", "The body broke off or is malformed.", headers=CLOSE) from None


def take_image(request: Request, *, limit: int) -> bytes:
    """The image of a request in any of its three forms. Raises Problem: 400 without one, 413 over the limit."""
    body: Any = request.data
    form = isinstance(body, QueryDict)
    given = body.getlist("image") if form else [body.get("image")]
    if len(given) > 1:
        raise invalid("image", "is given more than once; /api/segment/batch/ takes several")
    image = given[0] if given else None
    if isinstance(image, UploadedFile):
        image = image.read()
    elif isinstance(image, str) and not form:
        image = decode_base64(image)
    if image is not None and not isinstance(image, bytes):
        raise invalid("image", "must be a file, or in JSON a base64 string")
    if not image:
        raise invalid("image", "is missing or empty")
    if len(image) > limit:
        raise too_large(limit)
    return image


def take_images(request: Request, *, most: int) -> list["UploadedFile[Any]"]:
    """The files of a batch. Raises Problem (400) without any or for too many."""
    body: Any = request.data
    given: list[Any] = body.getlist("images") if isinstance(body, QueryDict) else []
    if not given or not all(isinstance(image, UploadedFile) for image in given):
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
