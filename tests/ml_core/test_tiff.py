"""TIFF files that are not what they seem: the right pixels, or the reason why not."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from ml_core import tiff
from ml_core.image_errors import BrokenImage, ImageTooLarge, TooComplex, UnsupportedImage
from ml_core.images import decode
from tests.profiles import SRGB, SRGB_CURVE, gamma, grey_profile, rgb_profile

HEIGHT, WIDTH = 70, 93
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
COLOR = np.dstack([3 * ROWS, 2 * COLUMNS, ROWS + COLUMNS]).astype(np.uint8)
GREY = COLOR[:, :, 2]
ALPHA = (255 - 2 * COLUMNS).astype(np.uint8)
THUMBNAIL = np.full((20, 30, 3), 200, np.uint8)


def as_rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[:, :, None], 3, axis=2)


def on_white(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    share = ALPHA[:, :, None] / 255
    found: NDArray[np.float64] = np.rint(colors * share + 255 * (1 - share))
    return found


def written(pixels: NDArray[Any], *, byteorder: Any = "<", bigtiff: bool = False, **options: Any) -> bytes:
    target = io.BytesIO()
    with tifffile.TiffWriter(target, byteorder=byteorder, bigtiff=bigtiff) as file:
        file.write(np.ascontiguousarray(pixels), metadata=None, **options)
    return target.getvalue()


def deep(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return pixels.astype(np.uint16) * 257


LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {},
    "short strips": {"rowsperstrip": 7},
    "tiles": {"tile": (16, 32)},
    "LZW": {"compression": "lzw", "predictor": True},
    "Deflate tiles": {"compression": "zlib", "tile": (32, 16)},
}
ENDS: dict[str, dict[str, Any]] = {
    "little": {},
    "big": {"byteorder": ">"},
    "little BigTIFF": {"bigtiff": True},
    "big BigTIFF": {"byteorder": ">", "bigtiff": True},
}
FORMS = [{**layout, **end} for layout in LAYOUTS.values() for end in ENDS.values()]
NAMES = [f"{layout}, {end}" for layout in LAYOUTS for end in ENDS]


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_planes_and_pixels_of_8_and_16_bits(form: dict[str, Any]) -> None:
    for pixels in (COLOR, deep(COLOR)):
        assert (decode(written(pixels, photometric="rgb", **form)) == COLOR).all()
        planes = pixels.transpose(2, 0, 1)
        assert (decode(written(planes, photometric="rgb", planarconfig="separate", **form)) == COLOR).all()


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_white_may_be_the_least_value(form: dict[str, Any]) -> None:
    for pixels in (GREY, deep(GREY)):
        assert (decode(written(pixels, photometric="minisblack", **form)) == as_rgb(GREY)).all()
        negative = np.iinfo(pixels.dtype).max - pixels
        assert (decode(written(negative, photometric="miniswhite", **form)) == as_rgb(GREY)).all()


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("form", FORMS[:8], ids=NAMES[:8])
def test_alpha_in_a_plane_of_its_own(form: dict[str, Any], kind: str) -> None:
    wanted = COLOR.astype(float) if kind == "unspecified" else on_white(COLOR)
    colors = np.rint(COLOR * (ALPHA[:, :, None] / 255)).astype(np.uint8) if kind == "assocalpha" else COLOR
    layer = np.dstack([colors, ALPHA])
    for pixels in (layer, deep(layer)):
        planes = pixels.transpose(2, 0, 1)
        options = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": [kind], **form}
        if kind == "unspecified" and pixels.dtype == np.uint8:
            continue
        assert np.abs(decode(written(planes, **options)) - wanted).max() <= (3 if kind == "assocalpha" else 1)


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_grey_with_alpha(form: dict[str, Any], kind: str, planarconfig: str) -> None:
    wanted = as_rgb(GREY).astype(float) if kind == "unspecified" else on_white(as_rgb(GREY))
    grey = np.rint(GREY * (ALPHA / 255)).astype(np.uint8) if kind == "assocalpha" else GREY
    layers = np.dstack([grey, ALPHA]) if planarconfig == "contig" else np.stack([grey, ALPHA])
    for pixels in (layers, deep(layers)):
        options = {"photometric": "minisblack", "planarconfig": planarconfig, "extrasamples": [kind], **form}
        found = decode(written(pixels, **options))
        assert np.abs(found - wanted).max() <= (3 if kind == "assocalpha" else 1)


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("depth", [8, 16])
def test_grey_with_alpha_and_a_profile(depth: int, kind: str, planarconfig: str) -> None:
    """Linear light, of which half is level 188 of sRGB; opaque."""
    grey, opaque = np.full((40, 50), 128, np.uint8), np.full((40, 50), 255, np.uint8)
    layers = np.dstack([grey, opaque]) if planarconfig == "contig" else np.stack([grey, opaque])
    profile = (34675, 7, None, grey_profile(gamma(1.0)), True)
    found = decode(
        written(
            layers if depth == 8 else deep(layers),
            photometric="minisblack",
            planarconfig=planarconfig,
            extrasamples=[kind],
            extratags=[profile],
        )
    )
    assert np.abs(found.astype(int) - 188).max() <= 1


def test_grey_with_alpha_and_inks_in_planes() -> None:
    grey = np.stack([GREY, ALPHA])
    found = decode(
        written(grey, photometric="minisblack", planarconfig="separate", extrasamples=["unassalpha"])
    )
    assert np.abs(found - on_white(as_rgb(GREY))).max() <= 1
    inks = deep(np.stack([255 - COLOR[:, :, 0], 255 - COLOR[:, :, 1], 255 - COLOR[:, :, 2], 0 * GREY]))
    assert (decode(written(inks, photometric="separated", planarconfig="separate")) == COLOR).all()


LAB = np.array([[[0, 0, 0], [156, 25, 28], [153, 222, 29], [112, 11, 217], [255, 0, 0]]], np.uint8)
"""L* in 255ths of its range, a* and b* signed (TIFF 6.0, section 23)."""
LAB_AS_RGB = np.array([[[0, 0, 0], [200, 130, 100], [90, 160, 90], [90, 100, 170], [255, 255, 255]]])


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_lab_in_planes_or_pixels(form: dict[str, Any]) -> None:
    pixels = np.tile(LAB, (HEIGHT, 20, 1))
    whole = decode(written(pixels, photometric="cielab", planarconfig="contig", **form))
    assert np.abs(whole[:1, :5].astype(int) - LAB_AS_RGB).max() <= 3
    planes = pixels.transpose(2, 0, 1)
    found = decode(written(planes, photometric="cielab", planarconfig="separate", **form))
    assert (found == whole).all()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("within", [True, False])
def test_the_full_picture_not_its_thumbnail(within: bool, end: dict[str, Any]) -> None:
    target = io.BytesIO()
    with tifffile.TiffWriter(
        target, byteorder=end.get("byteorder", "<"), bigtiff=end.get("bigtiff", False)
    ) as file:
        file.write(THUMBNAIL, photometric="rgb", subfiletype=1, subifds=1 if within else 0)
        file.write(COLOR, photometric="rgb", subfiletype=0)
        file.write(THUMBNAIL, photometric="rgb", subfiletype=1)
    assert (decode(target.getvalue()) == COLOR).all()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("within", [True, False])
def test_orientation_and_profile_beside_the_thumbnail(within: bool, end: dict[str, Any]) -> None:
    """They are those of the picture within it, unless that has its own; a page behind it is another picture."""
    upside_down, mirrored = (274, 3, 1, 3, True), (274, 3, 1, 2, True)
    turned_colors = rgb_profile(SRGB[1:] + SRGB[:1], SRGB_CURVE)  # RGB is meant as GBR
    for own in (False, True):
        target = io.BytesIO()
        with tifffile.TiffWriter(
            target, byteorder=end.get("byteorder", "<"), bigtiff=end.get("bigtiff", False)
        ) as file:
            tags = [upside_down, (34675, 7, None, turned_colors, True)]
            file.write(
                THUMBNAIL, photometric="rgb", subfiletype=1, subifds=1 if within else 0, extratags=tags
            )
            file.write(COLOR, photometric="rgb", subfiletype=0, extratags=[mirrored] if own else [])
        wanted = COLOR[:, :, [2, 0, 1]] if within else COLOR
        if own:
            wanted = wanted[:, ::-1]
        elif within:
            wanted = wanted[::-1, ::-1]
        assert np.abs(decode(target.getvalue()).astype(int) - wanted).max() <= 1


def test_the_first_of_several_full_pictures() -> None:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as file:
        for pixels in (GREY, np.tile(GREY, (2, 2))):
            file.write(pixels, photometric="minisblack", subfiletype=2)
    assert (decode(target.getvalue()) == as_rgb(GREY)).all()


def test_a_thumbnail_alone_is_a_picture() -> None:
    assert (decode(written(THUMBNAIL, photometric="rgb", subfiletype=1)) == THUMBNAIL).all()


@pytest.mark.parametrize("compression", [None, 34713])
def test_a_raw_photo_is_not_answered_for_its_thumbnail(compression: int | None) -> None:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as file:
        file.write(THUMBNAIL, photometric="rgb", subfiletype=1, subifds=1)
        file.write(deep(GREY), photometric=32803, subfiletype=0)  # a sensor's colour filters
    data = target.getvalue()
    if compression:
        data = data.replace(
            struct.pack("<HHIHxx", 259, 3, 1, 1), struct.pack("<HHIHxx", 259, 3, 1, compression)
        )
        data = data.replace(struct.pack("<HHIHxx", 262, 3, 1, 32803), struct.pack("<HHIHxx", 262, 3, 1, 1))
    with pytest.raises(UnsupportedImage):
        decode(data)


def test_canons_raw_photos_are_refused() -> None:
    data = tiff.rewritten(*tiff.full_picture(written(THUMBNAIL, photometric="rgb")))
    assert (decode(data) == THUMBNAIL).all()
    with pytest.raises(UnsupportedImage, match="Raw"):
        decode(data[:8] + b"CR" + data[10:])


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (COLOR.astype(np.float32), {"photometric": "rgb"}, "floating-point"),
        (COLOR.astype(np.float16), {"photometric": "rgb"}, "floating-point"),
        (GREY.astype(np.float64), {"photometric": "minisblack"}, "floating-point"),
        (GREY.astype(np.uint32), {"photometric": "minisblack"}, "32 bits"),
        (GREY.astype(np.int16), {"photometric": "minisblack"}, "signed"),
        (COLOR.astype(np.int16), {"photometric": "rgb"}, "signed"),
        (COLOR.astype(np.int8), {"photometric": "rgb"}, "signed"),
        (
            np.stack([GREY, ALPHA]),
            {"photometric": "miniswhite", "planarconfig": "separate", "extrasamples": ["unspecified"]},
            "alpha",
        ),
        (
            np.dstack([GREY, ALPHA]),
            {"photometric": "miniswhite", "planarconfig": "contig", "extrasamples": ["unassalpha"]},
            "alpha",
        ),
        (
            np.dstack([COLOR, GREY, ALPHA]),
            {"photometric": "separated", "planarconfig": "contig", "extrasamples": ["unassalpha"]},
            "kind of pixels",
        ),
        (
            np.stack([GREY, GREY, GREY, GREY, ALPHA]),
            {"photometric": "separated", "planarconfig": "separate", "extrasamples": ["unassalpha"]},
            "kind of pixels",
        ),
        (COLOR, {"photometric": "icclab"}, "Lab"),
        (COLOR, {"photometric": "itulab"}, "Lab"),
        (COLOR, {"photometric": "rgb", "compression": "webp"}, "WebP"),
        (COLOR, {"photometric": "rgb", "compression": "jpeg2000"}, "JPEG 2000"),
        (COLOR, {"photometric": "rgb", "compression": "jpegxl"}, "JPEG XL"),
        (COLOR, {"photometric": "rgb", "compression": "lerc"}, "LERC"),
    ],
)
def test_what_is_not_read_is_not_called_damaged(
    pixels: NDArray[Any], options: dict[str, Any], reason: str
) -> None:
    for end in ENDS.values():
        with pytest.raises(UnsupportedImage, match=reason):
            decode(written(pixels, **options, **end))


def test_signed_greys_of_8_bits_are_taken_for_unsigned() -> None:
    planes = np.stack([GREY // 2, ALPHA // 2]).astype(np.int8)
    options = {"photometric": "minisblack", "extrasamples": ["unspecified"]}
    for pixels in (planes, planes[0]):
        layout = (
            {**options, "planarconfig": "separate"} if pixels.ndim == 3 else {"photometric": "minisblack"}
        )
        assert (decode(written(pixels, **layout)) == as_rgb(GREY // 2)).all()


@pytest.mark.parametrize("form", [{}, {"rowsperstrip": 7}, {"tile": (16, 32)}])
def test_a_file_of_as_many_strips_as_it_says_is_not_called_damaged(form: dict[str, Any]) -> None:
    """A grey with four more channels, which is not read, and the same with too few strips or tiles."""
    data = written(np.dstack([COLOR, GREY, GREY]), photometric="minisblack", planarconfig="contig", **form)
    with pytest.raises(UnsupportedImage):
        decode(data)
    taller = data.replace(
        struct.pack("<HHII", 257, 4, 1, HEIGHT), struct.pack("<HHII", 257, 4, 1, 10 * HEIGHT)
    )
    taller = taller.replace(
        struct.pack("<HHII", 278, 4, 1, HEIGHT), struct.pack("<HHII", 278, 4, 1, HEIGHT // 2)
    )
    assert taller != data
    with pytest.raises(BrokenImage):
        decode(taller)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_file_cut_short_is_broken(share: float, end: dict[str, Any]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for pixels in (noise, deep(noise)):
        data = written(pixels, photometric="rgb", planarconfig="contig", **end)
        with pytest.raises(BrokenImage):
            decode(data[: max(16, int(share * len(data)))])
        planes = written(pixels.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", **end)
        with pytest.raises(BrokenImage):
            decode(planes[: max(16, int(share * len(planes)))])


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("form", [{}, {"compression": "lzw"}])
def test_a_file_cut_anywhere_is_broken_or_read(form: dict[str, Any], end: dict[str, Any]) -> None:
    data = written(COLOR[:8, :8], photometric="rgb", **form, **end)
    tail = tiff.rewritten(*tiff.full_picture(data))  # the directory at the end
    for whole in (data, tail):
        for size in (*range(4, len(whole), 3), len(whole) - 1):
            try:
                assert decode(whole[:size]).shape == (8, 8, 3)
            except (BrokenImage, TooComplex):  # the walk may take for a directory what is half of one
                pass


def test_the_size_is_that_of_the_full_picture() -> None:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as file:
        file.write(THUMBNAIL, photometric="rgb", subfiletype=1)
        file.write(deep(COLOR).transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    with pytest.raises(ImageTooLarge):
        decode(target.getvalue(), max_pixels=HEIGHT * WIDTH - 1)
    assert (decode(target.getvalue(), max_pixels=HEIGHT * WIDTH) == COLOR).all()


@pytest.mark.parametrize("end", [{}, {"byteorder": ">", "bigtiff": True}])
def test_orientation_is_kept_where_the_file_is_written_anew(end: dict[str, Any]) -> None:
    planes = deep(COLOR).transpose(2, 0, 1)
    data = written(
        planes, photometric="rgb", planarconfig="separate", extratags=[(274, 3, 1, 3, True)], **end
    )
    assert (decode(data) == COLOR[::-1, ::-1]).all()


@pytest.mark.parametrize(("tag", "error"), [(256, ImageTooLarge), (273, BrokenImage), (65000, None)])
def test_numbers_that_only_a_bigtiff_can_hold(tag: int, error: type[Exception] | None) -> None:
    """Of the width, of where the pixels are, and of a tag that is none of the picture's."""
    data = written(COLOR, photometric="rgb", byteorder=">", bigtiff=True, extratags=[(65000, 16, 1, 1, True)])
    at = data.index(struct.pack(">HH", tag, 16 if tag != 256 else 4), 16)
    data = data[:at] + struct.pack(">HHQQ", tag, 16, 1, 1 << 40) + data[at + 20 :]
    if error is None:
        assert (decode(data) == COLOR).all()
    else:
        with pytest.raises(error):
            decode(data)


def of_twelve_bits(order: str, *planes: bytes, alpha: int = 0) -> bytes:
    """Of four greys, and the plane of an alpha of this kind."""
    count, end = len(planes), 8 + 6 * len(planes)
    lists = struct.pack(f"{order}4I", 8, 14, 6, 6)  # offsets and sizes of two planes
    tags = [(256, 4), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, count), (278, 1), (279, 6)]
    entries = [(tag, 1, value) for tag, value in tags]
    if alpha:
        entries[5], entries[8] = (273, 2, end), (279, 2, end + 8)
        entries += [(284, 1, 2), (338, 1, alpha)]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, end + len(lists))
    directory = [struct.pack(f"{order}HHII", tag, 4, *rest) for tag, *rest in entries]
    return b"".join((head, *planes, lists, struct.pack(f"{order}H", len(entries)), *directory, bytes(4)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_twelve_bits_are_scaled(order: str) -> None:
    greys = bytes([0x00, 0x08, 0x00, 0xFF, 0xF0, 0x00])  # 0, 2048, 4095, 0
    assert decode(of_twelve_bits(order, greys))[0, :, 0].tolist() == [0, 128, 255, 0]
    alpha = bytes([0xFF, 0xF8, 0x00, 0x80, 0x00, 0x00])  # 4095, 2048, 2048, 0
    found = decode(of_twelve_bits(order, greys, alpha, alpha=2))
    assert found[0, :, 0].tolist() == [0, 191, 255, 255]
