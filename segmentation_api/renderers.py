"""REST framework renderers over the formats of ml_core."""

import time
from typing import Any

from rest_framework.renderers import BaseRenderer

from ml_core.outputs import FORMATS, Format, OutputOptions
from ml_core.segmentation import Segmentation
from segmentation_api.telemetry import count_image


class OutputRenderer(BaseRenderer):
    """One of ml_core's formats; `output` is the option's value, `suffix` a file's."""

    charset = None

    def __init__(self, written: Format) -> None:
        self.output, self.suffix, self.encode = written.name, written.suffix, written.encode
        self.media_type, self.format = written.media_type, written.name

    def render(self, data: tuple[Segmentation, OutputOptions], *_: Any, **__: Any) -> bytes:
        """The answer's body."""
        return self.encode(*data)


RENDERERS = tuple(map(OutputRenderer, FORMATS))


def render(
    found: Segmentation, options: OutputOptions, renderer: OutputRenderer
) -> tuple[bytes, dict[str, float]]:
    """The body, and milliseconds by stage: decode, locate, infer, encode."""
    start = time.perf_counter()
    body = renderer.render((found, options))
    timing = {**found.timing_ms, "encode": 1000 * (time.perf_counter() - start)}
    count_image(found.bundle.name, renderer.output, timing)
    return body, timing
