"""Files that are broken, too large, or no images at all."""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from benchmarks.hostile_files import after_start, hostile, segment
from tests.segmentation_api.corpus import Case, case, request

SIZE = (48, 40)
BROKEN, TOO_LARGE, UNSUPPORTED = 422, 413, 415

ENCODINGS: dict[str, tuple[str, dict[str, object]]] = {
    "jpeg": ("JPEG", {"quality": 90}),
    "progressive-jpeg": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": 80}),
    "lossless-webp": ("WEBP", {"lossless": True}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
    "lzw-tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "gif": ("GIF", {}),
    "avif": ("AVIF", {}),
}
FRACTIONS = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)


def photo(seed: int = 0) -> Image.Image:
    """Noise: no encoder can leave any of it out, so that a cut always costs pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    return Image.fromarray(pixels)


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    """An image as a file of this kind, a name of ENCODINGS."""
    target = io.BytesIO()
    name, defaults = ENCODINGS[kind]
    (image or photo()).save(target, name, **{**defaults, **options})
    return target.getvalue()


def chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    """A PNG chunk."""
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG with this header and these chunks, fitting or not."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def tiff(entries: list[tuple[int, int, int, int]], *, next_ifd: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory at offset 8: (tag, type, count, value) each."""
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + struct.pack("<I", next_ifd) + tail


def flat_tiff(width: int, height: int, *, offset: int = 200, count: int = 4, next_ifd: int = 0) -> bytes:
    """An 8-bit grey TIFF of one strip."""
    shape = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    strip = [(273, 4, 1, offset), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, count)]
    return tiff(shape + strip, next_ifd=next_ifd, tail=bytes(300))


def families() -> dict[str, list[Case]]:
    """By what is wrong."""
    return {
        "truncated": list(truncated()),
        "flipped": list(flipped()),
        "damaged": list(damaged()),
        "bombs": list(bombs()),
        "no images": list(no_images()),
        "zero size": list(zero_size()),
        "too complex": [case(name, BROKEN, request(data)) for name, data in hostile()],
        "costly": list(costly()),
    }


def truncated() -> Iterator[Case]:
    """Every format cut in its signature, its header, its pixels, and just before its end."""
    for kind in ENCODINGS:
        data = encoded(kind)
        for size in (1, 3, 7, 11):
            yield case(f"{kind}: first {size} bytes", (UNSUPPORTED, BROKEN), request(data[:size]))
        for size in (16, 25):
            yield case(f"{kind}: first {size} bytes", BROKEN, request(data[:size]))
        for share in FRACTIONS:
            yield case(f"{kind}: {share:.0%}", BROKEN, request(data[: int(len(data) * share)]))
        # Every pixel may still be there: whether this is an image is the decoder's to say.
        yield case(f"{kind}: all but a byte", (200, BROKEN), request(data[:-1]))


def flipped() -> Iterator[Case]:
    """Bytes overwritten at seeded places: any verdict on an image will do."""
    for number, kind in enumerate(ENCODINGS):
        rng = np.random.default_rng(number)
        for turn in range(6):
            data = np.frombuffer(encoded(kind), np.uint8).copy()
            places = rng.integers(0, 200 if turn < 3 else len(data), 3)
            data[places] = rng.integers(0, 256, 3)
            verdicts = (200, TOO_LARGE, UNSUPPORTED, BROKEN)
            yield case(f"{kind}: flipped {turn}", verdicts, request(data.tobytes()))


def damaged() -> Iterator[Case]:
    """Files whose parts contradict each other."""
    rows = zlib.compress(bytes(4 * 13))
    whole = chunk(b"IDAT", rows)
    pngs: dict[str, tuple[bytes, Iterable[int] | int]] = {
        "checksum wrong": (png(4, 4, chunk(b"IDAT", rows, crc=1)), (200, BROKEN)),
        "no pixels": (png(4, 4), BROKEN),
        "pixels are no zlib": (png(4, 4, chunk(b"IDAT", b"nonsense")), BROKEN),
        "too few pixels": (png(40, 40, whole), BROKEN),
        "too many pixels": (png(4, 2, whole), (200, BROKEN)),
        "palette missing": (png(4, 4, chunk(b"IDAT", zlib.compress(bytes(20))), colour=3), (200, BROKEN)),
        "depth of 3 bits": (png(4, 4, whole, depth=3), (UNSUPPORTED, BROKEN)),
        "colour type 9": (png(4, 4, whole, colour=9), (UNSUPPORTED, BROKEN)),
        "two headers": (png(4, 4, chunk(b"IHDR", bytes(13)), whole), (200, BROKEN)),
        "chunk longer than the file": (png(4, 4, struct.pack(">I", 1 << 30) + b"IDAT"), BROKEN),
        "chunk of negative length": (png(4, 4, b"\xff\xff\xff\xffIDAT"), BROKEN),
        "header too short": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(4)), (UNSUPPORTED, BROKEN)),
    }
    for name, (data, statuses) in pngs.items():
        yield case(f"png: {name}", statuses, request(data))
    yield from damaged_jpegs()
    yield from damaged_tiffs()
    yield from damaged_others()


def damaged_jpegs() -> Iterator[Case]:
    """Segments that are missing, out of place, or lie about their length."""
    data = encoded("jpeg")
    frame, scan, tables = data.index(b"\xff\xc0"), data.index(b"\xff\xda"), data.index(b"\xff\xc4")
    broken = {
        "no frame": data[:frame] + data[tables:],
        "no Huffman tables": data[:tables] + data[scan:],
        "no scan": data[:scan] + b"\xff\xd9",
        "only markers": b"\xff\xd8\xff\xd9",
        "segment of length 0": data[:2] + b"\xff\xe0\0\0" + data[2:],
        "segment beyond the end": data[:2] + b"\xff\xe1\xff\xff" + data[2:200],
        "0 components": data[: frame + 9] + b"\0" + data[frame + 10 :],
        "255 components": data[: frame + 9] + b"\xff" + data[frame + 10 :],
        "12 bits": data[: frame + 4] + b"\x0c" + data[frame + 5 :],
        "arithmetic coding": data.replace(b"\xff\xc0", b"\xff\xc9", 1),
        "lossless": data.replace(b"\xff\xc0", b"\xff\xc3", 1),
        "sampling 15 x 15": data[: frame + 11] + b"\xff" + data[frame + 12 :],
    }
    for name, bad in broken.items():
        yield case(f"jpeg: {name}", (200, UNSUPPORTED, BROKEN), request(bad))


def damaged_tiffs() -> Iterator[Case]:
    """Directories that loop, point nowhere, or count to four thousand million."""
    loop = flat_tiff(2, 2, next_ifd=8)
    broken = {
        "directory at the end": b"II*\0" + struct.pack("<I", 1 << 31),
        "directory of no entries": tiff([]),
        "directory in a loop": loop,
        "strip beyond the file": flat_tiff(20, 20, offset=1 << 30, count=400),
        "strip longer than the file": flat_tiff(200, 200, count=1 << 31),
        "unknown compression": tiff([(256, 4, 1, 4), (257, 4, 1, 4), (259, 3, 1, 99)]),
        "4 thousand million values": tiff([(256, 4, 0xFFFFFFFF, 8), (257, 4, 1, 4)]),
        "unknown field type": tiff([(256, 99, 1, 4), (257, 99, 1, 4)]),
        "BigTIFF": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 1 << 40, 0),
        "big-endian": b"MM\0*\0\0\0\x08\xff\xff",
    }
    for name, bad in broken.items():
        statuses = (200,) if bad is loop else (UNSUPPORTED, BROKEN)
        yield case(f"tiff: {name}", statuses, request(bad, "image/tiff"))


def damaged_others() -> Iterator[Case]:
    """WebP, GIF and BMP."""
    webp, gif, bmp = encoded("webp"), encoded("gif"), encoded("bmp")
    broken = {
        "webp: RIFF length 0": webp[:4] + bytes(4) + webp[8:],
        "webp: RIFF length of 4 GB": webp[:4] + b"\xff" * 4 + webp[8:],
        "webp: unknown chunk": webp[:12] + b"XXXX" + webp[16:],
        "webp: animation without frames": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x02"
        + bytes(9)
        + b"ANIM"
        + bytes(8),
        "gif: frame outside the screen": gif[:6] + b"\x01\0\x01\0" + gif[10:],
        "gif: no frame": gif[:13] + b";",
        "gif: code size of 255": gif.replace(b"\x08\xff", b"\xff\xff", 1),
        "bmp: 0 bits": bmp[:28] + b"\0\0" + bmp[30:],
        "bmp: 99 bits": bmp[:28] + b"\x63\0" + bmp[30:],
        "bmp: unknown compression": bmp[:30] + b"\x63" + bmp[31:],
        "bmp: header of 4 GB": bmp[:14] + b"\xff" * 4 + bmp[18:],
        "bmp: pixels before the header": bmp[:10] + bytes(4) + bmp[14:],
        "bmp: pixels beyond the file": bmp[:10] + b"\xff\xff\xff\x7f" + bmp[14:],
    }
    for name, bad in broken.items():
        yield case(name, (200, TOO_LARGE, UNSUPPORTED, BROKEN), request(bad))


def bombs() -> Iterator[Case]:
    """More pixels than 50 MP by the header, in every format; and small files whose text or profile swells."""
    jpeg = encoded("jpeg")
    frame = jpeg.index(b"\xff\xc0")
    bmp = encoded("bmp")
    vp8 = encoded("webp")
    start = vp8.index(b"\x9d\x01\x2a") + 3
    lossless = b"\x2f" + struct.pack("<I", 16382 | 16382 << 14)
    vp8l = b"WEBPVP8L" + struct.pack("<I", 6) + lossless + b"\0"
    canvas = b"WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\x3f\0\xff\x3f\0"
    files = {
        "png": png(20_000, 20_000, chunk(b"IDAT", zlib.compress(bytes(1000)))),
        "png of 2 ** 31 - 1 pixels a side": png(0x7FFFFFFF, 0x7FFFFFFF, chunk(b"IDAT", b"")),
        "png of one long row": png(50_000_001, 1, chunk(b"IDAT", zlib.compress(bytes(1000)))),
        "png, all of it, in 60 KB": png(
            7200, 7200, chunk(b"IDAT", zlib.compress(bytes(7200 * 901))), depth=1, colour=0
        ),
        "16-bit png": png(9000, 9000, chunk(b"IDAT", b""), depth=16, colour=6),
        "jpeg": jpeg[: frame + 5] + b"\xff\xdc\xff\xdc" + jpeg[frame + 9 :],
        "gif": b"GIF89a\xff\xff\xff\xff\0\0\0," + bytes(4) + b"\xff\xff\xff\xff\0\x02\0;",
        "bmp": bmp[:18] + struct.pack("<ii", 30_000, 30_000) + bmp[26:],
        "bmp upside down": bmp[:18] + struct.pack("<ii", 30_000, -30_000) + bmp[26:],
        "tiff": flat_tiff(60_000, 60_000),
        "tiff of 4 thousand million rows": flat_tiff(1, 0xFFFFFFFF),
        "webp": vp8[:start] + b"\xff\x3f\xff\x3f" + vp8[start + 4 :],
        "lossless webp": b"RIFF" + struct.pack("<I", len(vp8l)) + vp8l,
        "webp canvas": b"RIFF" + struct.pack("<I", len(canvas)) + canvas,
    }
    for name, data in files.items():
        # A decoder may find the file broken before it tells the size; none may start on the pixels.
        allowed = (TOO_LARGE,) if name in ("png", "jpeg", "bmp", "tiff") else (TOO_LARGE, UNSUPPORTED, BROKEN)
        yield case(f"bomb: {name}", allowed, request(data))
    for width, height in ((49_000_000, 1), (1, 49_000_000), (24_000_000, 2), (490, 100_000)):
        for name, data in {
            "png": png(width, height, chunk(b"IDAT", zlib.compress(bytes(1000)))),
            "bmp": bmp[:18] + struct.pack("<ii", width, height) + bmp[26:],
            "tiff": flat_tiff(width, height),
        }.items():
            yield case(f"bomb: {name} of {width} x {height}", TOO_LARGE, request(data))
    swollen = zlib.compress(bytes(80 << 20), 9)
    rows = chunk(b"IDAT", zlib.compress(bytes(4 * 13)))
    for kind, head in ((b"zTXt", b"k\0\0"), (b"iTXt", b"k\0\x01\0\0\0"), (b"iCCP", b"k\0\0")):
        data = png(4, 4, chunk(kind, head + swollen), rows)
        yield case(f"bomb: 80 MB of {kind.decode()}", (200, BROKEN), request(data))


def no_images() -> Iterator[Case]:
    """What is no image, or none of the formats that are read, whatever it is called."""
    others = {
        "text": b"hello, this is text",
        "html": b"<!doctype html><script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
        "xml entity": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "zip": b"PK\x03\x04" + bytes(60),
        "gzip": b"\x1f\x8b\x08" + bytes(60),
        "program": b"\x7fELF\x02\x01\x01" + bytes(60),
        "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
        "mp4": b"\0\0\0\x18ftypisom" + bytes(40),
        "jpeg xl": b"\xff\x0a" + bytes(40),
        "psd": b"8BPS\0\x01" + bytes(40),
        "imagemagick script": b"push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 '|id'\n",
        "pickle": b"\x80\x04\x95\x0f\0\0\0\0\0\0\0\x8c\x02os\x94.",
        "zeros": bytes(1000),
        "noise": np.random.default_rng(3).bytes(1000),
    }
    for kind, suffix in {
        "PPM": "ppm",
        "TGA": "tga",
        "ICO": "ico",
        "JPEG2000": "jp2",
        "PCX": "pcx",
        "DDS": "dds",
    }.items():
        target = io.BytesIO()
        photo().save(target, kind)
        others[suffix] = target.getvalue()
    heic = b"\0\0\0\x18ftypheic" + bytes(40)  # by whether its package is installed
    yield case("heic", (UNSUPPORTED, BROKEN), request(heic, "image/heic"))
    for name, data in others.items():
        yield case(f"{name} called image/jpeg", UNSUPPORTED, request(data, "image/jpeg"))
        yield case(f"{name} called nothing", UNSUPPORTED, request(data, None))


def zero_size() -> Iterator[Case]:
    """No bytes, or no pixels."""
    gif, bmp, jpeg = encoded("gif"), encoded("bmp"), encoded("jpeg")
    frame = jpeg.index(b"\xff\xc0")
    yield case("no bytes", 400, request(b""))
    files = {
        "png": png(0, 0, chunk(b"IDAT", zlib.compress(b""))),
        "png of no height": png(5, 0, chunk(b"IDAT", zlib.compress(b""))),
        "jpeg": jpeg[: frame + 5] + bytes(4) + jpeg[frame + 9 :],
        "gif": gif[:6] + bytes(4) + gif[10:],
        "bmp": bmp[:18] + bytes(8) + bmp[26:],
        "tiff": flat_tiff(0, 0),
        "webp": b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0",
    }
    for name, data in files.items():
        yield case(f"no pixels: {name}", (200,) if name == "gif" else (UNSUPPORTED, BROKEN), request(data))


def costly() -> Iterator[Case]:
    """Files just within the limits, decoded in a process of their own: read, or stopped."""
    jpeg, png_file = encoded("jpeg"), encoded("png")
    pixels = png_file.index(b"IDAT") - 4
    exif = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(60_000))
    profile = segment(0xE2, b"ICC_PROFILE\0\x01\x01" + bytes(60_000))
    swollen = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 20), 9))
    files = {
        "jpeg: 100 segments of EXIF": after_start(jpeg, exif * 100),
        "jpeg: 200 segments of a profile": after_start(jpeg, profile * 200),
        "jpeg: 4000 comments": after_start(jpeg, segment(0xFE, b"x") * 4000),
        "jpeg: 60 KB of zeros between segments": jpeg[:20] + bytes(60_000) + jpeg[20:],
        "jpeg: 90 scans": jpeg[:-2] + jpeg[jpeg.index(b"\xff\xda") : -2] * 89 + jpeg[-2:],
        "png: 900 compressed texts": png_file[:pixels] + swollen * 900 + png_file[pixels:],
        "png: 4000 empty blocks": png_file[:pixels] + chunk(b"IDAT", b"") * 4000 + png_file[pixels:],
        "png: a profile that swells": encoded("png", icc_profile=bytes(900_000)),
        "tiff: 65,000 strips that overlap": flat_tiff(500, 65_000, offset=8, count=500),
        "gif: 30,000 comments": encoded("gif")[:781] + b"!\xfe\x01x\0" * 30_000 + encoded("gif")[781:],
    }
    for name, data in files.items():
        yield case(f"costly: {name}", (200, TOO_LARGE, UNSUPPORTED, BROKEN), request(data))
