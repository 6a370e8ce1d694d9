import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml_core import flatten
from ml_core.image_errors import BrokenImage, ImageTooLarge, UnsupportedImage
from ml_core.images import blend, colorize, decode, letterbox, pixel_affine, read, sample
from training.lapa import LAPA

RAMP = np.stack(np.broadcast_arrays(np.arange(40)[:, None] * 6, np.arange(60) * 4, 90), axis=2).astype(
    np.uint8
)


def encoded(image: Image.Image | NDArray[np.uint8], format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims its size and brings a few bytes of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"IDAT", zlib.compress(bytes(99)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("format", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})],
)
def test_lossless_formats_keep_every_pixel(format: str, options: dict[str, Any]) -> None:
    found = decode(encoded(RAMP, format, **options))
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert (found == RAMP).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("trailing", [b"", b"more bytes"])
def test_jpeg_is_read_as_pillow_reads_it_on_either_path(mode: str, trailing: bytes) -> None:
    data = encoded(Image.fromarray(RAMP).convert(mode), "JPEG", quality=90) + trailing
    assert (decode(data) == np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))).all()


def test_gif_and_tiff_give_their_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for format in ("GIF", "TIFF"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert (decode(data) == (255, 0, 0)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_undone(orientation: int, format: str) -> None:
    corners = np.zeros((32, 48, 3), np.uint8)
    corners[:16, :24], corners[:16, 24:], corners[16:, :24] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    # what a camera stores so that undoing the orientation (EXIF 2.32, tag 0x0112) gives the corners
    stored = {
        1: corners,
        2: corners[:, ::-1],
        3: corners[::-1, ::-1],
        4: corners[::-1],
        5: corners.transpose(1, 0, 2),
        6: np.rot90(corners, 1),
        7: np.rot90(corners, 2).transpose(1, 0, 2),
        8: np.rot90(corners, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    exact: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    data = encoded(np.ascontiguousarray(stored), format, exif=exif, **exact.get(format, {}))
    assert np.abs(decode(data).astype(int) - corners).mean() < 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0rubbish", b"Exif\0\0"])
def test_broken_exif_is_ignored(exif: bytes) -> None:
    data = encoded(RAMP, "JPEG", quality=95, exif=exif)
    assert decode(data).shape == RAMP.shape


def test_orientation_that_is_none_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    assert (decode(encoded(RAMP, "PNG", exif=exif)) == RAMP).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    black = (0, 0, 0) if mode == "RGBA" else (0,)
    image = Image.new("LA" if mode == "PA" else mode, (4, 2), (*black, 255)).convert(mode)
    image.putpixel((1, 0), (*black, 0))
    image.putpixel((2, 0), (*black, 128))
    found = decode(encoded(image, "TIFF" if mode == "PA" else "PNG"))[0, :, 0].tolist()
    assert found == [0, 255, 127, 0]


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(format: str) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putdata([0, 1])
    assert decode(encoded(image, format, transparency=0)).tolist() == [[[255, 255, 255], [200, 0, 0]]]


@pytest.mark.parametrize("transparency", [bytes([0, 128]), None])
def test_a_palette_with_alpha_a_colour_or_without(transparency: bytes | None) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putdata([0, 1])
    options = {} if transparency is None else {"transparency": transparency}
    expected = [0, 200] if transparency is None else [255, 227]
    assert decode(encoded(image, "PNG", **options))[0, :, 0].tolist() == expected


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(format: str) -> None:
    grey = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    assert decode(encoded(Image.fromarray(grey), format))[0].tolist() == [[v] * 3 for v in (0, 1, 128, 255)]


def test_big_endian_16_bit_tiff() -> None:
    big = Image.frombytes("I;16B", (2, 1), struct.pack(">HH", 257, 65535))
    assert decode(encoded(big, "TIFF"))[0, :, 0].tolist() == [1, 255]


def test_one_bit_and_one_pixel() -> None:
    assert (decode(encoded(Image.new("1", (1, 1), 1))) == 255).all()


def test_float_pixels_are_refused_with_the_reason() -> None:
    with pytest.raises(UnsupportedImage, match="32 bits"):
        decode(encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"))


@pytest.mark.parametrize(
    "data", [b"just text", b"<svg/>", b"%PDF-1.4", b"BMW is a maker of cars", bytes(500)]
)
def test_what_is_no_image_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedImage, match="JPEG, PNG"):
        decode(data)


def test_formats_outside_the_list_are_unsupported() -> None:
    with pytest.raises(UnsupportedImage):
        decode(encoded(RAMP, "PPM"))


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(BrokenImage, match="empty"):
        decode(b"")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_cut_short_is_broken(format: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    data = encoded(noise, format)
    with pytest.raises(BrokenImage):
        decode(data[: max(16, int(share * len(data)))])


def test_damage_inside_is_broken() -> None:
    data = bytearray(encoded(np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)))
    data[9000:9100] = bytes(100)
    with pytest.raises(BrokenImage):
        decode(bytes(data))


@pytest.mark.parametrize("side", [7100, 10_000, 20_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    with pytest.raises(ImageTooLarge, match="50,000,000"):
        decode(png_header(side, side))  # which is all there is: no pixel can have been decoded


@pytest.mark.parametrize("size", [(65_501, 1), (1, 70_000), (100_000, 490)])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_a_long_strip_is_too_large(size: tuple[int, int], form: str) -> None:
    with pytest.raises(ImageTooLarge, match="65,500"):
        decode(encoded(Image.new("1", size), form))
    assert decode(encoded(Image.new("1", (65_500, 2)), form)).shape == (2, 65_500, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK"])
def test_pixels_are_the_same_in_however_many_strips(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (23, 31, 4), np.uint8)
    data = encoded(Image.fromarray(noise).convert(mode), "TIFF" if mode == "CMYK" else "PNG")
    whole = decode(data)
    monkeypatch.setattr(flatten, "STRIP_PIXELS", 100)
    assert (decode(data) == whole).all()


def test_the_limit_is_the_callers() -> None:
    data = encoded(RAMP)
    assert decode(data, max_pixels=2400).shape == RAMP.shape
    with pytest.raises(ImageTooLarge):
        decode(data, max_pixels=2399)


def test_the_limit_is_the_callers_above_pillows_own_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)  # as it was, afterwards
    data = png_header(20_000, 10_000)
    opened: list[int] = []

    def stop(pixels: int) -> None:
        opened.append(pixels)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        read(data, max_pixels=200_000_000, opened=stop)
    with pytest.raises(ImageTooLarge, match="199,999,999"):
        read(data, max_pixels=199_999_999, opened=stop)
    assert opened == [200_000_000]


def test_letterbox_holds_the_whole_image_centred() -> None:
    cut = letterbox((100, 300), (64, 64))
    assert cut.tolist() == [[300, 0, 0], [0, 300, -100]]
    assert letterbox((100, 300), (32, 64)).tolist() == [[300, 0, 0], [0, 150, -25]]


def test_sampling_a_whole_image_is_area_averaging() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (352, 352, 3), np.uint8)
    expected = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    assert (sample(photo, letterbox((352, 352), (256, 256)), (256, 256)) == expected).all()
    assert (sample(photo, letterbox((352, 352), (352, 352)), (352, 352)) == photo).all()


@pytest.mark.parametrize("angle", [0, 30, 200])
def test_a_strong_reduction_does_not_alias(angle: float) -> None:
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    turn = 1000 * np.array([[np.cos(a := np.radians(angle)), -np.sin(a)], [np.sin(a), np.cos(a)]])
    cut = np.column_stack([turn, 800 - turn.sum(axis=1) / 2])
    assert np.ptp(sample(stripes, cut, (64, 64))) <= 8


@pytest.mark.parametrize("factor", [0.5, 1, 3, 9.7])
def test_sampling_is_not_shifted_by_half_a_pixel(factor: float) -> None:
    side = round(64 * factor)
    ramp = np.broadcast_to(((np.arange(side) + 0.5) / side * 200)[None, :, None], (side, side, 3))
    found = sample(ramp.astype(np.uint8), letterbox((side, side), (64, 64)), (64, 64))
    expected = (np.arange(64) + 0.5) / 64 * 200
    assert np.abs(found[32, 2:-2, 0] - expected[2:-2]).max() < 2.5
    assert abs((found[32, 2:-2, 0] - expected[2:-2]).mean()) < 0.7  # uint8 cut off half on average


def test_beyond_the_photo_its_edge_goes_on() -> None:
    photo = np.full((20, 20, 3), 7, np.uint8)
    cut = np.array([[40.0, 0, 100], [0, 40.0, -90]])
    assert (sample(photo, cut, (16, 16)) == 7).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (40000, 3)])
def test_sampling_odd_shapes(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 50, np.uint8)
    assert (sample(photo, letterbox(size, (32, 32)), (32, 32)) == 50).all()


def test_pixel_affine_joins_pixel_centres() -> None:
    cut = np.array([[10.0, 0, 5], [0, 20.0, 6]])
    to_pixel = pixel_affine(cut, (4, 2))  # crop pixels are 5 x 5 photo pixels
    assert (to_pixel @ [0, 0, 1]).tolist() == [5 + 2.5 - 0.5, 6 + 2.5 - 0.5]
    assert (to_pixel @ [1, 3, 1]).tolist() == [5 + 7.5 - 0.5, 6 + 17.5 - 0.5]


def test_colorize_and_blend() -> None:
    labels = np.array([[0, 1, 10]], np.uint8)
    assert colorize(labels, LAPA).tolist() == [[[0, 0, 0], [0, 153, 255], [255, 0, 102]]]
    photo = np.full((1, 3, 3), 100, np.uint8)
    assert blend(photo, labels, LAPA, 1.0)[0].tolist() == [[100] * 3, [0, 153, 255], [255, 0, 102]]
    assert (blend(photo, labels, LAPA, 0.0) == photo).all()
    assert blend(photo, labels, LAPA, 0.5)[0].tolist()[:2] == [[100] * 3, [50, 126, 178]]
