"""REST framework parsers: the photo from a form, from JSON, or as the body itself, without touching the disk.

They run when a view first reads `request.data`: after authentication, permissions and throttling.
Forms are read with the package `multipart`, since Django's parser takes several times as long for a photo.
"""

import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from segmentation_api.admission import gate
from segmentation_api.errors import Problem, forget, invalid, too_large
from segmentation_api.flat_json import PIECE, read_object

READ_BYTES = 1 << 20
WHITESPACE = b" \t\r\n\v\f"
STANDARD = bytes.maketrans(b"-_", b"+/")
"""From the URL-safe alphabet of base64."""
SPACE = re.compile(rb"\s+")
MOST_DATA_HEAD = 1000
FILE_TYPES = ("image/", "application/zip", "application/x-zip-compressed")
"""A part of such a type is a file even without a name."""
HEADER_CHARSET = "latin-1"
"""Decodes any byte: no file name may make a form unreadable."""

Fields = dict[str, list[Any]]
"""The values of a body by name: an Upload for each file, text, and in JSON other values."""


class Upload:
    """The content of a file until the request ends.

    Errors that libraries raise and catch may lie in a cycle with all frames above them. Those hold this, and no bytes.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __len__(self) -> int:
        return len(self.content)


class BodyParser(BaseParser):
    """Checks Content-Length and the queue before it reads the body; the view's `limit` bounds the photos."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Fields:
        """The body's values. Raises Problem (400, 408, 413, 415, 503) and ParseError."""
        context: Any = parser_context
        meta, limit = context["request"].META, getattr(settings, context["view"].limit)
        check_coding(meta)
        context.clear()  # request -> context -> request is a cycle, which would hold the photo until it is collected
        most = most_bytes(limit)
        if body_bytes(meta, in_chunks=most) > most:
            raise too_large(limit)
        gate.check_queue()
        try:
            return self.read(stream, media_type or "", limit)
        except OSError as error:
            if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
                raise Problem(408, "upload_timeout", "The upload took too long.", close=True) from None
            detail = "The body broke off, is malformed, or comes in chunks that are too small."
            raise Problem(400, "malformed_body", detail, close=True) from None

    def read(self, stream: Any, media_type: str, limit: int) -> Fields:
        """The values of the body, whose photos may have `limit` bytes."""
        raise NotImplementedError


class FormParser(BodyParser):
    """A form with files."""

    media_type = "multipart/form-data"

    def read(self, stream: Any, media_type: str, limit: int) -> Fields:
        """Files as bytes, all else as text."""
        return read_form(stream, media_type, file_bytes=limit, body_bytes=most_bytes(limit))


class JsonParser(BodyParser):
    """A JSON object with the image in base64."""

    media_type = "application/json"

    def read(self, stream: Any, media_type: str, limit: int) -> Fields:
        """The members, `image` decoded. A name given twice is an error."""
        members, image = read_object(read_bounded(stream, most_bytes(limit)), "image")
        if image is not None:
            members["image"] = Upload(decode_base64(image))
        return {name: [one] for name, one in members.items()}


class PhotoParser(BodyParser):
    """The body is the photo; its bytes, not its stated type, say what it is."""

    media_type = "image/*"

    def read(self, stream: Any, media_type: str, limit: int) -> Fields:
        """All of it as `image`."""
        return {"image": [Upload(read_bounded(stream, limit))]}


class BytesParser(PhotoParser):
    """A photo of no stated type."""

    media_type = "application/octet-stream"


def check_coding(meta: Mapping[str, Any]) -> None:
    """Raises Problem (415) for a body that says it is compressed: unpacked it might have any size."""
    coding = meta.get("HTTP_CONTENT_ENCODING", "").strip()
    if coding.lower() not in ("", "identity"):
        raise Problem(
            415,
            "unsupported_media_type",
            f"The body has `Content-Encoding: {coding[:50]}`: send it as it is, without this header.",
            headers={"Accept-Encoding": "identity"},
            close=True,
        )


def body_bytes(meta: Mapping[str, Any], *, in_chunks: int) -> int:
    """The length that a body says it has; one in chunks says none, and is taken for `in_chunks` long."""
    if "HTTP_TRANSFER_ENCODING" in meta:
        return in_chunks
    given = meta.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isdecimal() else 0


def most_bytes(limit: int) -> int:
    """The longest body for `limit` bytes of photos, perhaps in base64."""
    return limit * 4 // 3 + settings.BODY_OVERHEAD


def read_bounded(stream: Any, limit: int) -> bytes:
    """All of the stream. Raises Problem (413) once it exceeds `limit` bytes; no more are read."""
    blocks, left = list[bytes](), limit + 1
    while block := stream.read(min(READ_BYTES, left)):  # in one go it would be in memory three times
        blocks.append(block)
        left -= len(block)
    if left <= 0:
        raise too_large(limit)
    return b"".join(blocks)


def decode_base64(text: bytes) -> bytes:
    """The bytes of base64 or of a base64 data: URL. Raises Problem (400)."""
    start = 0
    if text[:MOST_DATA_HEAD].lstrip()[:5].lower() == b"data:":
        start = text.find(b",", 0, MOST_DATA_HEAD) + 1
        head = b"".join(text[: max(start - 1, 0)].lower().split())
        if not head.endswith(b";base64"):
            raise invalid("image", "must be base64 or a data: URL with ;base64")
    try:
        return _bytes_of(text, start)
    except ValueError as error:
        raise invalid("image", str(error)) from None


def _bytes_of(text: bytes, start: int = 0) -> bytes:
    """The bytes of base64 from `start`, in lines or not, in either alphabet; the URL-safe one may be without padding.

    Raises ValueError with a sentence for the client. It is done in pieces: no other thread runs Python within one.
    """
    if space := SPACE.match(text, start):
        start = space.end()
    end = len(text.rstrip())
    # Behind `=` spaces are harmless; else the last characters may have been plus signs, as any within
    if text.find(b" ", start, end if text[end - 1 : end] == b"=" else len(text)) >= 0:
        raise ValueError(
            "has spaces in its base64 where plus signs (+) were, as text has that was decoded like a form or URL: "
            "send it unchanged, or with - and _ for + and /"
        )
    url_safe = text.find(b"-", start) >= 0 or text.find(b"_", start) >= 0
    plain = bytearray()
    for piece in _pieces(text, start):
        plain += piece.translate(STANDARD, WHITESPACE)
    if url_safe and len(plain) % 4:
        plain += b"=" * (-len(plain) % 4)
    try:
        if 0 <= plain.find(b"=") < len(plain) - 2:  # it might be at the end of a piece
            raise ValueError
        return b"".join(binascii.a2b_base64(piece, strict_mode=True) for piece in _pieces(plain, 0))
    except ValueError:
        raise ValueError("is not valid base64") from None


def _pieces(text: bytes | bytearray, start: int) -> Iterator[bytes | bytearray]:
    return (text[at : at + PIECE] for at in range(start, len(text), PIECE))


def boundary_of(content_type: str) -> str:
    """What separates the parts of a form. Raises Problem (400) where it is not stated."""
    boundary: str = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary:
        raise Problem(
            400,
            "malformed_body",
            "The Content-Type multipart/form-data has no boundary: leave this header to the HTTP library, which knows "
            "the boundary, or state it (multipart/form-data; boundary=...).",
            close=True,
        )
    return boundary


def read_form(stream: Any, content_type: str, *, file_bytes: int, body_bytes: int) -> Fields:
    """The parts of a form by name, in order: a file as Upload, whatever its name, all else as str.

    Raises ParseError for a malformed form, and Problem: 413 beyond `file_bytes` of files or for too much text, 400 for
    too many parts. Reads no more than `body_bytes`.
    """
    form: Fields = {}
    parts, sizes = Counter[bool](), Counter[bool]()
    most_parts = {True: settings.DATA_UPLOAD_MAX_NUMBER_FILES, False: settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}
    try:
        with PushMultipartParser(
            boundary_of(content_type), body_bytes, header_charset=HEADER_CHARSET
        ) as parser:
            for event in parser.parse_blocking(stream.read, READ_BYTES):
                if isinstance(event, MultipartSegment):
                    part, file, chunks = event, is_file(event), list[bytes]()
                    parts[file] += 1
                    if parts[file] > most_parts[file]:
                        raise too_many_parts(
                            f"{settings.MAX_BATCH_IMAGES} images and {most_parts[False]} fields"
                        )
                elif event is not None:
                    sizes[file] += len(event)
                    if sizes[True] > file_bytes:
                        raise too_large(file_bytes)
                    if sizes[False] > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                        raise text_too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
                    chunks.append(bytes(event))
                else:
                    content = _decoded(part, b"".join(chunks))
                    value = Upload(content) if file else content.decode("utf-8", "replace")
                    form.setdefault(name_of(part), []).append(value)
    except MultipartError as error:
        forget(error)  # the parser keeps it, and the frames keep the parser
        raise malformed_form() from None
    return form


def too_many_parts(most: str) -> Problem:
    """A form with more parts than anything needs."""
    return Problem(400, "too_many_parts", f"The body has too many parts: at most {most} are taken.")


def is_file(part: MultipartSegment) -> bool:
    """Whether the part has a file name, or else a file's type.

    `filename*` (RFC 5987) is not meant for forms, but some clients send it for names that are not ASCII.
    """
    named = part.filename is not None or "filename*=" in part.header("Content-Disposition", "")
    return named or (part.content_type or "").strip().lower().startswith(FILE_TYPES)


def name_of(part: MultipartSegment) -> str:
    """The name of its field; empty without one."""
    return (part.name or "").encode(HEADER_CHARSET).decode("utf-8", "replace")


def malformed_form() -> ParseError:
    """A form that cannot be read."""
    return ParseError(
        "The form is malformed or broke off: each part begins with the boundary that Content-Type states, and the "
        "last one ends with it."
    )


def text_too_large(limit: int) -> Problem:
    """More text in a form than options can have."""
    detail = (
        f"The text of the form is larger than {limit:,} bytes; a file's part has a file name or the "
        "Content-Type of an image or zip."
    )
    return Problem(413, "upload_too_large", detail, close=True)


def _decoded(part: MultipartSegment, content: bytes) -> bytes:
    """Browsers no longer use transfer encodings in forms; some mail libraries do."""
    if part.header("Content-Transfer-Encoding", "").strip().lower() != "base64":
        return content
    try:
        return _bytes_of(content)
    except ValueError as error:
        raise ParseError(f"The form's field `{name_of(part)[:50]}` {error}.") from None
