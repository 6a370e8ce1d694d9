"""One class per output: what was found -> bytes; and which of them a request asks for."""

import time
from functools import lru_cache
from typing import Any

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import BaseRenderer

from ml_core.outputs import FORMATS, Format
from segmentation_api.services import Parsed
from segmentation_api.telemetry import count_image


class OutputRenderer(BaseRenderer):
    """One of ml_core's formats; `output` is the option's value, `suffix` a file's."""

    charset = None

    def __init__(self, written: Format) -> None:
        self.output, self.suffix, self.encode = written.name, written.suffix, written.encode
        self.media_type, self.format = written.media_type, written.name

    def render(self, data: Parsed, *_: Any, **__: Any) -> bytes:
        """The answer's body."""
        return self.encode(data.segmentation, data.options)


RENDERERS = tuple(map(OutputRenderer, FORMATS))
BY_ACCEPT = [renderer for renderer in RENDERERS if renderer.output in ("mask", "classes", "json")]


MOST_MEDIA_RANGES = 64
"""So many types of an Accept header are looked at, as REST framework does."""


@lru_cache(256)
def choose_renderer(accept: str, output: str | None) -> OutputRenderer:
    """The renderer for `output`, which wins over Accept; without it by Accept. Raises NotAcceptable."""
    if output is None:
        return _negotiate(accept, BY_ACCEPT)
    fitting = [renderer for renderer in RENDERERS if renderer.output == output]
    try:
        return _negotiate(accept, fitting)
    except NotAcceptable:
        return fitting[0]


def choose_batch_renderer(accept: str, output: str | None) -> OutputRenderer:
    """For a batch: JSON gives a list, every other output a zip of files. Raises NotAcceptable."""
    if output is not None:
        return choose_renderer(accept, output)
    mask, zipped, listed = BY_ACCEPT
    return listed if _negotiate(accept, [zipped, listed]) is listed else mask


def _negotiate(accept: str, renderers: list[OutputRenderer]) -> OutputRenderer:
    """The one with the highest q (RFC 9110, section 12.5.1); of equals, as REST framework has it, the one that the
    client named more precisely, then the first. Raises NotAcceptable.
    """
    ranges = [MediaType(part) for part in accept.split(",")[:MOST_MEDIA_RANGES]]

    def wish(renderer: OutputRenderer) -> tuple[float, int]:
        fitting = [one for one in ranges if one.match(renderer.media_type)]
        closest = max(fitting, key=lambda one: one.specificity, default=None)
        return (closest.quality, closest.specificity) if closest else (0, 0)

    chosen = max(renderers, key=wish)
    if not wish(chosen)[0]:
        raise NotAcceptable
    return chosen


def render(parsed: Parsed, renderer: OutputRenderer) -> tuple[bytes, dict[str, float]]:
    """The body, and milliseconds by stage: decode, locate, infer, encode."""
    start = time.perf_counter()
    body = renderer.render(parsed)
    timing = {**parsed.segmentation.timing_ms, "encode": 1000 * (time.perf_counter() - start)}
    count_image(parsed.segmentation.bundle.name, renderer.output, timing)
    return body, timing
