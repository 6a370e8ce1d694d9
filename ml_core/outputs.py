"""A `Segmentation` as bytes: palette PNG, class ids, face numbers, overlay, matte, cutout, zip of masks, JSON.

An output is one function and its row in FORMATS, from which API, batch and command line take theirs.
"""

import base64
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml_core.faces import LANDMARKS, Face
from ml_core.images import blend
from ml_core.matte import cutout, matte
from ml_core.regions import polygons, region_stats, rle
from ml_core.segmentation import Parsed, Segmentation

JPEG_QUALITY = 90

FLAT_PNG: dict[str, Any] = {"format": "PNG", "compress_level": 1, "compress_type": zlib.Z_RLE}
"""Run lengths suit flat areas: smaller and faster than zlib's default strategy."""

UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
"""What a class name may not bring into a file name."""


@dataclass(frozen=True)
class OutputOptions:
    """How an output is to look.

    alpha      how much of the class colours the overlay has, 0..1
    rle        whether the JSON has run lengths
    polygons   whether it has outlines beside them
    inline     which of `mask`, `labels` and `overlay` the JSON carries as data: URLs
    """

    alpha: float = 0.6
    rle: bool = True
    polygons: bool = False
    inline: tuple[str, ...] = ()


def mask_png(found: Segmentation, options: OutputOptions) -> bytes:
    """A palette PNG in the classes' colours."""
    picture = Image.fromarray(found.labels)
    picture.putpalette(found.bundle.labels.palette[: len(found.bundle.labels)].tobytes())
    return _saved(picture, **FLAT_PNG)


def labels_png(found: Segmentation, options: OutputOptions) -> bytes:
    """An 8-bit grey PNG of the class ids."""
    return grey_png(found.labels)


def instances_png(found: Segmentation, options: OutputOptions) -> bytes:
    """An 8-bit grey PNG of the faces' numbers, 0 none; faces after the 255th have none in it."""
    numbers = found.instances
    return grey_png(np.where(numbers > 255, 0, numbers).astype(np.uint8))


def matte_png(found: Segmentation, options: OutputOptions) -> bytes:
    """An 8-bit grey PNG: how much of each pixel belongs to the classes."""
    return _saved(Image.fromarray(matte(found)), **FLAT_PNG)


def cutout_png(found: Segmentation, options: OutputOptions) -> bytes:
    """An RGBA PNG: the classes with that matte."""
    return _saved(Image.fromarray(cutout(found)), format="PNG", compress_level=1)


def overlay_jpeg(found: Segmentation, options: OutputOptions) -> bytes:
    """The photo with the class colours blended in."""
    return _saved(_overlay(found, options), format="JPEG", quality=JPEG_QUALITY)


def overlay_png(found: Segmentation, options: OutputOptions) -> bytes:
    """As `overlay_jpeg`, without loss."""
    return _saved(_overlay(found, options), format="PNG", compress_level=1)


def class_zip(found: Segmentation, options: OutputOptions) -> bytes:
    """A zip with one 1-bit PNG per class present, and classes.json; stored, since PNG shrinks no further."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        rows = []
        for row in class_rows(found):
            file = f"{row['id']:02d}-{UNSAFE.sub('_', row['name'])[:40]}.png"
            archive.writestr(file, bit_png(found.labels == row["id"]))
            rows.append({**row, "file": file})
        archive.writestr("classes.json", json.dumps(rows, indent=2))
    return target.getvalue()


def json_text(found: Segmentation, options: OutputOptions) -> bytes:
    """Everything that is known: image, model, faces, classes with their run lengths, timing, warnings."""
    bundle = found.bundle
    height, width = found.labels.shape
    content: dict[str, Any] = {
        "image": {"width": width, "height": height},
        "model": {"name": bundle.name, "version": bundle.version, "sha256": bundle.sha256},
        "faces": [face_row(found, face, one) for face, one in zip(found.faces, found.parsed, strict=False)],
        "classes": class_rows(found),
        "timing_ms": {stage: round(value, 2) for stage, value in found.timing_ms.items()},
        "warnings": list(found.warnings),
    }
    if "faces_left_out" in found.warnings:
        content["faces_found"] = found.faces_found
    for row in content["classes"]:
        if options.rle:
            row["rle"] = rle(found.labels == row["id"])
        if options.polygons:
            row["polygons"] = polygons(found.labels == row["id"])
    if options.inline:
        content["inline"] = {
            one.name: f"data:{one.media_type};base64,{base64.b64encode(one.encode(found, options)).decode()}"
            for one in INLINE
            if one.name in options.inline
        }
    return json.dumps(content, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Format:
    """One way to write a Segmentation; a `name` may have several, the first being its default.

    seconds  of CPU that a megapixel takes at most without options, on one core of an EPYC
    """

    name: str
    media_type: str
    suffix: str
    encode: Callable[[Segmentation, OutputOptions], bytes]
    seconds: float


MASK = Format("mask", "image/png", ".png", mask_png, 0.002)
LABELS = Format("labels", "image/png", ".png", labels_png, 0.002)
OVERLAY = Format("overlay", "image/jpeg", ".jpg", overlay_jpeg, 0.03)
INLINE = MASK, LABELS, OVERLAY
FORMATS = (
    *INLINE,
    Format("overlay", "image/png", ".png", overlay_png, 0.03),
    Format("matte", "image/png", ".png", matte_png, 0.012),
    Format("cutout", "image/png", ".png", cutout_png, 0.02),
    Format("instances", "image/png", ".png", instances_png, 0.01),
    Format("classes", "application/zip", ".zip", class_zip, 0.02),
    Format("json", "application/json", ".json", json_text, 0.027),
)


def face_row(found: Segmentation, face: Face, one: Parsed) -> dict[str, Any]:
    """Number, box (x, y, width, height), score, landmarks (x, y by name) and classes; in tenths of a pixel."""
    part = found.part(one)
    left, top = part.origin
    return {
        "number": one.number,
        "box": [round(float(edge), 1) for edge in face.box],
        "score": round(float(face.score), 4),
        "landmarks": {
            name: [round(float(x), 1), round(float(y), 1)]
            for name, (x, y) in zip(LANDMARKS, face.landmarks, strict=True)
        },
        "classes": [
            {
                "id": region.id,
                "name": found.bundle.labels.names[region.id],
                "pixels": region.pixels,
                "share": region.pixels / part.pixels,
                "box": [region.box[0] + left, region.box[1] + top, *region.box[2:]],
                "confidence": part.confidence[region.id],
            }
            for region in region_stats(part.labels, len(part.confidence))
            if region.id > 0
        ],
    }


def class_rows(found: Segmentation) -> list[dict[str, Any]]:
    """Per class present: id, name, color, pixels, share, box (x, y, width, height), confidence."""
    return [
        {
            "id": region.id,
            "name": found.bundle.labels.names[region.id],
            "color": list(found.bundle.labels.colors[region.id]),
            "pixels": region.pixels,
            "share": region.pixels / found.labels.size,
            "box": list(region.box),
            "confidence": found.confidence[region.id],
        }
        for region in region_stats(found.labels, len(found.bundle.labels))
    ]


def bit_png(mask: NDArray[np.bool_]) -> bytes:
    """(H, W) bool as a 1-bit grey PNG, white where true.

    Written here since Pillow takes four to eight times as long for it, and a zip has up to eleven of them.
    """
    return _flat_png(np.packbits(mask, axis=1), mask.shape[1], 1)


def grey_png(values: NDArray[np.uint8]) -> bytes:
    """(H, W) as an 8-bit grey PNG. Rows without a filter are what its readers are done with soonest."""
    return _flat_png(values, values.shape[1], 8)


def _flat_png(packed: NDArray[np.uint8], width: int, depth: int) -> bytes:
    """Packed rows (H, bytes) as a grey PNG of `depth` bits a pixel."""
    height, size = packed.shape
    rows = np.zeros((height, 1 + size), np.uint8)  # each begins with its filter: 0, none
    rows[:, 1:] = packed
    deflate = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", deflate.compress(rows.data) + deflate.flush()), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _overlay(found: Segmentation, options: OutputOptions) -> Image.Image:
    return Image.fromarray(blend(found.image, found.labels, found.bundle.labels, options.alpha))


def _saved(picture: Image.Image, **how: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, **how)
    return target.getvalue()
