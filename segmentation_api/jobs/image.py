"""The work of one image: bytes in, the outputs' bytes and a row of the manifest out."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from segmentation_api.bulk.work import described
from segmentation_api.errors import Problem, logged_problem
from segmentation_api.renderers import RENDERERS, render
from segmentation_api.services import SegmentOptions, segment_image

SUFFIXES = {renderer.output: renderer.suffix for renderer in reversed(RENDERERS)}
"""Of each output's default type."""


def parse(
    path: str, read: Callable[[], bytes], asked: SegmentOptions, outputs: Sequence[str]
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The bytes by output, none for a broken image, and the row. Raises what of `read` is not this image's fault."""
    started = time.perf_counter()
    row: dict[str, Any] = {"path": path, "sha256": None, "status": "ok"}
    bodies: dict[str, bytes] = {}
    try:
        data = read()
        row["sha256"] = hashlib.sha256(data).hexdigest()
    except Problem as problem:
        return {}, {**row, "status": "failed", "error": error_row(problem)}
    try:
        found = segment_image(data=data, options=asked)
        renderers = {one.output: one for one in reversed(RENDERERS)}
        bodies = {output: render(found, asked, renderers[output])[0] for output in outputs}
        row |= described(found)
    except Exception as error:  # a broken image is a row, not an end
        bodies, row["status"] = {}, "failed"
        row["error"] = error_row(logged_problem(error, "image_failed"))
    row["milliseconds"] = round(1000 * (time.perf_counter() - started), 1)
    return bodies, row


def error_row(problem: Problem) -> dict[str, str]:
    """An error in a row."""
    return {"type": problem.code, "detail": problem.detail}
