"""JPEG by libjpeg-turbo: in half of Pillow's time, and saying where the compressed data was damaged."""

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from ml_core.containers import MARKER

DAMAGE = "Corrupt JPEG data"
"""How libjpeg's warnings of missing, surplus or impossible compressed data begin."""
ZEROS = bytes(16)
"""A run of zeros that is a hole: some forty coefficients of the same least value one after another."""
SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def decode_jpeg(
    data: bytes, size: tuple[int, int], *, progressive: bool = False
) -> tuple[NDArray[np.uint8] | None, bool]:
    """(H, W, 3) uint8 RGB of a JPEG of this (width, height), as it is stored, and whether it is damaged.

    No pixels where it is cut short or of a kind that is not decoded here.
    """
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    try:
        simplejpeg.decode_jpeg(data, "RGB", buffer=pixels)
        return pixels, _lacks_scans(data) if progressive else _has_zeros(data)
    except ValueError as error:  # pixels are complete if it was a warning of the compressed data
        warning = str(error)
    try:
        simplejpeg.decode_jpeg_header(data)
    except ValueError:  # a warning of the metadata, at which the decoder stopped
        return None, False
    if not warning.startswith(DAMAGE):
        return None, False
    return pixels, not _is_padding(warning, data)


def _lacks_scans(data: bytes) -> bool:
    """Whether coefficients have bits that no scan brings (ITU-T T.81, G.1.2); libjpeg does not warn of it."""
    at, bits_left = 2, dict[tuple[int, int], int]()
    while (found := MARKER.search(data, at)) and found[0] != b"\xff\xd9":
        head = data[found.end() : found.end() + 14]
        if found[0] == b"\xff\xda" and len(head) > 2 and len(head) >= 6 + 2 * head[2]:
            end = 3 + 2 * head[2]
            for component in head[3:end:2]:
                coefficients = range(head[end], head[end + 1] + 1)
                bits_left |= dict.fromkeys(((component, one) for one in coefficients), head[end + 2] & 15)
        at = found.end() + max(2, int.from_bytes(head[:2], "big"))
    return any(bits_left.values())


def _has_zeros(data: bytes) -> bool:
    """Whether a scan, not progressive, has zeros where no picture gives them, which libjpeg decodes without a warning.

    That is where the code of zero bits stands for a coefficient in one of the components, not for the end of a block,
    of which plain areas have any number.
    """
    at = 2
    firsts = dict[int, int]()  # of each table of codes for coefficients what its code of zeros stands for
    while (found := MARKER.search(data, at)) and found[0] != b"\xff\xd9":
        start = found.end()
        at = start + max(2, int.from_bytes(data[start : start + 2], "big"))
        if found[0] == b"\xff\xc4":
            table = start + 2
            while table + 17 < at:
                firsts[data[table]] = data[table + 17]
                table += 17 + sum(data[table + 1 : table + 17])
        elif found[0] == b"\xff\xda":
            tables = data[start + 4 : start + 3 + 2 * data[start + 2] : 2]
            if any(firsts.get(0x10 | (one & 15)) for one in tables):
                end = following.start() if (following := MARKER.search(data, at)) else len(data)
                if data.find(ZEROS, at, end) >= 0:
                    return True
    return False


def _is_padding(warning: str, data: bytes) -> bool:
    """Whether all that is wrong are zeros before the end marker, as some cameras write them."""
    surplus = SURPLUS.search(warning)
    end = data.rfind(b"\xff\xd9")
    return surplus is not None and not any(data[max(0, end - int(surplus[1])) : end])
