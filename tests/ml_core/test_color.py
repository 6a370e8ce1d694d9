"""Photos in other colours than sRGB look as they were meant to."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ml_core.images import decode, from_pil
from tests import profiles

SIDE = 64
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
PICTURE = np.rint(255 * np.dstack([0.1 + 0.8 * ROWS, 0.1 + 0.8 * COLUMNS, 0.9 - 0.8 * ROWS])).astype(np.uint8)
"""Colours that all of the encodings below have."""
PHOTO = Image.fromarray(PICTURE)
SRGB = ImageCms.createProfile("sRGB")

PROFILES = {
    "Display P3": (profiles.rgb_profile(profiles.P3, profiles.SRGB_CURVE), 1.0),
    "P3 with a gamma": (profiles.rgb_profile(profiles.P3, profiles.gamma(2.2)), 1.0),
    "Adobe RGB": (profiles.rgb_profile(profiles.ADOBE, profiles.gamma(2.19921875)), 1.0),
    "ProPhoto": (profiles.rgb_profile(profiles.PROPHOTO, profiles.gamma(1.8), (0.3457, 0.3585)), 1.5),
    "linear": (profiles.rgb_profile(profiles.SRGB, profiles.gamma(1)), 1.5),
    "channels that change places": (
        profiles.rgb_profile(profiles.SRGB[1:] + profiles.SRGB[:1], profiles.gamma(2.2)),
        1.0,
    ),
}
LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True, "exact": True}}
LOSSY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def converted(profile: bytes, mode: str = "RGB", photo: Image.Image = PHOTO) -> Image.Image:
    """The picture in the colours of a profile."""
    wanted = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    found = ImageCms.profileToProfile(
        photo.convert("RGB"), SRGB, wanted, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode=mode
    )
    assert found is not None
    found.info.clear()
    return found


def off(data: bytes, wanted: NDArray[np.uint8] = PICTURE) -> float:
    return float(np.abs(decode(data).astype(int) - wanted).mean())


def png(pixels: NDArray[Any], *chunks: bytes) -> bytes:
    """Of (H, W) or (H, W, 3) uint8 or uint16, with these chunks before the pixels."""
    depth = 8 * pixels.dtype.itemsize
    size = struct.pack(
        ">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, 2 if pixels.ndim == 3 else 0, 0, 0, 0
    )
    rows = b"".join(b"\0" + row.astype(f">u{depth // 8}").tobytes() for row in pixels)
    parts = chunk(b"IHDR", size), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 * gamma)))


def chrm(*points: tuple[float, float]) -> bytes:
    return chunk(
        b"cHRM", b"".join(struct.pack(">I", round(100_000 * value)) for point in points for value in point)
    )


def iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


def light(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    value = pixels / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


LINEAR_16 = np.rint(65535 * light(PICTURE)).astype(np.uint16)
LINEAR = PROFILES["linear"][0]
CURVES = {
    "gamma": profiles.gamma(1),
    "none": profiles.sampled(np.array([])),
    "sampled": profiles.sampled(np.linspace(0, 1, 5)),
    "formula 0": profiles.parametric(0, 1.0),
    "formula 1": profiles.parametric(1, 1.0, 1.0, 0.0),
    "formula 2": profiles.parametric(2, 1.0, 1.0, 0.0, 0.0),
    "formula 3": profiles.parametric(3, 1.0, 1.0, 0.0, 1.0, 0.5),
    "formula 4": profiles.parametric(4, 1.0, 1.0, 0.0, 1.0, 0.5, 0.0, 0.0),
}


@pytest.mark.parametrize("format", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_converted(name: str, format: str) -> None:
    profile, most = PROFILES[name]
    wide = converted(profile)
    options = {**LOSSLESS, **LOSSY}[format]
    found = off(saved(wide, format, icc_profile=profile, **options))
    if format in LOSSY:
        most += off(saved(wide, format, **options), np.asarray(wide))  # what the format itself has lost
    assert found <= most
    assert off(saved(wide, format, **options)) > 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("curve", [profiles.gamma(1), profiles.gamma(1.8)])
def test_a_grey_profile_is_converted(format: str, curve: bytes) -> None:
    profile = profiles.grey_profile(curve)
    grey = PHOTO.convert("L")
    data = saved(converted(profile, "L", grey), format, icc_profile=profile)
    assert off(data, np.asarray(grey.convert("RGB"))) <= 1.5


def test_a_grey_profile_on_16_bits_and_beside_transparency() -> None:
    profile = profiles.grey_profile(profiles.gamma(1))
    grey = np.asarray(PHOTO.convert("L"))
    wanted = np.repeat(grey[:, :, None], 3, axis=2)
    deep = np.rint(65535 * light(grey)).astype(np.uint16)
    assert off(png(deep, iccp(profile)), wanted) < 0.1
    layer = converted(profile, "L", Image.fromarray(grey)).convert("LA")
    layer.putpixel((0, 0), (0, 0))
    found = decode(saved(layer, icc_profile=profile))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert np.abs(found[1:].astype(int) - wanted[1:]).mean() <= 1.5


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_a_cmyk_profile_is_converted(format: str) -> None:
    profile = profiles.cmyk_profile()
    inks = Image.fromarray(np.dstack([255 - PICTURE, PICTURE[:, :, 0] // 8]), "CMYK")
    options = {"quality": 100, "subsampling": 0} if format == "JPEG" else {}
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    wanted = ImageCms.profileToProfile(inks, source, SRGB, outputMode="RGB")
    assert off(saved(inks, format, icc_profile=profile, **options), np.asarray(wanted)) <= 1
    assert off(saved(inks, format, **options), np.asarray(wanted)) > 5


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_colours_are_converted_before_they_are_laid_on_white(format: str) -> None:
    profile, _ = PROFILES["channels that change places"]
    layer = converted(profile)
    layer.putalpha(128)
    options = LOSSLESS.get(format, {"quality": 100})
    wanted = np.rint(PICTURE * (128 / 255) + 255 * (127 / 255))
    assert off(saved(layer, format, icc_profile=profile, **options), wanted.astype(np.uint8)) <= 1.5


def test_a_palette_is_converted() -> None:
    profile, _ = PROFILES["Display P3"]
    image = Image.new("P", (2, 1))
    image.putpalette(np.asarray(converted(profile))[[0, -1], [0, -1]].tobytes())
    image.putdata([0, 1])
    assert off(saved(image, icc_profile=profile), PICTURE[[0, -1], [0, -1]][None]) <= 1


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"no profile",
        PROFILES["Display P3"][0][:300],
        profiles.grey_profile(profiles.gamma(1)),
        profiles.cmyk_profile(),
        PROFILES["linear"][0] + bytes(5 << 20),
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_a_profile_that_is_broken_foreign_or_huge_is_ignored(profile: bytes, format: str) -> None:
    plain = decode(saved(PHOTO, format))
    assert (decode(saved(PHOTO, format, icc_profile=profile)) == plain).all()
    assert (decode(png(PICTURE.astype(np.uint16) * 257, iccp(profile))) == PICTURE).all()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_an_rgb_profile_on_other_pixels_is_ignored(mode: str) -> None:
    image = PHOTO.convert(mode)
    assert (decode(saved(image, "TIFF", icc_profile=LINEAR)) == decode(saved(image, "TIFF"))).all()
    assert (decode(saved(image, "JPEG", icc_profile=LINEAR)) == decode(saved(image, "JPEG"))).all()


@pytest.mark.parametrize(
    "profile",
    [
        ImageCms.ImageCmsProfile(SRGB).tobytes(),
        profiles.rgb_profile(profiles.SRGB, profiles.SRGB_CURVE),
        profiles.rgb_profile(profiles.SRGB, profiles.sampled(light(np.arange(256, dtype=np.uint8)))),
        profiles.rgb_profile(profiles.SRGB, profiles.gamma(1.9), name=b"sRGB v4 ICC preference perceptual"),
    ],
)
def test_srgb_by_any_name_changes_nothing(profile: bytes) -> None:
    for format in ("PNG", "JPEG"):
        assert (decode(saved(PHOTO, format, icc_profile=profile)) == decode(saved(PHOTO, format))).all()
    assert (decode(png(PICTURE.astype(np.uint16) * 257, iccp(profile))) == PICTURE).all()


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_sixteen_bits_lose_nothing(curve: bytes) -> None:
    profile = profiles.rgb_profile(profiles.SRGB, curve)
    target = io.BytesIO()
    tifffile.imwrite(target, LINEAR_16, photometric="rgb", iccprofile=profile)
    assert off(target.getvalue()) < 0.02
    assert off(png(LINEAR_16, iccp(profile))) < 0.02


def test_sixteen_bits_by_curves_that_are_not_linear() -> None:
    for curve in (
        profiles.SRGB_CURVE,
        profiles.parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0),
    ):
        profile = profiles.rgb_profile(profiles.P3, curve)
        wide = np.asarray(converted(profile)).astype(np.uint16) * 257
        assert off(png(wide, iccp(profile))) < 0.5


@pytest.mark.parametrize(
    "curve",
    [
        profiles.parametric(0, 30000),
        profiles.parametric(1, -2, 0, 0),
        profiles.parametric(4, 9, 30000, -30000, 30000, 0.5, 30000, 30000),
        profiles.sampled(np.linspace(1, 0, 4096)),
        b"curv" + bytes(4) + b"\xff" * 8,
        b"para" + bytes(4) + b"\0\x09" + bytes(40),
    ],
)
def test_any_curve_gives_a_picture(curve: bytes) -> None:
    profile = profiles.rgb_profile(profiles.P3, curve)
    for data in (saved(PHOTO, icc_profile=profile), png(LINEAR_16, iccp(profile))):
        assert decode(data).shape == PICTURE.shape


def test_the_chunks_of_a_png() -> None:
    p3 = np.asarray(converted(PROFILES["P3 with a gamma"][0]))
    assert off(png(LINEAR_16, gama(1))) < 0.02
    assert off(png(np.rint(255 * light(PICTURE)).astype(np.uint8), gama(1))) <= 1.5
    assert off(png(p3, gama(1 / 2.2), chrm(profiles.D65, *profiles.P3))) <= 1
    assert off(png(np.asarray(converted(PROFILES["Display P3"][0])), chrm(profiles.D65, *profiles.P3))) <= 1
    assert (
        off(png(np.asarray(converted(PROFILES["Display P3"][0])), chunk(b"cICP", bytes([12, 13, 0, 1])))) <= 1
    )
    grey = PICTURE[:, :, 0]
    assert off(png(np.rint(65535 * light(grey)).astype(np.uint16), gama(1)), np.dstack([grey] * 3)) < 0.02


def test_the_first_sound_chunk_of_a_png_holds() -> None:
    short = chunk(b"gAMA", b"\0"), chunk(b"cHRM", bytes(8)), chunk(b"iCCP", b"x\0\1")
    assert off(png(LINEAR_16, *short, gama(1), gama(0.45455))) < 0.02
    assert off(png(LINEAR_16, *short, iccp(LINEAR), gama(0.3))) < 0.02


@pytest.mark.parametrize("primaries", [profiles.SRGB, profiles.P3])
def test_video_levels_of_a_png_are_widened(primaries: tuple[Any, ...]) -> None:
    wide = converted(PROFILES["Display P3"][0]) if primaries == profiles.P3 else PHOTO
    for depth in (255, 65535):
        narrow = np.rint((16 + 219 * (np.asarray(wide) / 255)) / 255 * depth)
        codes = bytes([12 if primaries == profiles.P3 else 1, 13, 0, 0])
        assert off(png(narrow.astype(np.uint8 if depth == 255 else np.uint16), chunk(b"cICP", codes))) <= 1


@pytest.mark.parametrize(
    "chunks",
    [
        (gama(1 / 2.2),),
        (gama(1 / 2.2), chrm(profiles.D65, *profiles.SRGB)),
        (chunk(b"sRGB", b"\0"), gama(1)),
        (gama(0),),
        (chrm((0.3, 0.0), *profiles.SRGB),),
        (chrm((0.3, 0.3), *[(0.3, 0.3)] * 3),),
        (chunk(b"cICP", bytes([1, 13, 0, 1])), iccp(LINEAR)),
        (iccp(ImageCms.ImageCmsProfile(SRGB).tobytes()), gama(1)),
    ],
    ids=[
        "usual",
        "usual primaries",
        "sRGB wins",
        "no gamma",
        "no white",
        "no primaries",
        "cICP wins",
        "iCCP wins",
    ],
)
def test_the_chunks_of_a_png_that_change_nothing(chunks: tuple[bytes, ...]) -> None:
    assert (decode(png(PICTURE, *chunks)) == PICTURE).all()


@pytest.mark.parametrize(("transfer", "white"), [(16, 0.5807), (18, 0.75)])
def test_white_of_high_dynamic_range_is_white(transfer: int, white: float) -> None:
    values = np.rint(65535 * np.array([[0, white, 1]])).astype(np.uint16)
    found = decode(png(np.repeat(values[:, :, None], 3, axis=2), chunk(b"cICP", bytes([9, transfer, 0, 1]))))
    assert np.abs(found[0].astype(int) - np.array([[0], [255], [255]])).max() <= 1


def test_an_avif_that_names_its_colours_without_a_profile() -> None:
    data = saved(converted(PROFILES["Display P3"][0]), "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    named = data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :]
    assert off(named) < 2 < off(data)


def test_a_pillow_image_brings_its_profile() -> None:
    profile, _ = PROFILES["ProPhoto"]
    image = Image.open(io.BytesIO(saved(converted(profile), icc_profile=profile)))
    assert np.abs(from_pil(image).astype(int) - PICTURE).mean() <= 1.5
