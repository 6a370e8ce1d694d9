"""Content-Type as clients send it, before Django reads it: what it cannot decode would be its own error, not theirs."""

from django.utils.http import parse_header_parameters


def readable(header: str) -> str:
    """The header; its boundary alone where a parameter cannot be decoded (RFC 2231) or the charset is no text's."""
    try:
        parameters = parse_header_parameters(header)[1]
        bytes(range(256)).decode(parameters.get("charset", "utf-8"), "replace")
    except (ValueError, LookupError):
        kind, *given = header.split(";")
        return ";".join([kind, *(one for one in given if one.strip().lower().startswith("boundary="))])
    return header
