"""Images that cost far more than their bytes: structures without end, and pixels that are slow to decode."""

import io
import itertools
import zlib
from collections.abc import Callable, Sequence

from PIL import Image

from benchmarks.attacks import Target, attack
from benchmarks.attacks.bytes_in_flight import head
from benchmarks.hostile_files import (
    after_start,
    chunk,
    encoded,
    grey,
    hostile,
    jpeg_scans,
    segment,
    slow_bmp,
    tiff,
)

CLIENTS = 8
SIDE = 7000
"""Of a photo just below MAX_IMAGE_PIXELS."""


def send_all(target: Target, files: Sequence[bytes], clients: int = CLIENTS) -> None:
    """So many clients send the files again and again, each beginning with another, and wait for their answers."""
    turns = [itertools.islice(itertools.cycle(files), first, None) for first in range(clients)]

    def work(number: int) -> None:
        body = next(turns[number])
        with target.connect(timeout=60) as connection:
            connection.sendall(head("image/jpeg", len(body)) + body)
            while connection.recv(65536) and not target.over():
                pass

    target.at_once(clients, work)


def large(form: str, mode: str = "RGB", **options: object) -> bytes:
    """A file of 49 megapixels of one colour, some of it noise."""
    image = Image.new(mode, (SIDE, SIDE), 90 if mode in ("L", "P") else (90, 70, 50, 128)[: len(mode)])
    noise = Image.effect_noise((1200, 1200), 80).convert(mode)
    image.paste(noise, (3000, 3000))
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


@attack("jpeg-scans")
def scans(target: Target) -> None:
    """Eight clients send 3 MB progressive JPEGs of 37,000 scans, and of 99, which are not refused."""
    send_all(target, [jpeg_scans((7064, 7064), 37_000), jpeg_scans((7064, 7064), 89)])


@attack("jpeg-segments")
def segments(target: Target) -> None:
    """Eight clients send 5 MB of EXIF, profile, comment and Photoshop segments, and as many as are not refused."""
    plain = encoded("JPEG", (512, 512))
    exif = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0")
    blocks = b"8BIM\4\4" + bytes(6)
    files = [
        after_start(plain, exif * 250_000),
        after_start(plain, segment(0xE1, b"Exif\0\0" + bytes(52_000)) * 99),
        after_start(plain, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(256)) * 200) * 99),
        after_start(plain, segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000)) * 80),
        after_start(plain, segment(0xED, b"Photoshop 3.0\0" + blocks * 5000) * 80),
        after_start(plain, segment(0xFE, b"x" * 1200) * 4000),
    ]
    send_all(target, files)


@attack("structures")
def structures(target: Target) -> None:
    """Eight clients send every file of the corpus whose structure is refused."""
    send_all(target, [data for _, data in hostile()])


@attack("tiff-strips")
def strips(target: Target) -> None:
    """Eight clients send TIFFs of 4,000,000 strips of one row, in both byte orders, and of 65,000."""
    files = [tiff(order, grey(6, 4_000_000, rows=1, count=2_000_000)) + bytes(8 << 20) for order in "<>"]
    files.append(tiff("<", grey(500, 65_000, rows=1, count=65_000)) + bytes(1 << 20))
    send_all(target, files)


@attack("slow-decoders")
def slow_decoders(target: Target) -> None:
    """Eight clients each make a file of 49 megapixels that is slow to decode, and send it again and again."""
    makers: list[Callable[[], bytes]] = [
        lambda: slow_bmp(48_000_000)[: 15 << 20],
        lambda: slow_bmp(7_000_000),
        lambda: large("WEBP", lossless=True, method=0, quality=0),
        lambda: large("TIFF", "RGBA", compression="tiff_lzw"),
        lambda: large("PNG", "RGBA", compress_level=1),
        lambda: large("GIF", "P"),
        lambda: large("JPEG", progressive=True),
        lambda: jpeg_scans((7064, 7064), 89),
    ]
    target.at_once(len(makers), lambda number: send_all(target, [makers[number]()], 1))


@attack("png-texts")
def texts(target: Target) -> None:
    """Eight clients send PNGs whose texts and profiles swell to a gigabyte, and as many as are not refused."""
    data = encoded("PNG", (512, 512))
    pixels = data.index(b"IDAT") - 4
    swollen = zlib.compress(bytes(1 << 20), 9)
    kinds = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}
    bombs = [
        chunk(kind, start + swollen) * count for kind, start in kinds.items() for count in (9, 900, 4000)
    ]
    send_all(target, [data[:pixels] + bomb + data[pixels:] for bomb in bombs])


@attack("animations")
def animations(target: Target) -> None:
    """Eight clients send GIF, WebP and PNG animations of as many frames as are not refused, and of a million."""
    gif = encoded("GIF")
    start = 13 + (3 << (gif[10] & 7) + 1)
    frames = [Image.new("RGB", (64, 64), (n % 256, n // 8, 0)) for n in range(2000)]
    files = [gif[:start] + gif[start:-1] * count + b";" for count in (9_000, 400_000)]
    for form in ("WEBP", "PNG", "GIF"):
        out = io.BytesIO()
        frames[0].save(out, form, save_all=True, append_images=frames[1:])
        files.append(out.getvalue())
    send_all(target, files)
