"""JSON bodies, which are flat: one object whose values are scalars or lists of scalars.

Checked over the bytes, before json makes objects of them: of 22 MB of `{},` it would make some 2 GB.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.utils import json

from segmentation_api.errors import Problem, invalid

TOKEN = re.compile(rb'[ \t\r\n]*+([{}\[\]:,"]|[^ \t\r\n{}\[\]:,"]{1,64}+)')
MOST_NAME = 50
MOST_BACKSLASHES = 64
"""In a row, before a quotation mark or where a piece ends."""
PIECE = 1 << 18
"""Bytes of a string to take at once: no other thread runs Python meanwhile."""
LONGEST_ESCAPE = len(r"\u0000")


def read_object(body: bytes, large: str) -> tuple[dict[str, Any], bytes | None]:
    """The members of an object; apart from them the value of the member `large`, if it is a string.

    Raises ParseError for what is no JSON object, and Problem: 400 if it is not flat, 413 if all else is larger than the
    text of a form may be.
    """
    first, last = _span(body, f'"{large}"'.encode())
    try:
        members = json.loads((body[:first] + body[last:]).decode(), object_pairs_hook=_unique)
        if first == last:
            return members, None
        content = body[first:last]
        if b"\\" in content:
            content = b"".join(_unescaped(content))
    except (ValueError, RecursionError):
        raise ParseError("The body is not valid JSON.") from None
    return members, content


def _unescaped(content: bytes) -> Iterator[bytes]:
    """The string that a JSON string's content stands for, in pieces. Raises ValueError."""
    at, decoder = 0, codecs.getincrementaldecoder("utf-8")()
    while at < len(content):
        end = at + PIECE
        escape = content.rfind(b"\\", end - LONGEST_ESCAPE, end)
        if escape >= 0 and end < len(content):
            before = content[max(at, escape - MOST_BACKSLASHES) : escape]
            end = escape - len(before) + len(before.rstrip(b"\\"))
            if escape - end == MOST_BACKSLASHES:
                raise ValueError("too many backslashes")
        text = decoder.decode(content[at:end], end >= len(content))
        yield json.loads(f'"{text}"').encode("utf-8", "surrogatepass")
        at = end


def _span(body: bytes, key: bytes) -> tuple[int, int]:
    """Where the string that belongs to `key` has its content; (0, 0) without one. Raises as `read_object`."""
    span, depth, rest, before = (0, 0), 0, 0, b""
    after_colon, name = False, "body"
    at = 0
    while found := TOKEN.match(body, at):
        token, start, end = found[1], found.start(1), found.end()
        if token == b'"':
            end = _end_of_string(body, end)
            if after_colon and before == key:
                if span != (0, 0):
                    raise ParseError("The body is not valid JSON.")
                span, at = (start + 1, end - 1), end
            else:
                before = body[start : min(end, start + MOST_NAME)]
        rest += end - at
        if rest > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            break
        opens = token in (b"{", b"[")
        if (at == 0) != (token == b"{") and depth == 0:
            raise ParseError("The body must be a JSON object.")
        if opens and depth != (token == b"["):
            raise invalid(name, "must be a scalar or a list of scalars")
        depth += opens - (token in (b"}", b"]"))
        after_colon = token == b":"
        if after_colon and depth == 1:
            name = before[1:-1].decode("utf-8", "replace")
        at = end
    if rest + len(body) - at > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        limit, own = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, key.decode().strip('"')
        detail = f"The fields beside `{own}`, which takes the photo, are larger than {limit:,} bytes."
        raise Problem(413, "upload_too_large", detail, close=True)
    return span


def _end_of_string(body: bytes, start: int) -> int:
    """The position behind the quotation mark that ends the string whose content begins at `start`."""
    at = start
    for _ in range(settings.DATA_UPLOAD_MAX_MEMORY_SIZE):
        at = body.find(b'"', at) + 1
        if at == 0:
            break
        before = body[max(start, at - 1 - MOST_BACKSLASHES) : at - 1]
        backslashes = len(before) - len(before.rstrip(b"\\"))
        if backslashes == MOST_BACKSLASHES:
            break
        if backslashes % 2 == 0:
            return at
    raise ParseError("The body is not valid JSON.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name is given twice")
    return names
