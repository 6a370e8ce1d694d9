"""Several photos in one request: a zip or a JSON list in the order sent, with an entry of its own for a broken one."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from segmentation_api.admission import gate
from segmentation_api.budgets import AnswerRoom, PhotoBudget
from segmentation_api.errors import Problem, forget, logged_problem, too_large
from segmentation_api.parsers import Upload
from segmentation_api.renderers import OutputRenderer, render
from segmentation_api.services import SegmentOptions, resolve, segment_image


@dataclass(frozen=True)
class Entry:
    """The rendered answer to one image, or its problem."""

    index: int
    body: bytes = b""
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None


def segment_batch(
    images: Sequence[Upload],
    options: SegmentOptions,
    renderer: OutputRenderer,
    meta: Mapping[str, Any],
    room: AnswerRoom,
) -> tuple[bytes, str]:
    """The answer's body, for which `room` is taken, and its media type.

    Raises Problem for what is wrong with all of it: options, a full queue, a client that has gone.
    """
    resolve(options)
    request_id = meta["HTTP_X_REQUEST_ID"]
    entries = _entries(images, options, renderer, meta, room)
    if renderer.output == "json":
        return _json_list(entries, request_id), "application/json"
    return _zip(entries, renderer.suffix, request_id), "application/zip"


def _entries(
    images: Sequence[Upload],
    options: SegmentOptions,
    renderer: OutputRenderer,
    meta: Mapping[str, Any],
    room: AnswerRoom,
) -> Iterator[Entry]:
    """Each image queues with other requests; once the first has a slot, the others cannot be refused."""
    for index, image in enumerate(images):
        with gate.slot(wait_anyway=index > 0):
            going = PhotoBudget(meta)
            try:
                if len(image) > settings.MAX_UPLOAD_BYTES:
                    raise too_large(settings.MAX_UPLOAD_BYTES)
                found = segment_image(data=image.content, options=options, keep_going=going)
                body, _ = render(found, options, renderer, seconds=going.left())
                entry = Entry(index, body, found.warnings)
                room.take(len(entry.body))
            except Exception as error:  # one image must not stop the others
                entry = Entry(index, problem=logged_problem(error, "image_failed", index=index))
                forget(error)
        yield entry


def _json_list(entries: Iterator[Entry], request_id: str) -> bytes:
    lines = []
    for entry in entries:
        key, value = b"result", entry.body
        if entry.problem:
            key, value = b"problem", json.dumps(entry.problem.body(request_id)).encode()
        lines.append(b'{"index":%d,"%s":%s}' % (entry.index, key, value))
    return b"[" + b",\n".join(lines) + b"]"


def _zip(entries: Iterator[Entry], suffix: str, request_id: str) -> bytes:
    """Files named by their index, not by the client, and results.json about all of them."""
    target = io.BytesIO()
    results: list[dict[str, Any]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            if entry.problem:
                results.append({"index": entry.index, "problem": entry.problem.body(request_id)})
                continue
            file = f"{entry.index:03d}{suffix}"
            archive.writestr(file, entry.body)
            results.append({"index": entry.index, "file": file, "warnings": list(entry.warnings)})
        archive.writestr("results.json", json.dumps(results, indent=2))
    return target.getvalue()
