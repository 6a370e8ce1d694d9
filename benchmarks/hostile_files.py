"""Images that are valid, or nearly so, and cost far more than their bytes; each of a structure that is refused."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from PIL import Image


def encoded(form: str, size: tuple[int, int] = (16, 16), mode: str = "RGB", **options: Any) -> bytes:
    """A flat image as a file."""
    target = io.BytesIO()
    Image.new(mode, size, 128 if mode == "L" else (120, 90, 60)).save(target, form, **options)
    return target.getvalue()


def segment(code: int, content: bytes) -> bytes:
    """A JPEG segment."""
    return b"\xff" + bytes([code]) + struct.pack(">H", len(content) + 2) + content


def after_start(data: bytes, more: bytes) -> bytes:
    """A JPEG with more between its start and its first segment."""
    return data[:2] + more + data[2:]


def scan_of(jpeg: bytes) -> bytes:
    """The last scan of a JPEG, with its tables."""
    return jpeg[jpeg.rindex(b"\xff\xda") : -2]


def jpegs() -> Iterator[tuple[str, bytes]]:
    """JPEGs of too many scans, segments, frames, tables and blocks."""
    plain, progressive = encoded("JPEG"), encoded("JPEG", progressive=True)
    grey = encoded("JPEG", mode="L", progressive=True)
    yield "jpeg: 200 refinement scans", grey[:-2] + scan_of(grey) * 200 + b"\xff\xd9"
    yield "jpeg: 200 scans of colour", progressive[:-2] + scan_of(progressive) * 200 + b"\xff\xd9"
    yield "jpeg: 200 baseline scans", plain[:-2] + scan_of(plain) * 200 + b"\xff\xd9"
    arithmetic = progressive.replace(b"\xff\xc2", b"\xff\xca", 1)
    yield "jpeg: 200 arithmetic scans", arithmetic[:-2] + scan_of(arithmetic) * 200 + b"\xff\xd9"
    between = (scan_of(grey) + b"\xff\xd0\xff\xff" + segment(0xFE, b"x")) * 200
    yield "jpeg: 200 scans, comments and fill bytes between", grey[:-2] + between + b"\xff\xd9"
    exif = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0")
    yield "jpeg: 5000 EXIF segments", after_start(plain, exif * 5000)
    yield (
        "jpeg: 200 EXIF segments of 6 KB",
        after_start(plain, segment(0xE1, b"Exif\0\0" + bytes(6000)) * 200),
    )
    yield "jpeg: 5000 empty segments", after_start(plain, b"\xff\xeb\x00\x02" * 5000)
    yield "jpeg: 5000 segments of impossible length", after_start(plain, b"\xff\xe1\x00\x00" * 5000)
    yield "jpeg: 5000 comments", after_start(plain, segment(0xFE, b"x" * 20) * 5000)
    yield "jpeg: 5000 profile segments", after_start(plain, segment(0xE2, b"ICC_PROFILE\0\1\1") * 5000)
    yield "jpeg: 5000 segments behind its scan", plain[:-2] + segment(0xE1, b"x") * 5000 + b"\xff\xd9"
    yield "jpeg: 5000 starts of image", after_start(plain, b"\xff\xd8" * 5000)
    frame = plain.index(b"\xff\xc0")
    yield "jpeg: 300 frame headers", after_start(plain, plain[frame : frame + 19] * 300)
    yield "jpeg: a frame header of 65 KB, twice", after_start(plain, segment(0xC0, bytes(65_000)) * 2)
    tables = segment(0xDB, (b"\0" + bytes(range(1, 65))) * 900)
    yield "jpeg: 900 tables a segment", after_start(plain, tables * 2)
    blocks = segment(0xED, b"Photoshop 3.0\0" + (b"8BIM\4\4" + bytes(6)) * 5000)
    yield "jpeg: 5000 Photoshop blocks", after_start(plain, blocks)
    for name, filling in {"zeros": b"\0", "fill bytes": b"\xff", "stuffed bytes": b"\xff\0"}.items():
        yield f"jpeg: 100 KB of {name}", plain[:20] + filling * (100_000 // len(filling)) + plain[20:]


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def pngs() -> Iterator[tuple[str, bytes]]:
    """PNGs of too many chunks, texts and profiles."""
    data = encoded("PNG")
    pixels = data.index(b"IDAT") - 4
    swollen = zlib.compress(bytes(1 << 20), 9)
    for name, many in {
        "10,000 empty chunks": chunk(b"abCd") * 10_000,
        "2000 texts": chunk(b"tEXt", b"k\0v") * 2000,
        "2000 compressed texts": chunk(b"zTXt", b"k\0\0" + swollen) * 2000,
        "2000 international texts": chunk(b"iTXt", b"k\0\1\0\0\0" + swollen) * 2000,
        "20 colour profiles": chunk(b"iCCP", b"k\0\0" + swollen) * 20,
        "10,000 frames before its pixels": chunk(b"fcTL", bytes(26)) * 10_000,
        "10,000 empty blocks of pixels": chunk(b"IDAT") * 10_000,
    }.items():
        yield f"png: {name}", data[:pixels] + many + data[pixels:]
    end = data.index(b"IEND") - 4
    yield "png: 10,000 chunks behind its pixels", data[:end] + chunk(b"abCd") * 10_000 + data[end:]
    yield "png: 20,000 blocks of one byte", data[:pixels] + chunk(b"IDAT", b"\x78") * 20_000 + data[end:]


def tiff(order: str, *directories: list[tuple[int, int, int, int]], big: bool = False) -> bytes:
    """A TIFF of directories one after another: (tag, type, count, value) each. `order` is < or >."""
    inline = "Q" if big else "I"
    data = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", 43 if big else 42)
    data += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    for index, entries in enumerate(directories):
        data += struct.pack(order + ("Q" if big else "H"), len(entries))
        for tag, kind, count, value in entries:
            data += struct.pack(order + "HH" + inline, tag, kind, count)
            number = struct.pack(order + {3: "H", 4: "I", 16: "Q"}[kind], value) if count == 1 else b""
            data += number.ljust(8 if big else 4, b"\0") if number else struct.pack(order + inline, value)
        last = index == len(directories) - 1
        size = struct.calcsize("=" + inline)
        data += struct.pack(order + inline, 0 if last else len(data) + size)
    return data


def grey(width: int, height: int, **strips: int) -> list[tuple[int, int, int, int]]:
    """The tags of an 8-bit grey picture."""
    shape = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    rows, count = strips.get("rows", height), strips.get("count", 1)
    return [*shape, (273, 4, count, 8), (277, 3, 1, 1), (278, 4, 1, rows), (279, 4, count, 8)]


def tiffs() -> Iterator[tuple[str, bytes]]:
    """TIFFs of too many directories, tags, strips and values, in both byte orders, classic and big."""
    for order, big in (("<", False), (">", False), ("<", True), (">", True)):
        kind = f"{'big' if big else 'classic'} {'little' if order == '<' else 'big'}-endian"
        page = grey(4, 4)
        yield f"tiff, {kind}: 5000 pages", tiff(order, *[page] * 5000, big=big)
        yield (
            f"tiff, {kind}: 200,000 strips listed",
            tiff(order, grey(2, 200_000, rows=1, count=200_000), big=big),
        )
        yield (
            f"tiff, {kind}: 4,000,000 strips by its measures",
            tiff(order, grey(5, 4_000_000, rows=1), big=big),
        )
        tiles = [*grey(40_000, 1200)[:5], (322, 3, 1, 16), (323, 3, 1, 16), (324, 4, 1, 8), (325, 4, 1, 8)]
        yield f"tiff, {kind}: tiles of 16 pixels", tiff(order, tiles, big=big)
        yield f"tiff, {kind}: 5000 tags", tiff(order, [(1000 + n, 4, 1, 0) for n in range(5000)], big=big)
        overlapping = tiff(order, [(1000 + n, 4, 4000, 8) for n in range(50)], big=big)
        yield f"tiff, {kind}: values on one another", overlapping + bytes(16_000)
        yield f"tiff, {kind}: pictures within pictures, 5000 deep", _nested(order, big)
        lists = tiff(order, [(330, 4, 4000, 8)] * 100, big=big)
        yield f"tiff, {kind}: 100 lists of 4000 pictures", lists + bytes(range(1, 256)) * 4000
        yield f"tiff, {kind}: 400 directories on one another", _overlaid(order, big)


def _nested(order: str, big: bool) -> bytes:
    """Each directory holds one more, in tag 330."""
    size, kind = (36, 16) if big else (18, 4)
    start = 16 if big else 8
    head = tiff(order, big=big)
    return head + b"".join(
        tiff(order, [(330, kind, 1, start + size * (index + 1))], big=big)[start:] for index in range(5000)
    )


def _overlaid(order: str, big: bool, directories: int = 400, tags: int = 4000) -> bytes:
    """Each directory begins an entry later than the one before and goes on through those behind it."""
    unit = struct.pack(order + ("HHHIH" if not big else "QHHQ"), *(tags, 1000, 1, 1, *([] if big else [0])))
    start = len(tiff(order, [(330, 4, directories, 0)], big=big))
    first = start + 4 * directories
    offsets = [first + index * len(unit) for index in range(directories)]
    head = tiff(order, [(330, 4, directories, start)], big=big)
    return head + struct.pack(f"{order}{directories}I", *offsets) + unit * (directories + tags)


def others() -> Iterator[tuple[str, bytes]]:
    """GIF, WebP and AVIF."""
    gif = encoded("GIF")
    start = 13 + (3 << (gif[10] & 7) + 1)
    for name, blocks in {
        "60,000 comments": b"!\xfe\x01x\0" * 60_000,
        "a comment of 100,000 blocks": b"!\xfe" + b"\x01x" * 100_000 + b"\0",
        "100,000 extensions": b"!\xff\0" * 100_000,
        "100,000 zeros": bytes(100_000),
        "20,000 frames": gif[start:-1] * 20_000,
        "20,000 frames of nothing": (b"," + bytes(9) + b"\2\0") * 20_000,
    }.items():
        yield f"gif: {name}", gif[:start] + blocks + gif[start:]
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\2" + bytes(9) + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    for name, chunks in {
        "20,000 frames": (b"ANMF" + struct.pack("<I", 24) + bytes(24)) * 20_000,
        "20,000 unknown chunks": b"abcd\0\0\0\0" * 20_000,
    }.items():
        content = b"WEBP" + canvas + chunks
        yield f"webp: {name}", b"RIFF" + struct.pack("<I", len(content)) + content
    yield "avif: 20,000 boxes", b"\0\0\0\x10ftypavif\0\0\0\0" + b"\0\0\0\x08free" * 20_000


def hostile() -> list[tuple[str, bytes]]:
    """All of them by name."""
    return [*jpegs(), *pngs(), *tiffs(), *others()]


def slow_bmp(pixels: int = 8_000_000) -> bytes:
    """A run-length coded BMP whose every run is one pixel: of no forbidden structure, and slow to decode."""
    width, height = 2000, pixels // 2000
    runs = b"\1\7" * (width * height) + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + len(header) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + bytes(1024) + runs


def jpeg_scans(size: tuple[int, int], count: int) -> bytes:
    """A progressive JPEG of so many further scans, each of which changes nothing and touches all of it."""
    data = encoded("JPEG", size, "L", progressive=True)
    return data[:-2] + scan_of(data) * count + b"\xff\xd9"
