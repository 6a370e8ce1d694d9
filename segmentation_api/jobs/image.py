"""The work of one image: bytes in, the outputs' bytes and a row of the manifest out."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from ml_core.segmentation import Segmentation
from segmentation_api.bulk.work import worked
from segmentation_api.errors import Problem, logged_problem
from segmentation_api.renderers import RENDERERS, render
from segmentation_api.services import SegmentOptions, segment_image

DEFAULTS = {renderer.output: renderer for renderer in reversed(RENDERERS)}
"""Of each output, the one of its default type."""
SUFFIXES = {output: renderer.suffix for output, renderer in DEFAULTS.items()}


def parse(
    path: str, read: Callable[[], bytes], asked: SegmentOptions, outputs: Sequence[str]
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The bytes by output, none for a broken image, and the row. Raises what of `read` is not this image's fault."""

    def segment(data: bytes) -> Segmentation:
        return segment_image(data=data, options=asked)

    def write(found: Segmentation) -> dict[str, bytes]:
        return {output: render(found, asked, DEFAULTS[output])[0] for output in outputs}

    row: dict[str, Any] = {"path": path, "sha256": None, "status": "ok"}
    try:
        data = read()
    except Problem as problem:
        return {}, {**row, "status": "failed", "error": error_row(problem)}
    row["sha256"] = hashlib.sha256(data).hexdigest()
    try:
        bodies, found = worked(data, segment, write)
        return bodies, row | found
    except Exception as error:  # a broken image is a row, not an end
        return {}, row | {"status": "failed", "error": error_row(logged_problem(error, "image_failed"))}


def error_row(problem: Problem) -> dict[str, str]:
    """An error in a row."""
    return {"type": problem.code, "detail": problem.detail}
