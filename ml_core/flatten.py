"""Pixels of any kind, as Pillow opens them, to 8-bit sRGB on white."""

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from ml_core import color, tiff
from ml_core.image_errors import BrokenImage, UnsupportedImage

STRIP_PIXELS = 1 << 20
GREY_STEPS = {"L;2": 85, "L;4": 17}
"""From one grey of 2 or 4 bits to the next in 8 bits, by Pillow's name of how they are packed."""

Deep = NDArray[np.uint16]
Layers = tuple[Image.Image | Deep, Image.Image | None]
"""Colours, as an image of 8 bits a channel or as (H, W, 3) uint16 RGB; and the alpha, if there is one."""


def flatten(
    image: Image.Image, data: bytes = b"", directory: tiff.Directory | None = None
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB of an opened image, as it is stored; `data` and `directory` are the file that it is of.

    Raises UnsupportedImage or BrokenImage.
    """
    try:
        planes = _planes(image, data, directory) if directory else []
        if planes and directory:
            is_multiplied = len(planes) == 2 and directory.number(tiff.EXTRA) == 1
            mode = "L" if is_multiplied else "I;16" if tiff.is_pair(directory) else ""
            conversion = color.conversion(image, data, mode)
            colors, alpha = _joined(planes, directory, conversion)
        else:
            conversion = color.conversion(image, data)
            _scale_transparent_grey(image)
            image.load()
            colors, alpha = _layers(image, data, directory, conversion)
        if isinstance(colors, Image.Image):
            flat = _in_mode(color.to_srgb(colors, conversion), "RGB")
        elif isinstance(conversion, color.Encoding):
            flat = Image.fromarray(color.apply(colors, conversion))
        else:
            flat = color.to_srgb(_as_image(colors >> 8), conversion)
    except UnsupportedImage:
        raise
    except Exception:  # Pillow's decoders raise nearly anything on hostile bytes
        raise BrokenImage("The image is cut short or damaged.") from None
    return _on_white(flat, alpha)


def _on_white(flat: Image.Image, alpha: Image.Image | None) -> NDArray[np.uint8]:
    """(H, W, 3) of an RGB image; by strips, since Pillow's pixels have four bytes and are copied twice on the way."""
    pixels = np.empty((flat.height, flat.width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // flat.width)
    for top in range(0, flat.height, rows):
        box = (0, top, flat.width, min(top + rows, flat.height))
        strip = flat.crop(box)
        if alpha is not None:
            colors, strip = strip, Image.new("RGB", strip.size, "white")
            strip.paste(colors, mask=alpha.crop(box))
        pixels[top : box[3]] = np.asarray(strip)
    return pixels


def _layers(
    image: Image.Image, data: bytes, directory: tiff.Directory | None, conversion: color.Conversion
) -> Layers:
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.uint16)
        transparent = image.info.get("transparency")
        opaque = None if transparent is None else _as_image(255 * (grey != transparent))
        return _grey(grey, directory, conversion), opaque
    if image.mode in ("I", "F"):
        raise UnsupportedImage("Images with 32 bits a channel are not read; 8 and 16 bits are.")
    deep = _deep(image, data, directory, conversion)
    if deep is not None:
        alpha = _as_image(deep[:, :, 3] >> 8) if deep.shape[2] == 4 else None
        return deep[:, :, :3], alpha
    try:
        if image.has_transparency_data:
            layer = _in_mode(image, "LA" if color.base_mode(image) == "L" else "RGBA")
            return layer.convert(layer.mode[:-1]), layer.getchannel("A")
        return _in_mode(image, image.mode if image.mode in color.SPACES else color.base_mode(image)), None
    except ValueError:
        raise UnsupportedImage(f"Images of the pixel type {image.mode} are not read.") from None


def _scale_transparent_grey(image: Image.Image) -> None:
    """Pillow scales greys of 2 and 4 bits to 8 as it loads them, but not the one that a PNG says is transparent."""
    packing = image.tile[0].args if isinstance(image, PngImagePlugin.PngImageFile) and image.tile else None
    step = GREY_STEPS.get(str(packing))
    if step and "transparency" in image.info:
        lowest_bits = image.info["transparency"] & 255 // step  # PNG, third edition, 11.3.1.1
        image.info["transparency"] = step * lowest_bits


def _grey(grey: Deep, directory: tiff.Directory | None, conversion: color.Conversion) -> Image.Image | Deep:
    """Of (H, W) 16-bit greys, which in a TIFF may have fewer bits, or be from white to black."""
    if directory is not None:
        if directory.bits < 16:
            grey = (grey * (65535 / (2**directory.bits - 1))).astype(np.uint16)
        if directory.number(tiff.PHOTOMETRIC) == 0:
            grey = 65535 - grey
    if conversion is None:
        return _as_image(np.rint(grey / 257))
    if isinstance(conversion, color.Encoding):
        return np.repeat(grey[:, :, None], 3, axis=2)
    return Image.fromarray(grey)


def _deep(
    image: Image.Image, data: bytes, directory: tiff.Directory | None, conversion: color.Conversion
) -> Deep | None:
    """(H, W, 3 or 4) 16-bit RGB or RGBA, where Pillow's 8 bits of it would not do: for what is not sRGB."""
    wanted = isinstance(conversion, color.Encoding)
    if directory is not None:
        plain_alpha = directory.number(tiff.EXTRA, 2) == 2
        wanted &= directory.bits == 16 and directory.number(tiff.PHOTOMETRIC) == 2 and plain_alpha
    else:  # Pillow looks for a PNG's transparent colour of 16 bits among the 8-bit ones
        wanted |= "transparency" in image.info
        wanted &= image.format == "PNG" and data[24:25] == b"\x10"
    if not wanted:
        return None
    found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        return None
    return np.ascontiguousarray(found[:, :, [2, 1, 0, 3][: found.shape[2]]])


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """The image itself where it has that mode: `convert` would copy it."""
    return image if image.mode == mode else image.convert(mode)


def _planes(image: Image.Image, data: bytes, directory: tiff.Directory) -> list[NDArray[Any]]:
    """Each channel, the alpha last, of a TIFF whose pixels Pillow does not read as they are meant."""
    if tiff.is_pair(directory):
        return tiff.pair(np.asarray(image), directory)
    files = [io.BytesIO(plane) for plane in tiff.planes(data, directory)]
    return [np.asarray(Image.open(file, formats=["TIFF"])) for file in files]


def _joined(
    planes: Sequence[NDArray[Any]], directory: tiff.Directory, conversion: color.Conversion
) -> Layers:
    mode = tiff.COLORS[directory.number(tiff.PHOTOMETRIC)]
    if mode == "LAB":  # a* and b* are signed in a TIFF, Pillow's begin at -128
        bands = planes[0], planes[1] ^ 128, planes[2] ^ 128
        return Image.merge(mode, [_as_image(band) for band in bands]).convert("RGB"), None
    shallow = [
        _as_image(plane if plane.dtype == np.uint8 else plane >> directory.bits - 8) for plane in planes
    ]
    alpha = shallow[-1] if len(planes) > len(mode) else None
    if alpha and directory.number(tiff.EXTRA) == 1:  # the colours are multiplied with it
        return Image.merge(f"{mode}a", shallow).convert(f"{mode}A").convert(mode), alpha
    if planes[0].dtype == np.uint8 or mode == "CMYK":
        return Image.merge(mode, shallow[: len(mode)]), alpha
    deep = [plane.astype(np.uint16) for plane in planes]
    return _grey(deep[0], directory, conversion) if mode == "L" else np.dstack(deep[:3]), alpha


def _as_image(values: NDArray[Any]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8))
