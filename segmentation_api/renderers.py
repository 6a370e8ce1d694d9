"""REST framework renderers over the formats of ml_core."""

import time
from typing import Any

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


def render(parsed: Parsed, renderer: OutputRenderer) -> tuple[bytes, dict[str, float]]:
    """The body, and milliseconds by stage: decode, locate, infer, encode."""
    start = time.perf_counter()
    body = renderer.render(parsed)
    timing = {**parsed.segmentation.timing_ms, "encode": 1000 * (time.perf_counter() - start)}
    count_image(parsed.segmentation.bundle.name, renderer.output, timing)
    return body, timing
