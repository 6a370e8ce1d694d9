"""PNG of class ids and of yes/no masks.

Written here because flat areas ask for run lengths (zlib's Z_RLE), which Pillow does not offer: half Pillow's
time at its fastest level and two thirds of its size, measured on drawn faces of 512 and 2048 pixels.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

GREY, PALETTE = 0, 3
"""PNG colour types (RFC 2083, section 4.1.1)."""


def encode_ids(ids: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None) -> bytes:
    """(H, W) uint8 as an 8-bit PNG: grey, or with `palette` (n, 3) uint8 in its colours."""
    width = ids.shape[1]
    if palette is None:
        return _encode(ids, width, 8, GREY)
    return _encode(ids, width, 8, PALETTE, _chunk(b"PLTE", palette.tobytes()))


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """(H, W) bool as a 1-bit grey PNG, white where true."""
    return _encode(np.packbits(mask, axis=1), mask.shape[1], 1, GREY)


def _encode(rows: NDArray[np.uint8], width: int, depth: int, kind: int, extra: bytes = b"") -> bytes:
    lines = np.zeros((rows.shape[0], rows.shape[1] + 1), np.uint8)  # each begins with its filter: 0, none
    lines[:, 1:] = rows
    deflate = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    data = deflate.compress(lines.data) + deflate.flush()
    header = struct.pack(">IIBBBBB", width, rows.shape[0], depth, kind, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header), extra, _chunk(b"IDAT", data), _chunk(b"IEND", b"")]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
