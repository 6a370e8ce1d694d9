"""JPEG by libjpeg-turbo: in half of Pillow's time, and saying where the compressed data was damaged."""

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

DAMAGE = "Corrupt JPEG data"
"""How libjpeg's warnings of missing, surplus or impossible compressed data begin."""
SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def decode_jpeg(data: bytes, size: tuple[int, int]) -> tuple[NDArray[np.uint8] | None, bool]:
    """(H, W, 3) uint8 RGB of a JPEG of this (width, height), as it is stored, and whether it is damaged.

    No pixels where it is cut short or of a kind that is not decoded here.
    """
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    try:
        simplejpeg.decode_jpeg(data, "RGB", buffer=pixels)
        return pixels, False
    except ValueError as error:  # pixels are complete if it was a warning of the compressed data
        warning = str(error)
    try:
        simplejpeg.decode_jpeg_header(data)
    except ValueError:  # a warning of the metadata, at which the decoder stopped
        return None, False
    if not warning.startswith(DAMAGE):
        return None, False
    return pixels, not _is_padding(warning, data)


def _is_padding(warning: str, data: bytes) -> bool:
    """Whether all that is wrong are zeros before the end marker, as some cameras write them."""
    surplus = SURPLUS.search(warning)
    end = data.rfind(b"\xff\xd9")
    return surplus is not None and not any(data[max(0, end - int(surplus[1])) : end])
