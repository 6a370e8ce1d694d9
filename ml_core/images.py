"""Photos in and pictures out: decode with limits, cut, colour.

Images are uint8 RGB arrays of shape (height, width, 3), upright. Coordinates are continuous: pixel (x, y)
covers [x, x + 1) x [y, y + 1), so its centre is (x + 0.5, y + 0.5). A *cut* is a parallelogram of an image,
given by the affine that maps the unit square onto it: (0, 0) is its top left corner, (1, 1) the bottom right
one. Saying where a cut lies without its size in pixels lets one affine serve the network's input, its
half-resolution logits and the way back.
"""

import io
import math
import re
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml_core import color, png, tiff
from ml_core.containers import walk
from ml_core.flatten import flatten
from ml_core.image_errors import BrokenImage, ImageTooLarge, UnsupportedImage
from ml_core.jpeg import decode_jpeg
from ml_core.labels import LabelSet

FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"]
"""Pillow's names of the formats that are read; of those with several frames the first, of TIFF the full picture."""

MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|BM.{4}\0{4}|GIF8|.{4}ftypavi[fs]", re.DOTALL)
"""How files of these formats begin, but for TIFF, whose module knows more."""

HEIC = re.compile(rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)

NO_HEIC = (
    "HEIC is not read here: send a JPEG, as iPhones make with Settings, Camera, Formats, Most Compatible; or have "
    "requirements-heif.txt installed where this service runs."
)

try:
    import pillow_heif
except ImportError:  # an extra
    pass
else:
    pillow_heif.register_heif_opener()
    FORMATS.append("HEIF")

MAX_PIXELS = 50_000_000
MAX_SIDE = 65_500
"""Of a JPEG, which an overlay is; pictures that are longer cost more than their pixels say."""

Affine = NDArray[np.float64]
"""(2, 3): (x, y, 1) -> (x, y)."""


class Decoded(NamedTuple):
    """Pixels (height, width, 3), uint8 sRGB, upright; and whether some of the file's data was damaged."""

    pixels: NDArray[np.uint8]
    damaged: bool = False


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The pixels of `read`."""
    return read(data, max_pixels=max_pixels).pixels


def read(
    data: bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    opened: Callable[[int], object] = lambda pixels: None,
    walked: bool = False,
) -> Decoded:
    """Decode JPEG, PNG, WebP, BMP, TIFF, GIF or AVIF bytes, and HEIC where pillow-heif is installed.

    EXIF orientation is honoured, colours are converted to sRGB, transparency is laid on white, 16 bits a channel
    are scaled to 8. `opened` is told the number of pixels by the header, before they are decoded. `walked`: its
    structure is known to be within limits. Raises TooComplex and ImageTooLarge before a pixel is decoded; else
    UnsupportedImage or BrokenImage.
    """
    if not data:
        raise BrokenImage("The image is empty.")
    if not walked:
        walk(data)
    data = png.picture_alone(data)
    directory = None
    if data.startswith(tiff.PREFIXES):
        data, directory = tiff.full_picture(data)
    image = _open(data, directory, max_pixels)
    opened(image.width * image.height)
    damaged = False
    if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L", "CMYK"):
        pixels, damaged = decode_jpeg(data, image.size, progressive="progressive" in image.info)
        if pixels is not None and image.mode != "CMYK":
            return Decoded(_upright(_in_srgb(pixels, image), image), damaged)
    return Decoded(_upright(flatten(image, data, directory), image, directory), damaged)


def from_pil(image: Image.Image) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 sRGB of a Pillow image, upright. Raises UnsupportedImage or BrokenImage."""
    return _upright(flatten(image), image)


def _open(data: bytes, directory: tiff.Directory | None, max_pixels: int) -> Image.Image:
    """The image with its header read."""
    too_large = ImageTooLarge(f"The image has more than {max_pixels:,} pixels.")
    if Image.MAX_IMAGE_PIXELS is not None:  # Pillow's own limit, which some formats need as they are opened
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large from None
    except Exception:  # Pillow's parsers raise nearly anything on hostile bytes
        is_heic = HEIC.match(data) is not None
        if is_heic and "HEIF" not in FORMATS:
            raise UnsupportedImage(NO_HEIC) from None
        if is_heic or MAGIC.match(data) or (directory and not directory.is_whole(len(data))):
            raise BrokenImage("The image is cut short or damaged.") from None
        if directory:
            raise UnsupportedImage("TIFF images of this kind of pixels are not read.") from None
        names = ", ".join(FORMATS[:-1])
        raise UnsupportedImage(f"This is not a {names} or {FORMATS[-1]} image.") from None
    if image.width * image.height > max_pixels:
        raise too_large
    if max(image.size) > MAX_SIDE:
        raise ImageTooLarge(f"A side of the image has more than {MAX_SIDE:,} pixels.")
    return image


def letterbox(image_size: tuple[int, int], input_size: tuple[int, int]) -> Affine:
    """The cut that holds a whole (height, width) image, centred, with the aspect of the network's input."""
    (height, width), (input_height, input_width) = image_size, input_size
    scale = max(height / input_height, width / input_width)
    cut_width, cut_height = scale * input_width, scale * input_height
    left, top = (width - cut_width) / 2, (height - cut_height) / 2
    return np.array([[cut_width, 0.0, left], [0.0, cut_height, top]], np.float64)


def sample(image: NDArray[np.uint8], cut: Affine, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The cut as a (height, width, 3) picture of `size`, without aliasing; beyond the photo its edge goes on.

    A reduction is done by area averaging first, only on the part of the photo that the cut needs, then the
    rest (rotation, fractions of a pixel) bilinearly. A cut that is the whole image, unrotated, thus equals
    cv2.resize(..., INTER_AREA).
    """
    to_pixel = pixel_affine(cut, size)
    step_x, step_y = float(np.hypot(*to_pixel[:, 0])), float(np.hypot(*to_pixel[:, 1]))
    reduction = max(1.0, math.sqrt(step_x * step_y))
    x0, y0, x1, y1 = bounds(cut, image.shape[:2], margin=2 * reduction)
    part = image[y0:y1, x0:x1]
    if reduction > 1:
        shrunk = max(1, round((x1 - x0) / reduction)), max(1, round((y1 - y0) / reduction))
        part = cv2.resize(part, shrunk, interpolation=cv2.INTER_AREA)
    scale = [[part.shape[1] / (x1 - x0)], [part.shape[0] / (y1 - y0)]]
    moved = (cut - [[0, 0, x0], [0, 0, y0]]) * scale
    if part.shape[:2] == size and np.allclose(moved, [[size[1], 0, 0], [0, size[0], 0]]):
        return part
    return warp(part, moved, size, cv2.BORDER_REPLICATE)


def warp(image: NDArray[np.uint8], cut: Affine, size: tuple[int, int], border: int) -> NDArray[np.uint8]:
    """The cut as a (height, width, 3) picture of `size`, bilinearly; `border` is OpenCV's mode outside the image."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = pixel_affine(cut, size)
    picture: NDArray[np.uint8] = cv2.warpAffine(image, matrix, size[::-1], flags=flags, borderMode=border)
    return picture


def pixel_affine(cut: Affine, size: tuple[int, int]) -> Affine:
    """The cut's affine for pixel indices: (column, row) of a (height, width) crop -> those of the image."""
    height, width = size
    (a, b, x), (c, d, y) = cut.tolist()  # plain numbers: arrays as small as these cost ten times as much
    a, b, c, d = a / width, b / height, c / width, d / height
    return np.array([[a, b, x + (a + b) / 2 - 0.5], [c, d, y + (c + d) / 2 - 0.5]])


def bounds(cut: Affine, image_size: tuple[int, int], margin: float = 0) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the part of a (height, width) image that holds what a cut sees of it.

    At least one pixel: where the cut lies wholly outside, the nearest one.
    """
    sides = []
    for (a, b, start), limit in zip(cut.tolist(), (image_size[1], image_size[0]), strict=True):
        corners = start, a + start, b + start, a + b + start
        low = min(max(math.floor(min(corners) - margin), 0), limit - 1)
        sides.append((low, min(max(math.ceil(max(corners) + margin), low + 1), limit)))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom


def colorize(labels: NDArray[np.uint8], label_set: LabelSet) -> NDArray[np.uint8]:
    """(H, W) uint8 class ids -> (H, W, 3) uint8 in the palette's colours."""
    return label_set.palette[labels]


def blend(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], label_set: LabelSet, alpha: float
) -> NDArray[np.uint8]:
    """The photo with the classes' colours mixed in by `alpha` (0..1); background pixels stay as they are."""
    mixed: NDArray[np.uint8] = cv2.addWeighted(image, 1 - alpha, colorize(labels, label_set), alpha, 0)
    return np.where((labels == 0)[:, :, None], image, mixed)


def _in_srgb(pixels: NDArray[np.uint8], image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a JPEG, which Pillow opened as `image`, as sRGB."""
    conversion = color.conversion(image)
    if conversion is None:
        return pixels
    if isinstance(conversion, color.Encoding):
        return color.apply(pixels, conversion)
    return np.asarray(color.to_srgb(Image.fromarray(pixels).convert(image.mode), conversion))


def _upright(
    pixels: NDArray[np.uint8], image: Image.Image, directory: tiff.Directory | None = None
) -> NDArray[np.uint8]:
    """Undo the EXIF orientation (EXIF 2.32, tag 0x0112) of the image that the pixels come from."""
    try:
        orientation = directory.number(tiff.ORIENTATION) if directory else _orientation(image)
    except Exception:  # broken EXIF is no reason to refuse a photo
        orientation = None
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _orientation(image: Image.Image) -> int | None:
    """Not by Image.getexif(), which also takes it from XMP; browsers do not."""
    content = image.info.get("exif")
    if content is None and (text := image.info.get("Raw profile type exif")):  # a PNG by ImageMagick
        content = bytes.fromhex("".join(text.split("\n")[3:]))
    exif = Image.Exif()
    exif.load(content or b"")
    return exif.get(tiff.ORIENTATION)
