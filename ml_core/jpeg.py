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
STEP = 14
"""Levels by which a picture has to become brighter or darker at once, in a channel, to be called damaged."""
ACROSS = 0.7
"""The part of the picture's width in which it does so where it is damaged, and BESIDE where else it may."""
BESIDE = 0.25
COLUMNS = 64
"""Columns that are looked at, of large pictures."""
BLOCK = 8
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
        damaged = _lacks_scans(data) if progressive else _has_zeros(data)
        return pixels, damaged or _has_step(pixels, _row_height(data))
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


def _row_height(data: bytes) -> int:
    """Pixels of a row of blocks, as they are interleaved."""
    return 2 * BLOCK if simplejpeg.decode_jpeg_header(data)[3] in ("420", "440") else BLOCK


def _has_step(pixels: NDArray[np.uint8], height: int) -> bool:
    """Whether all colours change from some block on, as after bytes that libjpeg decoded without a warning.

    A block's mean is stored as its difference from the one before, so a wrong one moves all that follow, to the end of
    the picture. At the borders between rows of blocks, read one after another, that is a step as long as the picture is
    wide. It begins within a row, where no edge of a picture goes on in the next one.
    """
    columns = slice(3, pixels.shape[1] - 4, BLOCK * max(1, pixels.shape[1] // (BLOCK * COLUMNS)))
    borders, width = (pixels.shape[0] - 2) // height, len(range(*columns.indices(pixels.shape[1])))
    if borders < 3 or width < 12:
        return False
    two_above, above, below, two_below = (
        pixels[first::height, columns][:borders].astype(np.int16) for first in range(height - 2, height + 2)
    )
    # Twice the step beyond the slopes on both sides
    steps = (4 * (below - above) + two_above - two_below).reshape(-1, 3)
    red, green, blue = (np.abs(steps) >= 2 * STEP).T  # any(axis=1) takes ten times as long
    counts = np.cumsum(red | green | blue, dtype=np.int32)
    if (counts[width:] - counts[:-width]).max() < ACROSS * width:  # as of nearly all pictures
        return False
    return any(_has_run(one, width) or _has_run(-one, width) for one in steps.T)


def _has_run(steps: NDArray[np.int16], width: int) -> bool:
    """Whether values are high and alike for one `width`, from within one row to within the next, and only there."""
    high = steps >= 2 * STEP
    counts = np.cumsum(high, dtype=np.int32)
    runs = counts[width:] - counts[:-width]
    most = runs.max()
    if most < ACROSS * width:
        return False
    alike = np.flatnonzero(runs == most)
    start = int(alike[len(alike) // 2]) + 1
    row, column = divmod(start, width)
    before, after = high[row * width : start], high[start + width : (row + 2) * width]
    margin = max(2, width // 16)
    if not margin <= column <= width - margin or before.mean() > BESIDE:
        return False
    if len(after) and after.mean() > BESIDE:
        return False
    run = steps[start : start + width]
    low, middle, top = np.percentile(run, [20, 50, 80])
    drawn = len(np.unique(run)) <= width // 2  # as edges of windows and charts are, with few values
    return bool(top - low <= 0.9 * middle) and not drawn


def _is_padding(warning: str, data: bytes) -> bool:
    """Whether all that is wrong are zeros before the end marker, as some cameras write them."""
    surplus = SURPLUS.search(warning)
    end = data.rfind(b"\xff\xd9")
    return surplus is not None and not any(data[max(0, end - int(surplus[1])) : end])
