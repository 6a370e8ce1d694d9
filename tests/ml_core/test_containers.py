"""The walk over an image's structure: what is refused, what is plain, and what it must not trip over."""

import io
import re
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from benchmarks.hostile_files import after_start, encoded, grey, hostile, segment, tiff
from ml_core import containers, tiff_structure
from ml_core.containers import walk
from ml_core.image_errors import ImageError, TooComplex
from ml_core.images import decode
from tests.conftest import ROOT
from tests.segmentation_api.corpus_images import ENCODINGS
from tests.segmentation_api.corpus_images import encoded as noise

HOSTILE = hostile()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FILES: dict[str, tuple[str, dict[str, Any]]] = {
    **ENCODINGS,
    "optimized JPEG": ("JPEG", {"optimize": True, "quality": 100}),
    "JPEG of restart markers": ("JPEG", {"restart_marker_blocks": 1}),
    "JPEG with a profile": (
        "JPEG",
        {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
    ),
    "JPEG with a comment": ("JPEG", {"comment": b"x" * 60_000}),
    "deflated TIFF": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "BigTIFF": ("TIFF", {"big_tiff": True}),
    "AVIF": ("AVIF", {}),
}


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """An image as a file."""
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


@pytest.mark.parametrize(("name", "data"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_a_structure_that_no_camera_writes_is_refused_in_words(name: str, data: bytes) -> None:
    with pytest.raises(TooComplex, match=r"^The .*\.$"):
        walk(data)
    with pytest.raises(TooComplex):
        decode(data)


@pytest.mark.parametrize("name", FILES)
def test_what_writers_write_passes_and_jpeg_and_png_are_plain(name: str) -> None:
    form, options = FILES[name]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8))
    assert walk(saved(image, form, **options)) == (form in ("JPEG", "PNG"))


@pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "PNG", "AVIF", "MPO"])
def test_many_frames_pass(form: str) -> None:
    frames = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in range(250)]
    walk(saved(frames[0], form, save_all=True, append_images=frames[1:]))


def test_large_metadata_of_cameras_passes() -> None:
    extended_xmp = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) * 120
    data = after_start(encoded("JPEG"), segment(0xE1, b"Exif\0\0" + bytes(60_000)) + extended_xmp)
    assert walk(data)
    strips = tiff("<", grey(20, 60_000, rows=1, count=60_000))
    walk(strips)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_offset_of_nonsense_behind_the_last_directory_is_no_directory(order: str) -> None:
    data = tiff(order, grey(4, 4)) + b"\xff\xff" * 40_000
    walk(data[:118] + struct.pack(order + "I", 200) + data[122:])


@pytest.mark.parametrize("what", ["progressive", "profile", "arithmetic", "exif"])
def test_a_jpeg_that_may_cost_more_than_its_pixels_is_not_plain(what: str) -> None:
    data = {
        "progressive": _of_size(encoded("JPEG", progressive=True), 9000, 9000),
        "profile": encoded("JPEG", icc_profile=bytes(5000)),
        "arithmetic": encoded("JPEG").replace(b"\xff\xc0", b"\xff\xc9", 1),
        "exif": after_start(encoded("JPEG"), segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 3),
    }[what]
    assert walk(data) is False


def test_a_png_whose_profile_swells_is_not_plain() -> None:
    assert walk(encoded("PNG", icc_profile=bytes(1000)))
    assert walk(encoded("PNG", icc_profile=bytes(900_000))) is False


@pytest.mark.parametrize(("depth", "side", "plain"), [(8, 7000, True), (16, 4000, True), (16, 4001, False)])
def test_a_png_of_many_deep_pixels_is_not_plain(depth: int, side: int, plain: bool) -> None:
    data = encoded("PNG")
    assert walk(data[:16] + struct.pack(">IIB", side, side, depth) + data[25:]) is plain


def _of_size(jpeg: bytes, width: int, height: int) -> bytes:
    frame = jpeg.index(b"\xff\xc2") + 5
    return jpeg[:frame] + struct.pack(">HH", height, width) + jpeg[frame + 4 :]


@pytest.mark.parametrize("kind", [*ENCODINGS, "hostile"])
def test_it_survives_cuts_and_wrong_bytes(kind: str) -> None:
    rng = np.random.default_rng(7)
    files = [data[:3000] for _, data in HOSTILE] if kind == "hostile" else [noise(kind)]
    for data in files:
        for _ in range(60 // len(files) + 1):
            changed = np.frombuffer(data, np.uint8).copy()
            changed[rng.integers(0, min(len(data), 300), 6)] = rng.integers(0, 256, 6)
            try:
                walk(changed.tobytes()[: rng.integers(1, len(data))])
            except ImageError:
                pass


def test_the_limits_are_those_that_the_documentation_states() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    counts = (
        *(
            containers.JPEG_SEGMENTS,
            containers.JPEG_SCANS,
            containers.JPEG_EXIF_SEGMENTS,
            containers.PHOTOSHOP_BLOCKS,
        ),
        *(containers.PNG_CHUNKS, containers.PNG_TEXTS, containers.PNG_PROFILES, containers.BOXES),
        *(containers.GIF_FRAMES, containers.GIF_BLOCKS, containers.WEBP_FRAMES, containers.WEBP_CHUNKS),
        *(tiff_structure.DIRECTORIES, tiff_structure.TAGS, tiff_structure.ALL_TAGS, tiff_structure.STRIPS),
    )
    table = page[page.index("Before it is decoded") : page.index("What takes more than `DECODE_TIMEOUT`")]
    assert {f"{count:,}" for count in counts} <= set(re.findall(r"[\d,]*\d", table))
