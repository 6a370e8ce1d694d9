"""REST framework renderers over the formats of ml_core."""

import math
import time
from typing import Any

import numpy as np
from rest_framework.renderers import BaseRenderer

from ml_core.image_errors import TooComplex
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


SECONDS = {one.name: one.seconds for one in FORMATS}
"""Of CPU, to write a megapixel; below, what comes on top: measured on photos with 1 and 64 faces."""
RUN_LENGTHS = 0.035
OUTLINES, OUTLINES_OF_A_FACE = 0.024, 0.001
CUTOUT_FILLED = 0.1
"""Of those that are not transparent."""


def expected_seconds(found: Segmentation, options: OutputOptions, output: str) -> float:
    """Of CPU, to write this output; large photos only come to a second."""
    each = SECONDS[output]
    if output == "cutout":
        each += CUTOUT_FILLED * float(np.count_nonzero(found.labels)) / found.labels.size
    if output == "json":
        each += options.rle * RUN_LENGTHS + sum(SECONDS[one] for one in options.inline)
        each += options.polygons * (OUTLINES + OUTLINES_OF_A_FACE * len(found.faces))
    return found.labels.size / 1e6 * each


RENDERERS = tuple(map(OutputRenderer, FORMATS))


def render(
    found: Segmentation, options: OutputOptions, renderer: OutputRenderer, *, seconds: float = math.inf
) -> tuple[bytes, dict[str, float]]:
    """The body, and milliseconds by stage: decode, locate, infer, encode.

    Raises TooComplex if the output is likely to take more than so many seconds of CPU.
    """
    if expected_seconds(found, options, renderer.output) > seconds:
        raise TooComplex(
            f"The output `{renderer.output}` of so large an image takes more time than one image may take."
        )
    start = time.perf_counter()
    body = renderer.render((found, options))
    timing = {**found.timing_ms, "encode": 1000 * (time.perf_counter() - start)}
    count_image(found.bundle.name, renderer.output, timing)
    return body, timing
