"""Files that are damaged or odd: said so, or read all the same."""

import io
import struct
import zlib
from typing import Any
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from ml_core import images
from ml_core import png as png_files
from ml_core.image_errors import BrokenImage, ImageError, UnsupportedImage
from ml_core.images import decode, from_pil, read
from tests.ml_core.test_color import chunk, png

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
PICTURE = Image.fromarray(np.kron(NOISE, np.ones((4, 4, 1), np.uint8)))
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "baseline": ("RGB", {}),
    "progressive": ("RGB", {"progressive": True}),
    "with restarts": ("RGB", {"restart_marker_rows": 1}),
    "full colour": ("RGB", {"subsampling": 0, "quality": 95}),
    "grey": ("L", {}),
    "CMYK": ("CMYK", {}),
}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def jpeg(kind: str, **options: Any) -> bytes:
    mode, defaults = KINDS[kind]
    target = io.BytesIO()
    PICTURE.convert(mode).save(target, "JPEG", **defaults, **options)
    return target.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_jpeg_is_not_called_damaged(kind: str) -> None:
    data = jpeg(kind)
    assert not read(data).damaged
    assert not read(data + b"more bytes").damaged
    assert not read(jpeg(kind, exif=b"Exif\0\0" + bytes(100))).damaged


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [bytes(4096), b"\xff" * 4096, b""])
def test_a_hole_is_found(kind: str, content: bytes) -> None:
    data = jpeg(kind)
    middle = len(data) // 2
    try:
        found = read(data[:middle] + content + data[middle + 4096 :])
    except BrokenImage:
        return
    assert found.damaged
    assert found.pixels.shape == (240, 320, 3)
    kept = 60 if kind != "progressive" else 0  # which has the rows of all scans above the hole
    assert (found.pixels[:kept] == decode(data)[:kept]).all()


@pytest.mark.parametrize("kind", ["baseline", "with restarts", "full colour", "grey", "CMYK"])
def test_a_few_zeros_within_are_found(kind: str) -> None:
    data = jpeg(kind)
    for middle in range(len(data) // 3, len(data) - 200, len(data) // 40):
        for size in (17, 40, 64):
            assert read(data[:middle] + bytes(size) + data[middle + size :]).damaged


def landscape(seed: int) -> Image.Image:
    """Soft shapes and a little noise."""
    random = np.random.default_rng(seed)
    shapes = cv2.resize(random.normal(size=(9, 12, 3)), (560, 400), interpolation=cv2.INTER_CUBIC)
    levels = 128 + 40 * shapes + 4 * random.normal(size=(400, 560, 1))
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_follows_a_few_wrong_bytes_is_seen_by_its_colours(mode: str) -> None:
    """libjpeg itself warns of six in ten in colour, nine in ten in grey."""
    seen, random = 0, np.random.default_rng(1)
    for seed in range(5):
        target = io.BytesIO()
        landscape(seed).convert(mode).save(target, "JPEG")
        data = target.getvalue()
        assert not read(data).damaged
        for at in random.integers(data.rindex(b"\xff\xda") + 20, len(data) - 30, 40):
            try:
                seen += read(data[:at] + random.bytes(16) + data[at + 16 :]).damaged
            except ImageError:
                seen += 1
    assert seen >= 180  # of 200


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_edges_of_a_picture_are_no_damage(subsampling: int, flat: bool) -> None:
    base = np.asarray(landscape(0)).astype(int)
    rows, columns = np.mgrid[:400, :560]
    for edges in (
        rows >= 160,  # at the border of two rows of blocks, as the next ones
        (rows < 48) | (rows >= 352),
        rows // 16 % 2 == 1,
        (rows // 16 + columns // 16) % 2 == 1,
        (rows >= 160) & (columns >= 280),
        rows > 160 + columns // 35,  # a horizon that is not level
        columns >= 280,
        (rows >= 176) | ((rows >= 160) & (columns >= 272)),
    )[: None if flat else -1]:  # the last one looks like damage where it is a photo's
        picture = (
            np.where(edges[..., None], 200, 40) if flat else np.where(edges[..., None], 60, 0) + base // 2
        )
        shown = np.broadcast_to(picture, (400, 560, 3)).astype(np.uint8)
        target = io.BytesIO()
        Image.fromarray(shown).save(target, "JPEG", subsampling=subsampling)
        assert not read(target.getvalue()).damaged


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_zeros_of_a_flat_picture_are_no_hole(mode: str) -> None:
    for options in ({}, {"optimize": True}, {"optimize": True, "quality": 1}, {"restart_marker_rows": 1}):
        for picture in (Image.new("RGB", (640, 640), "red"), ImageOps.expand(PICTURE, 400)):
            target = io.BytesIO()
            picture.convert(mode).save(target, "JPEG", **options)
            assert not read(target.getvalue()).damaged


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_an_end_put_on_what_is_cut_is_found(kind: str, share: float) -> None:
    data = jpeg(kind)
    assert read(data[: int(share * len(data))] + b"\xff\xd9").damaged
    assert read(data[: int(share * len(data))] + b"\xff\xd9" + b"more bytes").damaged
    with pytest.raises(BrokenImage):
        read(data[: int(share * len(data))])


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("quality", [1, 50, 100])
def test_a_whole_progressive_jpeg_has_all_of_its_scans(mode: str, quality: int) -> None:
    for picture in (PICTURE, Image.new("RGB", (9, 9), "red")):
        target = io.BytesIO()
        picture.convert(mode).save(target, "JPEG", progressive=True, quality=quality)
        assert not read(target.getvalue()).damaged


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_end_put_between_the_scans_of_a_progressive_jpeg_is_found(mode: str) -> None:
    target = io.BytesIO()
    PICTURE.convert(mode).save(target, "JPEG", progressive=True)
    data = target.getvalue()
    heads = [at for at in range(len(data)) if data[at : at + 2] in (b"\xff\xc4", b"\xff\xda")]
    assert not read(data).damaged
    starts = [at for at in heads if at > data.index(b"\xff\xda")]
    assert len(starts) > 5
    for at in starts:
        assert read(data[:at] + b"\xff\xd9").damaged


def test_zeros_before_the_end_and_rubbish_before_the_tables_are_no_damage() -> None:
    data = jpeg("baseline")
    for odd in (data[:-2] + bytes(9) + data[-2:], data[:2] + b"\xff\xe1\0\2rubbish" + data[2:]):
        found = read(odd)
        assert not found.damaged
        assert (found.pixels == decode(data)).all()
    assert read(data[:-2] + b"surplus" + data[-2:]).damaged


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("kind", [b"tEXt", b"pHYs", b"eXIf", b"gAMA", b"iCCP", b"zTXt"])
def test_a_wrong_checksum_beside_the_picture_of_a_png(kind: bytes, where: str) -> None:
    odd = bytearray(chunk(kind, b"Comment\0\0" + struct.pack(">I", 100_000)))
    odd[-1] ^= 1
    data = png(NOISE, bytes(odd))
    if where == "after":
        data = data.replace(bytes(odd), b"")
        data = data[:-12] + bytes(odd) + data[-12:]
    assert (decode(data) == NOISE).all()


INFO = "bbox", "chromaticity", "gamma", "interlace", "transparency"
"""Names under which Pillow puts both what a chunk says and a text so called."""
MALFORMED = {
    **{
        f"cHRM of {count} numbers": chunk(b"cHRM", bytes([0, 0, 99, 99]) * count) for count in (0, 1, 2, 7, 9)
    },
    **{
        f"gAMA of {size} bytes": chunk(b"gAMA", bytes([0, 1, 0x86, 0xA0] * 2)[:size]) for size in (0, 1, 3, 8)
    },
    **{f"tRNS of {size} bytes": chunk(b"tRNS", NOISE.tobytes()[:size]) for size in (0, 1, 5, 7)},
    "sRGB": chunk(b"sRGB", b""),
    "pHYs": chunk(b"pHYs", bytes(8)),
    "eXIf": chunk(b"eXIf", b"rubbish"),
    "iCCP without an end": chunk(b"iCCP", b"profile"),
    "iCCP by another method": chunk(b"iCCP", b"profile\0\1"),
    "iCCP of megabytes": chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(5 << 20))),
    "tEXt": chunk(b"tEXt", b""),
    "zTXt": chunk(b"zTXt", b"Comment\0\1"),
    "iTXt": chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(5 << 20))),
    "EXIF in a text": chunk(b"zTXt", b"Raw profile type exif\0\1"),
    "cICP": chunk(b"cICP", bytes([9, 16, 0])),
    "mDCV": chunk(b"mDCV", b""),
    "acTL": chunk(b"acTL", bytes(4)),
    "fcTL": chunk(b"fcTL", b"\xff" * 26),
    **{f"a text called {name}": chunk(b"tEXt", name.encode() + b"\0abcd") for name in INFO},
}


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("odd", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_chunk_beside_the_picture_of_a_png(odd: bytes, where: str) -> None:
    grey = NOISE[:, :, 0]
    for pixels in (NOISE, grey, grey.astype(np.uint16) * 257):
        data = png(pixels, odd) if where == "before" else png(pixels)[:-12] + odd + png(pixels)[-12:]
        assert (decode(data) == (NOISE if pixels.ndim == 3 else np.dstack([grey] * 3))).all()


def test_orientation_alone_is_heeded_after_the_picture_of_a_png() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    late = chunk(b"tRNS", NOISE[0, 0].astype(">u2").tobytes()), chunk(b"gAMA", struct.pack(">I", 100_000))
    text = b"\nexif\n%8d\n" % len(exif.tobytes()) + exif.tobytes().hex().encode()  # as ImageMagick writes it
    data = png(NOISE)
    assert (decode(data[:-12] + b"".join(late) + data[-12:]) == NOISE).all()
    for turned in (
        chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")),
        chunk(b"tEXt", b"Raw profile type exif\0" + text),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)),
    ):
        assert (decode(data[:-12] + turned + data[-12:]) == NOISE[::-1, ::-1]).all()
        assert (decode(png(NOISE, turned)) == NOISE[::-1, ::-1]).all()


@pytest.mark.parametrize("kind", [b"IHDR", b"tRNS", b"gAMA"])
def test_a_png_of_one_chunk_is_broken(kind: bytes) -> None:
    with pytest.raises(BrokenImage):
        decode(b"\x89PNG\r\n\x1a\n" + chunk(kind, b""))


@pytest.mark.parametrize(
    ("kind", "name"), [(b"iCCP", b"profile"), (b"zTXt", b"Raw profile type exif")], ids=["profile", "text"]
)
def test_of_many_that_unpack_to_too_much_one_is_tried(
    kind: bytes, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Mock(side_effect=png_files._unpacks)
    monkeypatch.setattr(png_files, "_unpacks", tried)
    bomb = chunk(kind, name + b"\0\0" + zlib.compress(bytes(5 << 20)))
    assert (decode(png(NOISE, *[bomb] * 9)) == NOISE).all()
    assert tried.call_count == 1


def test_a_wrong_checksum_of_the_picture_itself_is_damage() -> None:
    data = bytearray(png(NOISE))
    data[data.index(b"IDAT") - 5] ^= 1  # the last one before it is that of the header
    with pytest.raises(BrokenImage):
        decode(bytes(data))


def test_a_text_that_unpacks_to_megabytes_is_left_out() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5 << 20)))
    assert (decode(png(NOISE, text)) == NOISE).all()


def test_a_transparent_colour_of_16_bits_is_white() -> None:
    grey = np.array([[0, 300, 301, 65535]], np.uint16)
    assert decode(png(grey, chunk(b"tRNS", struct.pack(">H", 300))))[0, :, 0].tolist() == [0, 255, 1, 255]
    color = np.dstack([grey, grey, grey[:, ::-1]])
    found = decode(png(color, chunk(b"tRNS", struct.pack(">HHH", 300, 300, 301))))
    assert found[0].tolist() == [[0, 0, 255], [255, 255, 255], [1, 1, 1], [255, 255, 0]]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_transparent_grey_of_few_bits_is_white(depth: int) -> None:
    greys = np.arange(2**depth, dtype=np.uint8)
    bits = np.unpackbits(greys[:, None], axis=1)[:, -depth:]
    parts = (
        chunk(b"IHDR", struct.pack(">IIBBBBB", len(greys), 1, depth, 0, 0, 0, 0)),
        chunk(b"IDAT", zlib.compress(b"\0" + np.packbits(bits).tobytes())),
        chunk(b"IEND", b""),
    )
    levels = greys.astype(int) * 255 // (len(greys) - 1)
    for value in greys.tolist():
        transparent = chunk(b"tRNS", struct.pack(">H", value))
        data = b"\x89PNG\r\n\x1a\n" + b"".join((parts[0], transparent, *parts[1:]))
        wanted = np.where(greys == value, 255, levels).tolist()
        assert decode(data)[0, :, 0].tolist() == wanted
        image = Image.open(io.BytesIO(data))
        assert [from_pil(image)[0, :, 0].tolist() for _ in range(2)] == [wanted] * 2


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("with_exif", [False, True])
def test_an_orientation_in_xmp_alone_turns_nothing(format: str, with_exif: bool) -> None:
    options: dict[str, Any] = {"xmp": XMP}
    if format == "PNG":
        options = {"pnginfo": PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    if with_exif:
        exif = Image.Exif()
        exif[0x010F] = "a maker"
        options["exif"] = exif
    if format == "TIFF":
        options = {"tiffinfo": {700: XMP}}
    target = io.BytesIO()
    PICTURE.save(target, format, **options)
    assert b"tiff:Orientation" in target.getvalue()
    assert decode(target.getvalue()).shape == (240, 320, 3)
    if format != "TIFF":  # Pillow turns it itself
        assert from_pil(Image.open(target)).shape == (240, 320, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_tiff_and_avif(orientation: int) -> None:
    shapes = set()
    for format in ("TIFF", "AVIF", "JPEG"):
        exif = Image.Exif()
        exif[0x0112] = orientation
        target = io.BytesIO()
        PICTURE.save(target, format, exif=exif)
        shapes.add(decode(target.getvalue()).shape)
    assert shapes == {(320, 240, 3) if orientation > 4 else (240, 320, 3)}


def test_avif_is_read() -> None:
    target = io.BytesIO()
    PICTURE.save(target, "AVIF", quality=90, subsampling="4:4:4")
    assert np.abs(decode(target.getvalue()).astype(int) - np.asarray(PICTURE)).mean() < 8
    layer = PICTURE.copy()
    layer.putalpha(0)
    target = io.BytesIO()
    layer.save(target, "AVIF")
    assert decode(target.getvalue()).min() > 250
    with pytest.raises(BrokenImage):
        decode(target.getvalue()[:300])


@pytest.fixture
def heic() -> bytes:
    pytest.importorskip("pillow_heif")
    target = io.BytesIO()
    PICTURE.save(target, "HEIF", quality=90, chroma=444)
    return target.getvalue()


def test_heic_is_read_where_its_package_is_installed(heic: bytes) -> None:
    found = decode(heic)
    assert np.abs(found.astype(int) - np.asarray(PICTURE)).mean() < 8


def test_heic_is_refused_with_the_remedy_where_it_is_not(
    heic: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "FORMATS", [name for name in images.FORMATS if name != "HEIF"])
    with pytest.raises(UnsupportedImage, match=r"JPEG.*requirements-heif\.txt"):
        decode(heic)
