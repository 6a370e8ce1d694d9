"""PNG files whose damage does not concern the picture."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ANCILLARY = 0x20
"""The bit of the first letter of a chunk's name that makes it small."""
PACKED = {b"iCCP", b"tEXt", b"zTXt", b"iTXt"}


def without_damage(data: bytes) -> bytes | None:
    """The file without ancillary chunks of a wrong checksum, or else without texts and colour profile.

    None where there are none. Decoders are to ignore such chunks (PNG, third edition, 13.2), but Pillow refuses the
    file; as it does for texts and profiles that unpack to more than it allows.
    """
    if not data.startswith(SIGNATURE):
        return None
    chunks, at = [], len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append(data[at : at + 12 + length])
        at += 12 + length
    kept = [chunk for chunk in chunks if not (chunk[4] & ANCILLARY and _is_wrong(chunk))]
    if len(kept) == len(chunks):
        kept = [chunk for chunk in chunks if chunk[4:8] not in PACKED]
    return b"".join((SIGNATURE, *kept, data[at:])) if len(kept) < len(chunks) else None


def _is_wrong(chunk: bytes) -> bool:
    return chunk[-4:] != struct.pack(">I", zlib.crc32(chunk[4:-4]))
