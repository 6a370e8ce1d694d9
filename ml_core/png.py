"""PNG files without what is beside the picture."""

import struct
import zlib

from PIL.PngImagePlugin import MAX_TEXT_CHUNK

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ANCILLARY = 0x20
"""The bit of the first letter of a chunk's name that makes it small."""
LENGTHS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
"""Bytes of the chunks that say what the colours are."""
TRANSPARENCY = {b"\0": range(2, 3), b"\2": range(6, 7), b"\3": range(1, 257)}
"""Bytes of tRNS by the picture's colour type; other types have an alpha."""
COLORS = {*LENGTHS, b"iCCP", b"tRNS"}
EXIF = {b"eXIf", b"tEXt", b"zTXt"}
EXIF_TEXT = b"Raw profile type exif"
"""ImageMagick's name of a text that is EXIF."""


def picture_alone(data: bytes) -> bytes:
    """Of a PNG file the picture, its colours and EXIF, each as the first sound chunk says; other files as they are.

    Decoders are to ignore what is wrong with ancillary chunks (PNG, third edition, 13.2), but Pillow refuses the file.
    It also takes a text called `gamma` for a gamma.
    """
    if not data.startswith(SIGNATURE):
        return data
    view, at = memoryview(data), len(SIGNATURE)
    kept, found = [view[:at]], set[bytes]()
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            break
        chunk = view[at : at + 12 + length]
        wanted = (EXIF if b"IDAT" in found else EXIF | COLORS) - found
        is_critical = not kind.isalpha() or kind[0] & ANCILLARY == 0  # what is no name, Pillow is to refuse
        if is_critical or (kind in wanted and _is_sound(kind, chunk, data[25:26])):
            kept.append(chunk)
            found.add(kind)
        elif kind in wanted and _was_unpacked(kind, chunk):
            found.add(kind)  # one in vain is enough
        at += 12 + length
    if sum(map(len, kept)) == at:
        return data
    return b"".join((*kept, view[at:]))


def _is_sound(kind: bytes, chunk: memoryview, color_type: bytes) -> bool:
    """Whether the chunk, one of COLORS or EXIF, can be used."""
    if chunk[-4:] != struct.pack(">I", zlib.crc32(chunk[4:-4])):
        return False
    content = bytes(chunk[8:-4])
    if kind == b"tRNS":
        return len(content) in TRANSPARENCY.get(color_type, ())
    if kind in LENGTHS:
        return len(content) == LENGTHS[kind]
    name, _, text = content.partition(b"\0")
    return (
        kind == b"eXIf"
        or (kind == b"iCCP" and _unpacks(text))
        or (kind == b"tEXt" and name == EXIF_TEXT)
        or (kind == b"zTXt" and name == EXIF_TEXT and _unpacks(text))
    )


def _was_unpacked(kind: bytes, chunk: memoryview) -> bool:
    name, _, packed = bytes(chunk[8:-4]).partition(b"\0")
    return packed[:1] == b"\0" and (kind == b"iCCP" or (kind == b"zTXt" and name == EXIF_TEXT))


def _unpacks(packed: bytes) -> bool:
    """Whether it is compressed by the one method that there is, to no more than Pillow allows."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed[1:], MAX_TEXT_CHUNK)
    except zlib.error:
        return False
    return packed[:1] == b"\0" and not unpacker.unconsumed_tail
