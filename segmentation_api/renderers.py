"""One class per output: what was found -> bytes; and which of them a request asks for."""

import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http.request import MediaType
from PIL import Image
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import BaseRenderer

from ml_core.faces import LANDMARKS, Face
from ml_core.images import blend
from ml_core.regions import polygons, region_stats, rle
from segmentation_api.png import encode_ids, encode_mask
from segmentation_api.services import Output, Parsed
from segmentation_api.telemetry import count_image

JPEG_QUALITY = 90
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
"""What a class name may not bring into a file name."""


class OutputRenderer(BaseRenderer):
    """`output` is the option's value, `suffix` a file's."""

    output: Output
    suffix: str
    charset = None

    def render(
        self,
        data: Parsed,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer's body."""
        raise NotImplementedError


class MaskRenderer(OutputRenderer):
    """A palette PNG in the class table's colours."""

    output, media_type, format, suffix = "mask", "image/png", "mask", ".png"

    def render(self, data: Parsed, *_: Any, **__: Any) -> bytes:
        """PNG."""
        found = data.segmentation
        return encode_ids(found.labels, found.label_set.palette[: len(found.label_set)])


class LabelsRenderer(OutputRenderer):
    """An 8-bit grey PNG of the class ids."""

    output, media_type, format, suffix = "labels", "image/png", "labels", ".png"

    def render(self, data: Parsed, *_: Any, **__: Any) -> bytes:
        """PNG."""
        return encode_ids(data.segmentation.labels)


class OverlayRenderer(OutputRenderer):
    """The photo with the mask blended in, as JPEG."""

    output, media_type, format, suffix = "overlay", "image/jpeg", "overlay", ".jpg"
    encoding: Mapping[str, Any] = {"format": "JPEG", "quality": JPEG_QUALITY}

    def render(self, data: Parsed, *_: Any, **__: Any) -> bytes:
        """JPEG, or PNG in the subclass."""
        found = data.segmentation
        picture = Image.fromarray(blend(found.image, found.labels, found.label_set, data.options.alpha))
        target = io.BytesIO()
        picture.save(target, **self.encoding)
        return target.getvalue()


class OverlayPngRenderer(OverlayRenderer):
    """The overlay for Accept: image/png."""

    media_type, suffix = "image/png", ".png"
    encoding = {"format": "PNG", "compress_level": 1}


class ClassesRenderer(OutputRenderer):
    """A zip with one 1-bit PNG per class present, and classes.json."""

    output, media_type, format, suffix = "classes", "application/zip", "classes", ".zip"

    def render(self, data: Parsed, *_: Any, **__: Any) -> bytes:
        """Zip; PNG does not shrink further, so its members are stored."""
        found = data.segmentation
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            rows = []
            for row in class_rows(data):
                file = f"{row['id']:02d}-{UNSAFE.sub('_', row['name'])[:40]}.png"
                archive.writestr(file, encode_mask(found.labels == row["id"]))
                rows.append({**row, "file": file})
            archive.writestr("classes.json", json.dumps(rows, indent=2))
        return target.getvalue()


class JsonRenderer(OutputRenderer):
    """Everything about the answer in JSON."""

    output, media_type, format, suffix = "json", "application/json", "json", ".json"

    def render(self, data: Parsed, *_: Any, **__: Any) -> bytes:
        """JSON."""
        return json.dumps(answer(data), separators=(",", ":")).encode()


RENDERERS: tuple[OutputRenderer, ...] = (
    MaskRenderer(),
    LabelsRenderer(),
    OverlayRenderer(),
    OverlayPngRenderer(),
    ClassesRenderer(),
    JsonRenderer(),
)
BY_ACCEPT = [renderer for renderer in RENDERERS if renderer.output in ("mask", "classes", "json")]


MOST_MEDIA_RANGES = 64
"""So many types of an Accept header are looked at, as REST framework does."""


@lru_cache(256)
def choose_renderer(accept: str, output: Output | None) -> OutputRenderer:
    """The renderer for `output`, which wins over Accept; without it by Accept. Raises NotAcceptable."""
    if output is None:
        return _negotiate(accept, BY_ACCEPT)
    fitting = [renderer for renderer in RENDERERS if renderer.output == output]
    try:
        return _negotiate(accept, fitting)
    except NotAcceptable:
        return fitting[0]


def choose_batch_renderer(accept: str, output: Output | None) -> OutputRenderer:
    """For a batch: JSON gives a list, every other output a zip of files. Raises NotAcceptable."""
    if output is not None:
        return choose_renderer(accept, output)
    zipped, listed = ClassesRenderer(), JsonRenderer()
    return listed if _negotiate(accept, [zipped, listed]) is listed else MaskRenderer()


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
    count_image(parsed.bundle.name, renderer.output, timing)
    return body, timing


def answer(data: Parsed) -> dict[str, Any]:
    """output=json, before it is text."""
    found, bundle = data.segmentation, data.bundle
    height, width = found.labels.shape
    content: dict[str, Any] = {
        "image": {"width": width, "height": height},
        "model": {"name": bundle.name, "version": bundle.version, "sha256": bundle.sha256},
        "faces": [face_row(face) for face in found.faces],
        "classes": class_regions(data),
        "timing_ms": {stage: round(value, 2) for stage, value in found.timing_ms.items()},
        "warnings": list(found.warnings),
    }
    pictures: dict[str, OutputRenderer] = {"mask": MaskRenderer(), "overlay": OverlayRenderer()}
    if data.options.inline:
        content["inline"] = {
            name: f"data:{renderer.media_type};base64,{base64.b64encode(renderer.render(data)).decode()}"
            for name, renderer in pictures.items()
            if name in data.options.inline
        }
    return content


def face_row(face: Face) -> dict[str, Any]:
    """Its box (x, y, width, height), score and landmarks (x, y by name); in tenths of a pixel."""
    return {
        "box": [round(float(edge), 1) for edge in face.box],
        "score": round(float(face.score), 4),
        "landmarks": {
            name: [round(float(x), 1), round(float(y), 1)]
            for name, (x, y) in zip(LANDMARKS, face.landmarks, strict=True)
        },
    }


def class_rows(data: Parsed) -> list[dict[str, Any]]:
    """A row per class present: id, name, color, pixels, share, box (x, y, width, height), confidence."""
    found = data.segmentation
    confidence = list(found.confidence)
    if data.options.classes is not None:
        confidence[0] = None  # of a background that other classes were made part of nothing is known
    return [
        {
            "id": region.id,
            "name": found.label_set.names[region.id],
            "color": list(found.label_set.colors[region.id]),
            "pixels": region.pixels,
            "share": region.pixels / found.labels.size,
            "box": list(region.box),
            "confidence": confidence[region.id],
        }
        for region in region_stats(found.labels, len(found.label_set))
    ]


def class_regions(data: Parsed) -> list[dict[str, Any]]:
    """The rows with each class's RLE, and its polygons where they are asked for."""
    labels = data.segmentation.labels
    rows = class_rows(data)
    for row in rows:
        mask = labels == row["id"]
        row["rle"] = rle(mask)
        if data.options.polygons:
            row["polygons"] = polygons(mask)
    return rows
