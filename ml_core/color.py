"""Colours as sRGB: by an ICC profile, or by what PNG, AVIF and HEIC files say of their colours without one.

Those that come down to three curves and a matrix, as the RGB profiles of cameras and screens do, are applied here, to 8
or 16 bits; all other profiles by LittleCMS, for which Pillow has 8 bits alone.
"""

import io
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 << 20
"""A larger profile is ignored: those of printing presses have up to 3 MB."""
SPACES = {"RGB": "RGB", "L": "GRAY", "I;16": "GRAY", "CMYK": "CMYK"}
"""The colour space that a profile must be of, by the image's mode."""
SRGB_LEVELS = 2
"""A profile that moves no colour by more levels is sRGB, whatever its name."""
BAND = 16
"""Rows converted at a time: what fits in the processor's cache."""

Numbers = NDArray[np.float64]
Curve = Callable[[Numbers], Numbers]
"""Encoded value -> light, both 0..1."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """How RGB values stand for light: a curve for each channel, then a (3, 3) matrix to linear sRGB."""

    curves: tuple[Curve, Curve, Curve]
    matrix: Numbers


def srgb_curve(value: Numbers) -> Numbers:
    """IEC 61966-2-1."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def power(exponent: float) -> Curve:
    """The curve of a pure gamma."""
    return lambda value: np.maximum(value, 0) ** exponent


def pq_curve(value: Numbers) -> Numbers:
    """SMPTE ST 2084; 203 cd/m2, the white of BT.2408, is 1, and what is brighter is clipped."""
    root = value ** (1 / 78.84375)
    light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return np.asarray(light ** (1 / 0.1593017578125) * 10000 / 203)


def hlg_curve(value: Numbers) -> Numbers:
    """ARIB STD-B67; a signal of 0.75, the white of BT.2408, is 1, and what is brighter is clipped."""
    light = np.where(
        value <= 0.5, value**2 / 3, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    return np.asarray((light / 0.26496256) ** 1.2)


Conversion = Encoding | ImageCms.ImageCmsTransform | None
"""The way to sRGB; None where there is nothing to be done, or no way to do it."""

Point = tuple[float, float]
D65 = (0.3127, 0.3290)
SRGB_PRIMARIES: tuple[Point, Point, Point] = (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)
P3_PRIMARIES: tuple[Point, Point, Point] = (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)
NTSC_PRIMARIES: tuple[Point, Point, Point] = (0.63, 0.34), (0.31, 0.595), (0.155, 0.07)
PRIMARIES: dict[int, tuple[Point, tuple[Point, Point, Point]]] = {
    1: (D65, SRGB_PRIMARIES),
    5: (D65, ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))),
    6: (D65, NTSC_PRIMARIES),
    7: (D65, NTSC_PRIMARIES),
    9: (D65, ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))),
    11: ((0.314, 0.351), P3_PRIMARIES),
    12: (D65, P3_PRIMARIES),
}
"""White and primaries (x, y) by their code in ITU-T H.273."""
TRANSFERS: dict[int, Curve] = {
    **dict.fromkeys((1, 6, 13, 14, 15), srgb_curve),  # video's curves are shown as sRGB, as browsers do
    4: power(2.2),
    5: power(2.8),
    8: power(1.0),
    16: pq_curve,
    18: hlg_curve,
}
"""Curves by their code in ITU-T H.273."""
NCLX = re.compile(rb"colrnclx(..)(..)", re.DOTALL)
"""Codes of primaries and transfer in AVIF and HEIC (ISO/IEC 23008-12)."""

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])
"""XYZ of the white of ICC profiles."""


def conversion(image: Image.Image, data: bytes = b"", mode: str = "") -> Conversion:
    """Of an opened image, and of the file that it is from; by PNG's order (third edition, 4.3) of what may be given.

    `mode` is that of its colours where it was opened as something else. A profile that is broken, or of another colour
    space than the image, is ignored.
    """
    codes = _codes(image, data)
    if codes is not None and codes[0] in PRIMARIES and codes[1] in TRANSFERS:
        return _by_codes(*codes)
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        return _by_profile(profile, mode or base_mode(image)) if len(profile) <= MAX_PROFILE_BYTES else None
    if "srgb" in image.info or not {"gamma", "chromaticity"} & image.info.keys():
        return None
    return _by_chunks(image.info.get("gamma"), image.info.get("chromaticity"))


def base_mode(image: Image.Image) -> str:
    """The one of SPACES that the image's colours have without alpha and palette."""
    if image.mode.startswith("I;16"):
        return "I;16"
    return {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")


def to_srgb(image: Image.Image, conversion: Conversion) -> Image.Image:
    """An image in its base mode as sRGB; itself where there is nothing to be done."""
    if conversion is None:
        return image
    if isinstance(conversion, Encoding):
        return Image.fromarray(apply(np.asarray(image.convert("RGB")), conversion))
    return ImageCms.applyTransform(image, conversion) or image


def apply(pixels: NDArray[np.uint8] | NDArray[np.uint16], encoding: Encoding) -> NDArray[np.uint8]:
    """(H, W, 3) RGB in an encoding -> sRGB; colours that sRGB does not have are clipped.

    In half of LittleCMS's time, and not more than a level from it.
    """
    values = np.linspace(0, 1, np.iinfo(pixels.dtype).max + 1)
    with np.errstate(all="ignore"):  # a hostile profile may have any curve
        light = np.stack([curve(values) for curve in encoding.curves], axis=1)
    tables = np.clip(np.nan_to_num(light), 0, 100).astype(np.float32)
    matrix = np.column_stack([65535 * encoding.matrix, [0.5] * 3]).astype(np.float32)
    found = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), BAND):
        rows = pixels[top : top + BAND]
        if pixels.dtype == np.uint8:
            linear = cv2.LUT(rows, tables[None])
        else:
            linear = np.dstack([tables[rows[:, :, channel], channel] for channel in range(3)])
        linear = np.clip(cv2.transform(linear, matrix), 0, 65535).astype(np.uint16)
        np.take(_srgb_levels(), linear, out=found[top : top + BAND], mode="clip")
    return found


@lru_cache(maxsize=1)
def _srgb_levels() -> NDArray[np.uint8]:
    """The sRGB level, 0..255, of each of 65,536 linear ones."""
    light = np.linspace(0, 1, 65536)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    levels: NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return levels


def _codes(image: Image.Image, data: bytes) -> tuple[int, int, bool] | None:
    """H.273's codes of primaries and transfer, of a PNG's cICP chunk or the box of AVIF and HEIC.

    And whether values are of the narrow range of video still: decoders of AVIF and HEIC widen it.
    """
    if image.format == "PNG":
        at = data.find(b"\0\0\0\4cICP", 0, data.find(b"IDAT"))
        if at > 0 and data[at + 12 : at + 16] == struct.pack(">I", zlib.crc32(data[at + 4 : at + 12])):
            return data[at + 8], data[at + 9], data[at + 11] == 0
    elif (
        image.format in ("AVIF", "HEIF") and "icc_profile" not in image.info and (found := NCLX.search(data))
    ):
        return int.from_bytes(found[1], "big"), int.from_bytes(found[2], "big"), False
    return None


@lru_cache(maxsize=32)
def _by_codes(primaries: int, transfer: int, narrow: bool) -> Encoding | None:
    white, corners = PRIMARIES[primaries]
    curve = _widened(TRANSFERS[transfer]) if narrow else TRANSFERS[transfer]
    if (corners, curve) == (SRGB_PRIMARIES, srgb_curve):
        return None
    return Encoding((curve, curve, curve), _to_srgb(_to_d50(white, corners)))


def _widened(curve: Curve) -> Curve:
    """Of values of which 16/255 is black and 235/255 white."""
    return lambda value: curve(np.clip((255 * value - 16) / 219, 0, 1))


def _by_chunks(gamma: float | None, chromaticity: tuple[float, ...] | None) -> Encoding | None:
    """Of gAMA and cHRM, each of which may be missing; None where they are sRGB's."""
    white, *corners = (
        zip(*[iter(chromaticity or ())] * 2, strict=True) if chromaticity else (D65, *SRGB_PRIMARIES)
    )
    is_srgb = np.allclose([white, *corners], [D65, *SRGB_PRIMARIES], atol=0.005)
    usual = gamma is None or abs(gamma * 2.2 - 1) < 0.05
    if is_srgb and usual:
        return None
    if gamma is not None and not 0.1 <= gamma <= 10:
        return None
    curve = srgb_curve if gamma is None else power(1 / gamma)
    try:
        matrix = np.eye(3) if is_srgb else _to_srgb(_to_d50(white, (corners[0], corners[1], corners[2])))
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return None
    return Encoding((curve, curve, curve), matrix)


def _to_d50(white: Point, corners: tuple[Point, Point, Point]) -> Numbers:
    """The (3, 3) matrix of linear RGB with this white and these primaries to XYZ, adapted to D50."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (white, *corners)]).T
    to_xyz = xyz[:, 1:] * np.linalg.solve(xyz[:, 1:], xyz[:, 0])
    cones = (BRADFORD @ D50) / (BRADFORD @ xyz[:, 0])
    return np.asarray(np.linalg.solve(BRADFORD, cones[:, None] * BRADFORD) @ to_xyz)


def _to_srgb(to_d50: Numbers) -> Numbers:
    return np.asarray(np.linalg.solve(_to_d50(D65, SRGB_PRIMARIES), to_d50), np.float64)


@lru_cache(maxsize=8)
def _by_profile(profile: bytes, mode: str) -> Conversion:
    """By the profile's own rendering intent."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != SPACES[mode]:
            return None
        intent = ImageCms.Intent(source.profile.rendering_intent)
        if intent is ImageCms.Intent.ABSOLUTE_COLORIMETRIC:  # would show the colour of the paper
            intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        srgb = ImageCms.createProfile("sRGB")
        flags = ImageCms.Flags.NOCACHE  # a cache of one pixel, which threads would share
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB", intent, flags)
        name = source.profile.profile_description or ""
        if mode == "RGB" and (name.startswith("sRGB v4 ICC preference") or _is_srgb(transform)):
            return None  # the former is sRGB with another black for printing
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return (_shaper(profile) if mode == "RGB" else None) or transform


def _is_srgb(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it leaves 4,096 colours from all over the cube as they are, or nearly so."""
    cube = np.mgrid[0:256:17, 0:256:17, 0:256:17].astype(np.uint8).reshape(3, 64, 64).transpose(1, 2, 0)
    found: Any = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(cube)), transform)
    return bool(np.abs(np.asarray(found, int) - cube).max() <= SRGB_LEVELS)


def _shaper(profile: bytes) -> Encoding | None:
    """The curves and the matrix of an RGB profile (ICC.1:2022, 8.3.3); None for one of another kind."""
    try:
        count = struct.unpack_from(">I", profile, 128)[0]
        places = {
            tag: slice(at, at + size)
            for tag, at, size in struct.iter_unpack(">4sII", profile[132 : 132 + 12 * count])
        }
        if b"A2B0" in places:
            return None
        curves = [_curve(profile[places[tag]]) for tag in (b"rTRC", b"gTRC", b"bTRC")]
        columns = [struct.unpack_from(">3i", profile[places[tag]], 8) for tag in (b"rXYZ", b"gXYZ", b"bXYZ")]
    except (KeyError, struct.error):
        return None
    return Encoding((curves[0], curves[1], curves[2]), _to_srgb(np.array(columns).T / 65536))


def _curve(tag: bytes) -> Curve:
    """A curveType or parametricCurveType (ICC.1:2022, 10.6 and 10.18). Raises KeyError or struct.error for others."""
    if tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        values = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        if count < 2:
            return power(values[0] / 256 if count else 1.0)
        return lambda value: np.interp(value, np.linspace(0, 1, count), values / 65535)
    kind = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}[struct.unpack_from(">H", tag, 8)[0]]
    found = struct.unpack_from(f">{len(kind)}i", tag, 12)
    g, a, b, c, d, e, f = (dict(zip(kind, found, strict=True)).get(name, 0) / 65536 for name in "gabcdef")
    if len(kind) <= 4:  # in the standard's order their constant comes before the linear part
        a, d, e, f = (a, -b / a if a else 0.0, c, c) if len(kind) > 1 else (1.0, 0.0, 0.0, 0.0)
        c = 0.0
    return lambda value: np.where(value >= d, np.maximum(a * value + b, 0) ** g + e, c * value + f)
