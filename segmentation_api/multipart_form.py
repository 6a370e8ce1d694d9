"""multipart/form-data (RFC 7578), read into memory: the form of a request that brings photos.

Django's own parser, with what REST framework does around it, takes several times as long for a photo: layers of
iterators, upload handlers that make files of what is wanted as bytes, headers that are read anew at each step. The
admin's forms are left to it.
"""

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from rest_framework.exceptions import ParseError

from segmentation_api.errors import too_large

READ_BYTES = 1 << 20
HEADER_CHARSET = "latin-1"
"""Takes any byte: what a client calls its file must not make the form unreadable."""


class Room:
    """How much of a form may still come: files and their bytes, fields and theirs."""

    def __init__(self, file_bytes: int) -> None:
        self.limit = file_bytes
        self.file_bytes, self.text_bytes = file_bytes, settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.files, self.texts = settings.DATA_UPLOAD_MAX_NUMBER_FILES, settings.DATA_UPLOAD_MAX_NUMBER_FIELDS

    def begin(self, *, is_file: bool) -> None:
        """A part begins. Raises TooManyFilesSent, TooManyFieldsSent."""
        if is_file:
            self.files -= 1
            if self.files < 0:
                raise TooManyFilesSent
        else:
            self.texts -= 1
            if self.texts < 0:
                raise TooManyFieldsSent

    def take(self, size: int, *, is_file: bool) -> None:
        """So many bytes of it. Raises Problem (413), RequestDataTooBig."""
        if is_file:
            self.file_bytes -= size
            if self.file_bytes < 0:
                raise too_large(self.limit)
        else:
            self.text_bytes -= size
            if self.text_bytes < 0:
                raise RequestDataTooBig


def read_form(stream: Any, content_type: str, *, file_bytes: int, body_bytes: int) -> dict[str, list[Any]]:
    """The parts by name, in the order they come: a file as bytes, whatever it is called, all else as str.

    Raises ParseError for what is no form, Problem (413) for files of more than `file_bytes` in all, and what Django
    raises for too many parts or too much text. Of a body of more than `body_bytes` no more is read.
    """
    _, parameters = parse_options_header(content_type)
    form: dict[str, list[Any]] = {}
    room, is_file, chunks = Room(file_bytes), False, list[bytes]()
    try:
        boundary = parameters.get("boundary", "")
        with PushMultipartParser(boundary, body_bytes, header_charset=HEADER_CHARSET) as parser:
            for event in parser.parse_blocking(stream.read, READ_BYTES):
                if isinstance(event, MultipartSegment):
                    part, is_file, chunks = event, _is_file(event), []
                    room.begin(is_file=is_file)
                elif event is not None:
                    room.take(len(event), is_file=is_file)
                    chunks.append(bytes(event))
                else:
                    content = _decoded(part, b"".join(chunks))
                    value = content if is_file else content.decode("utf-8", "replace")
                    form.setdefault(_name(part), []).append(value)
    except MultipartError:
        raise ParseError from None
    return form


def _is_file(part: MultipartSegment) -> bool:
    """`filename*` (RFC 5987) is not meant for forms, but some clients send it for names that are not ASCII."""
    return part.filename is not None or "filename*=" in part.header("Content-Disposition", "")


def _name(part: MultipartSegment) -> str:
    return (part.name or "").encode(HEADER_CHARSET).decode("utf-8", "replace")


def _decoded(part: MultipartSegment, content: bytes) -> bytes:
    """Browsers have long given up on transfer encodings in forms; some mail libraries have not."""
    if part.header("Content-Transfer-Encoding", "").strip().lower() != "base64":
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        raise ParseError from None
