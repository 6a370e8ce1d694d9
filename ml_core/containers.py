"""The structure of an image file, walked before any decoder sees it.

Decoders take time for each segment, scan, strip, chunk and frame, and files can hold millions of these in a few
megabytes. The walk takes time linear in the bytes, reads no pixel and believes no length: what it cannot follow it
leaves to the decoder, whose verdict a damaged file gets. Each limit is far above what cameras and editors write.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from ml_core.image_errors import TooComplex
from ml_core.tiff_structure import walk_tiff

JPEG_SEGMENTS = 4096
"""Markers with what belongs to them, scans included."""
JPEG_SCANS = 100
JPEG_EXIF_SEGMENTS = 100
JPEG_TABLE_BYTES = 64 << 10
"""Of quantisation tables."""
JPEG_METADATA_BYTES = 16 << 20
JPEG_PADDING_BYTES = 64 << 10
"""Between the segments before the first scan."""
PHOTOSHOP_BLOCKS = 2000
PNG_CHUNKS, PNG_CHUNK_BYTES = 4096, 512
"""So many chunks, and one more for so many bytes of the file."""
PNG_TEXTS = 1000
PNG_PROFILES = 10
GIF_FRAMES = WEBP_FRAMES = 10_000
GIF_BLOCKS, GIF_BLOCK_BYTES = 40_000, 100
"""So many data blocks, and one more for so many bytes of the file."""
WEBP_CHUNKS = 1000
"""Besides frames."""
BOXES = 4096
"""Of an AVIF or HEIC file."""

PLAIN_PIXELS = 500_000_000
"""Pixels times scans of a JPEG that is plain."""
PLAIN_PROFILE = 4096
"""Bytes of a colour profile: those of cameras and screens have fewer, and one that is longer can hold much work."""
PLAIN_EXIF = 128 << 10
PLAIN_TEXTS = 64
PLAIN_DEEP_PIXELS = 16_000_000
"""Of a PNG of 16 bits a channel, whose colours take five times as long to convert."""

MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
"""Neither a stuffed or a fill byte nor a restart marker."""
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PLAIN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Huffman-coded: baseline, extended, progressive."""


def walk(data: bytes) -> bool:
    """Whether the file is plain: a JPEG or PNG whose decoding costs no more than its bytes and pixels, or no image.

    Raises TooComplex for a file beyond the limits, of whatever format that is read.
    """
    for magic, walk_format in WALKS:
        if magic.match(data):
            try:
                return walk_format(data)
            except (struct.error, IndexError):  # beyond the end of the file
                return False
    return not data.startswith(BMP)


def _limit(count: int, most: int, what: str) -> None:
    if count > most:
        raise TooComplex(f"The image has more than {most:,} {what}.")


def _jpeg(data: bytes) -> bool:
    at = 2
    segments = scans = frames = exifs = blocks = metadata = tables = padding = exif = profile = pixels = 0
    plain = True
    while (found := MARKER.search(data, at)) is not None:
        start, code = found.end(), data[found.end() - 1]
        segments += 1
        _limit(segments, JPEG_SEGMENTS, "JPEG segments")
        if not scans:
            padding += found.start() - at
            _limit(padding, JPEG_PADDING_BYTES, "bytes of padding between its JPEG segments")
        if code == 0xD9:
            break
        if code < 0xC0:
            return False
        if code in (0xC8, 0xD8) or 0xF0 <= code <= 0xFD:
            at = start
            continue
        length = max(2, int.from_bytes(data[start : start + 2], "big"))
        at = start + length
        if code == 0xDA:
            scans += 1
            _limit(scans, JPEG_SCANS, "JPEG scans")
        elif code in FRAMES:
            frames += 1
            _limit(frames, 1, "JPEG frame header")
            height, width = struct.unpack_from(">HH", data, start + 3)
            pixels = height * width
            plain &= code in PLAIN_FRAMES
        elif code == 0xDB:
            tables += length
            _limit(tables, JPEG_TABLE_BYTES, "bytes of JPEG quantisation tables")
        elif code == 0xFE or 0xE0 <= code <= 0xEF:
            metadata += length
            _limit(metadata, JPEG_METADATA_BYTES, "bytes of JPEG metadata")
            if data.startswith(b"Exif\0\0", start + 2):
                exifs, exif = exifs + 1, exif + length
                _limit(exifs, JPEG_EXIF_SEGMENTS, "JPEG segments of EXIF")
            elif data.startswith(b"ICC_PROFILE\0", start + 2):
                profile += length
            elif data.startswith(b"Photoshop 3.0\0", start + 2):
                blocks += data.count(b"8BIM", start, at)
                _limit(blocks, PHOTOSHOP_BLOCKS, "Photoshop blocks")
    return (
        plain
        and scans > 0
        and scans * pixels <= PLAIN_PIXELS
        and exif <= PLAIN_EXIF
        and profile <= PLAIN_PROFILE
    )


def _png(data: bytes) -> bool:
    most = PNG_CHUNKS + len(data) // PNG_CHUNK_BYTES
    texts = profiles = 0
    width, height, depth = struct.unpack_from(">IIB", data, 16)
    plain = depth <= 8 or width * height <= PLAIN_DEEP_PIXELS
    for number, (kind, start, length) in enumerate(_png_chunks(data), 1):
        _limit(number, most, "PNG chunks")
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            texts += 1
            _limit(texts, PNG_TEXTS, "PNG texts")
        elif kind == b"iCCP":
            profiles += 1
            _limit(profiles, PNG_PROFILES, "PNG colour profiles")
            plain &= profiles == 1 and _is_plain_profile(data[start : start + length])
        elif kind == b"eXIf":
            plain &= length <= PLAIN_EXIF
        elif kind == b"IEND":
            break
    return plain and texts <= PLAIN_TEXTS


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Of each chunk its kind, where its content starts, and its length."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        at += 12 + length


def _is_plain_profile(chunk: bytes) -> bool:
    """Whether the profile in an iCCP chunk is short, which its compressed length does not say."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(chunk[chunk.find(b"\0") + 2 :], PLAIN_PROFILE + 1)
    except zlib.error:
        return False
    return len(profile) <= PLAIN_PROFILE


def _gif(data: bytes) -> bool:
    most = GIF_BLOCKS + len(data) // GIF_BLOCK_BYTES
    frames = blocks = 0
    at = 13 + _palette_bytes(data[10])
    while (code := data[at]) != 0x3B:
        blocks += 1
        _limit(blocks, most, "GIF data blocks")
        if code == 0x2C:
            frames += 1
            _limit(frames, GIF_FRAMES, "GIF frames")
            at += 11 + _palette_bytes(data[at + 9])
        elif code == 0x21:
            at += 2
        elif frames:
            break  # the rest is no GIF
        else:
            at += 1
            continue
        while length := data[at]:
            at += 1 + length
            blocks += 1
            if blocks > most:
                break
        at += 1
    return False


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _webp(data: bytes) -> bool:
    at, frames, chunks = 12, 0, 0
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"ANMF":
            frames += 1
            _limit(frames, WEBP_FRAMES, "WebP frames")
        else:
            chunks += 1
            _limit(chunks, WEBP_CHUNKS, "WebP chunks")
        at += 8 + length + length % 2
    return False


def _boxes(data: bytes) -> bool:
    at, boxes = 0, 0
    while at + 8 <= len(data):
        boxes += 1
        _limit(boxes, BOXES, "boxes")
        length: int = struct.unpack_from(">I", data, at)[0]
        if length == 1:
            length = struct.unpack_from(">Q", data, at + 8)[0]
        if length < 8:  # 0: to the end of the file
            break
        at += length
    return False


def _tiff(data: bytes) -> bool:
    walk_tiff(data)
    return False


WALKS: tuple[tuple[re.Pattern[bytes], Callable[[bytes], bool]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"\x89PNG"), _png),
    (re.compile(rb"GIF8"), _gif),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp),
    (re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]|II\0\x2a|MM\x2a\0"), _tiff),
    (re.compile(rb".{4}ftyp", re.DOTALL), _boxes),
)
BMP = b"BM"
"""It has no structure beyond its header."""
