"""Proper images of unusual kinds, with unusual metadata, or with something else behind them."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from tests.segmentation_api.corpus import Case, case, request
from tests.segmentation_api.corpus_images import BROKEN, UNSUPPORTED, chunk, encoded, photo, png

GOOD = 200


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def families() -> dict[str, list[Case]]:
    """By what is unusual."""
    return {
        "pixel types": list(pixel_types()),
        "frames": list(frames()),
        "shapes": list(shapes()),
        "metadata": list(metadata()),
        "polyglots": list(polyglots()),
    }


def pixel_types() -> Iterator[Case]:
    """CMYK, 16 bits, palettes, transparency, one bit: what is read is read, the rest is 415."""
    modes = {
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
        "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
        "WEBP": ("RGB", "RGBA"),
        "BMP": ("1", "L", "P", "RGB", "RGBA"),
        "GIF": ("1", "L", "P"),
        "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
    }
    for kind, names in modes.items():
        for mode in names:
            image = photo().convert("L").convert("I") if mode in ("I", "I;16") else photo()
            allowed = {"I": (UNSUPPORTED,), "F": (UNSUPPORTED,), "LAB": (GOOD, UNSUPPORTED)}.get(
                mode, (GOOD,)
            )
            yield case(f"{kind} {mode}", allowed, request(saved(image.convert(mode), kind)))
    palette = photo().convert("P")
    yield case("PNG palette with transparency", GOOD, request(saved(palette, "PNG", transparency=3)))
    yield case(
        "PNG palette, each entry its alpha", GOOD, request(saved(palette, "PNG", transparency=bytes(256)))
    )
    yield case(
        "PNG grey with a transparent grey", GOOD, request(saved(photo().convert("L"), "PNG", transparency=7))
    )
    yield case("GIF with transparency", GOOD, request(saved(palette, "GIF", transparency=3)))
    colour = png(4, 4, chunk(b"IDAT", zlib.compress(bytes(4 * 25))), depth=16)
    yield case("PNG of 16 bits a colour", GOOD, request(colour))
    for compression in ("packbits", "tiff_adobe_deflate", "tiff_lzw", "jpeg"):
        data = saved(photo(), "TIFF", compression=compression)
        yield case(f"TIFF {compression}", GOOD, request(data, "image/tiff"))
    for compression in ("group3", "group4", "tiff_ccitt"):
        data = saved(photo().convert("1"), "TIFF", compression=compression)
        yield case(f"TIFF {compression}", GOOD, request(data, "image/tiff"))


def frames() -> Iterator[Case]:
    """Animations and pages: the first one counts."""
    more = [photo(seed) for seed in range(1, 40)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        data = saved(photo(), kind, save_all=True, append_images=more)
        yield case(f"{kind} of 40 frames", GOOD, request(data))
        # Where the first frame is whole, what is broken behind it may stay unread.
        yield case(f"{kind} of 40 frames, cut short", (GOOD, BROKEN), request(data[: len(data) // 2]))
    mpo = saved(photo(), "MPO", save_all=True, append_images=more[:2])
    yield case("MPO: a JPEG of three", (GOOD, UNSUPPORTED), request(mpo, "image/jpeg"))


def shapes() -> Iterator[Case]:
    """As small, as long and as thin as can be."""
    for width, height in ((1, 1), (1, 2), (2, 1), (3, 3), (1, 20_000), (20_000, 1), (5000, 3)):
        image = Image.new("RGB", (width, height), (0, 153, 255))
        for kind in ("PNG", "JPEG"):
            yield case(f"{kind} of {width} x {height}", GOOD, request(saved(image, kind)))
        options = "&output=json&polygons=true&inline=mask,overlay"
        yield case(
            f"{width} x {height} to json", GOOD, request(saved(image, "PNG"), query="faces=whole" + options)
        )
        yield case(f"{width} x {height}, faces looked for", GOOD, request(saved(image, "PNG"), query=""))


def metadata() -> Iterator[Case]:
    """EXIF monsters and the like: no reason to refuse a photo, and none to fall over."""
    for value in (0, 9, 255, 65535):
        exif = Image.Exif()
        exif[0x0112] = value
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            yield case(f"{kind} of orientation {value}", GOOD, request(saved(photo(), kind, exif=exif)))
    for name, block in exif_blocks().items():
        yield case(f"JPEG, EXIF {name}", GOOD, request(with_segment(b"Exif\0\0" + block)))
        data = png(4, 4, chunk(b"eXIf", block), chunk(b"IDAT", zlib.compress(bytes(52))))
        yield case(f"PNG, EXIF {name}", GOOD, request(data))
        yield case(f"WebP, EXIF {name}", GOOD, request(saved(photo(), "WEBP", exif=block)))
    segments = {
        "XMP of 60 KB": b"http://ns.adobe.com/xap/1.0/\0" + b"<x>" * 20_000,
        "XMP with an entity": b'http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>',
        "a colour profile of nonsense": b"ICC_PROFILE\0\x01\x01" + bytes(300),
        "Photoshop blocks of nonsense": b"Photoshop 3.0\x008BIM" + b"\xff" * 50,
    }
    for name, block in segments.items():
        yield case(f"JPEG, {name}", GOOD, request(with_segment(block)))
    yield case("JPEG, 1000 comments", GOOD, request(with_segment(b"x" * 100, times=1000)))
    yield case(
        "JPEG, EXIF sixty times", GOOD, request(with_segment(b"Exif\0\0II*\0" + bytes(60_000), times=60))
    )


def exif_blocks() -> dict[str, bytes]:
    """TIFF directories as they come in EXIF, none of them in order."""
    head = b"II*\0\x08\0\0\0"
    orientation = struct.pack("<HHI", 0x0112, 3, 1)
    return {
        "empty": b"",
        "of zeros": bytes(2000),
        "of nonsense": np.random.default_rng(5).bytes(3000),
        "that points to itself": head
        + b"\x01\0"
        + struct.pack("<HHII", 0x8769, 4, 1, 8)
        + struct.pack("<I", 8),
        "beyond its end": b"II*\0" + struct.pack("<I", 0xFFFFFFF0),
        "of 65535 entries": head + b"\xff\xff" + orientation,
        "with an orientation of text": head
        + b"\x01\0"
        + struct.pack("<HHI", 0x0112, 2, 4)
        + b"six\0"
        + bytes(4),
        "with four thousand million orientations": head
        + b"\x01\0"
        + struct.pack("<HHII", 0x0112, 3, 0xFFFFFFFF, 8)
        + bytes(4),
        "with a rational over zero": head + b"\x01\0" + struct.pack("<HHII", 0x0112, 5, 1, 26) + bytes(12),
        "cut in its first entry": head + b"\x01\0\x12",
    }


def with_segment(block: bytes, *, times: int = 1) -> bytes:
    """A JPEG with APP1 (EXIF, XMP) or other segments right after its start."""
    marker = (
        b"\xff\xe2"
        if block.startswith(b"ICC")
        else b"\xff\xed"
        if block.startswith(b"Photo")
        else b"\xff\xe1"
    )
    data = encoded("jpeg")
    return data[:2] + (marker + struct.pack(">H", len(block) + 2) + block) * times + data[2:]


def polyglots() -> Iterator[Case]:
    """One file, two readings. An image that goes on as something else is an image; the reverse is none."""
    archive = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
    tails = {
        "zip": archive,
        "php": b"<?php system($_GET['c']); ?>",
        "html": b"<html><script>alert(1)</script>",
        "a second image": encoded("png"),
        "a megabyte of zeros": bytes(1 << 20),
        "end of image": b"\xff\xd9",
    }
    for kind in ("jpeg", "png", "webp", "bmp", "gif", "tiff"):
        for name, tail in tails.items():
            yield case(f"{kind} and then {name}", GOOD, request(encoded(kind) + tail))
    script = b"=1;alert(1);//"
    yield case("GIF that is JavaScript", (GOOD, BROKEN), request(encoded("gif") + script))
    for name, head in {"pdf": b"%PDF-1.7\n", "zip": archive, "a line": b"\n", "zero": b"\0"}.items():
        yield case(f"{name} and then jpeg", UNSUPPORTED, request(head + encoded("jpeg")))
    yield case("bmp that is a shell script", UNSUPPORTED, request(b"#!/bin/sh\n" + encoded("bmp")))
