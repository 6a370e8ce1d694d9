"""Content negotiation: `output` wins over Accept, and Accept counts with its q-values (RFC 9110, section 12.5.1).

REST framework ignores q-values, and Django's `get_preferred_type` sends what `q=0` refuses.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

Chosen = tuple[BaseRenderer, str]


class AnyAccept(DefaultContentNegotiation):
    """Ignores Accept: the view has one thing to send."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Chosen:
        """The first renderer."""
        return renderers[0], renderers[0].media_type


class OutputNegotiation(AnyAccept):
    """Chooses the parser by the body's type, and the renderer once `output` is known.

    The body may hold `output`, but is not read before the client is authenticated. REST framework asks earlier, with
    the suffix None, and gets the first renderer; the view asks again with the suffix `output`, empty if not given.
    """

    by_accept = {"image/png": "mask", "application/zip": "classes", "application/json": "json"}
    """What Accept alone can ask for: media type -> output, the first one by default."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """By the stated type alone; without one the body is the photo itself (RFC 9110, section 8.3)."""
        stated = request.content_type or "application/octet-stream"
        media_type = stated.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if fnmatchcase(media_type, parser.media_type)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Chosen:
        """The renderer of an output, in the type the client prefers. Raises NotAcceptable."""
        if format_suffix is None:
            return super().select_renderer(request, renderers)
        if format_suffix:
            choices = {one.media_type: one for one in renderers if one.format == format_suffix}
        else:
            by_format = {one.format: one for one in reversed(renderers)}
            choices = {media_type: by_format[output] for media_type, output in self.by_accept.items()}
        media_type = self._preferred(request, choices) or (format_suffix and next(iter(choices)))
        if not media_type:
            raise NotAcceptable
        return choices[media_type], media_type

    def _preferred(self, request: Request, media_types: Iterable[str]) -> str | None:
        """The type with the highest q; of equals the one named most precisely, then the first. None if none will do."""
        ranges = [*_readable(self.get_accept_list(request) or ["*/*"])]
        ranges.sort(key=lambda one: one.specificity, reverse=True)

        def wish(media_type: str) -> tuple[float, int]:
            closest = next((one for one in ranges if one.match(media_type)), None)
            return (closest.quality, closest.specificity) if closest else (0, 0)

        chosen = max(media_types, key=wish)
        return chosen if wish(chosen)[0] else None


def _readable(accepted: Iterable[str]) -> Iterator[MediaType]:
    """The media ranges, without those whose parameters cannot be decoded (RFC 2231)."""
    for one in accepted:
        with suppress(ValueError):
            yield MediaType(one)


class BatchNegotiation(OutputNegotiation):
    """A batch is a JSON list or a zip, of masks by default."""

    by_accept = {"application/zip": "mask", "application/json": "json"}
