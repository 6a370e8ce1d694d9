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


SECONDS = {
    "mask": 0.002,
    "labels": 0.002,
    "overlay": 0.03,
    "matte": 0.012,
    "instances": 0.01,
    "classes": 0.02,
    "json": 0.027,
}
"""Of CPU, to write a megapixel: photos with 1 and 64 faces on one core of an EPYC."""
RUN_LENGTHS = 0.035
OUTLINES, OUTLINES_OF_A_FACE = 0.024, 0.001
CUTOUT, CUTOUT_FILLED = 0.02, 0.1
"""Of all pixels; of those that are not transparent."""


def expected_seconds(found: Segmentation, options: OutputOptions, output: str) -> float:
    """Of CPU, to write this output; large photos only come to a second."""
    if output == "cutout":
        each = CUTOUT + CUTOUT_FILLED * float(np.count_nonzero(found.labels)) / found.labels.size
    else:
        each = SECONDS[output]
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
