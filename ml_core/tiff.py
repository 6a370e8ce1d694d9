"""TIFF files that Pillow would not read right: thumbnails before the picture, big-endian BigTIFF, 16-bit planes.

It is given a new file instead: the old one with one directory at its end, which refers to the pixels where they are.
Tags are those of TIFF 6.0 and of TIFF/EP.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml_core.image_errors import BrokenImage, UnsupportedImage
from ml_core.tiff_structure import DIRECTORIES, UNITS

PREFIXES = b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0"
"""The last two are wrong, and read all the same."""

(NEW_SUBFILE, SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC) = (254, 255, 256, 257, 258, 259, 262)
(STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_SIZES) = (273, 274, 277, 278, 279)
(PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES) = (284, 317, 322, 323, 324, 325)
(SUBIFDS, EXTRA, FORMATS, XMP, ICC) = (330, 338, 339, 700, 34675)

COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000}
"""None, CCITT, LZW, JPEG, Deflate, PackBits, LZMA, Zstandard: what Pillow's libtiff decodes."""
PHOTOMETRICS = {0, 1, 2, 3, 5, 6, 8}
"""Grey, RGB, palette, CMYK, YCbCr, Lab: not the sensor data of raw photos."""
OTHER_LABS = {9, 10}
"""ICC's and ITU's, which encode a* and b* in other ways than CIE's."""
INHERITED = {ORIENTATION, ICC}
"""Tags that hold for a SubIFD without them too: cameras write them beside the thumbnail alone."""
HIDDEN = {EXTRA, FORMATS, ICC, ORIENTATION, XMP}
"""Tags of the whole picture that a plane of it does not have."""
OTHER_COMPRESSIONS = {
    **dict.fromkeys((33003, 33004, 33005, 34712), "JPEG 2000"),
    34887: "LERC",
    **dict.fromkeys((22610, 34934, 50002, 52546), "JPEG XL or XR"),
    **dict.fromkeys((34927, 50001), "WebP"),
}
COLORS = {1: "L", 2: "RGB", 5: "CMYK", 8: "LAB"}
"""Pillow's modes of some photometric interpretations."""
CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True)
class Tag:
    """Field type and bytes of a tag's values."""

    kind: int
    content: bytes


@dataclass(frozen=True)
class Directory:
    """One picture of a TIFF: byte order, tags, where the next directory is, and whether the file ends within."""

    order: str
    tags: dict[int, Tag]
    after: int = 0
    is_cut: bool = False

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The values of a tag of unsigned integers; none where it is missing."""
        found = self.tags.get(tag)
        if found is None or found.kind not in CODES:
            return ()
        count = len(found.content) // UNITS[found.kind]
        return struct.unpack_from(f"{self.order}{count}{CODES[found.kind]}", found.content)

    def number(self, tag: int, default: int = 0) -> int:
        """The first of them."""
        return (self.numbers(tag) or (default,))[0]

    def tag(self, *values: int) -> Tag:
        """A tag of 32-bit numbers; larger ones, beyond any file that is read, stay beyond it as the largest."""
        fitting = (min(value, 0xFFFF_FFFF) for value in values)
        return Tag(4, struct.pack(f"{self.order}{len(values)}I", *fitting))

    @property
    def bits(self) -> int:
        """Of the deepest channel."""
        return max(self.numbers(BITS), default=1)

    @property
    def is_part(self) -> bool:
        """Whether it is the thumbnail or the mask of another picture."""
        return bool(self.number(NEW_SUBFILE) & 0b101) or self.number(SUBFILE) == 2

    def is_whole(self, size: int) -> bool:
        """Whether a file of so many bytes has all of its strips or tiles, as many as its size takes."""
        offsets = self.numbers(STRIP_OFFSETS) or self.numbers(TILE_OFFSETS)
        sizes = self.numbers(STRIP_SIZES) or self.numbers(TILE_SIZES)
        ends = map(sum, zip(offsets, sizes, strict=False))
        return len(offsets) == self._parts and not self.is_cut and all(end <= size for end in ends)

    @property
    def _parts(self) -> int:
        """How many strips or tiles there should be."""
        height = self.number(HEIGHT)
        if TILE_OFFSETS in self.tags:
            across = -(-self.number(WIDTH) // max(1, self.number(TILE_WIDTH)))
            parts = across * -(-height // max(1, self.number(TILE_HEIGHT)))
        else:
            parts = -(-height // max(1, min(height, self.number(ROWS_PER_STRIP, height))))
        return parts * (self.number(SAMPLES, 1) if self.number(PLANAR) == 2 else 1)


def full_picture(data: bytes) -> tuple[bytes, Directory]:
    """The file, or a new one where Pillow would not read it right; and the tags of its picture.

    A thumbnail is not the picture, unless there is nothing else. The new file has no orientation, since decoders differ
    in whether they turn the picture, and of 16-bit greys 0 is black. Raises UnsupportedImage for raw photos, pixels and
    compressions that are not read, else BrokenImage.
    """
    first = next(_directories(data), None)
    if first is None:
        raise BrokenImage("The image is cut short or damaged.")
    chosen = first
    if first.is_part:
        whole = [one for one in _directories(data) if not one.is_part]
        chosen = max(whole, key=lambda one: one.number(WIDTH) * one.number(HEIGHT), default=first)
    _check(chosen, data)
    shown = {tag: value for tag, value in chosen.tags.items() if tag not in (ORIENTATION, XMP)}
    if is_pair(chosen):
        shown |= _as_bytes(chosen)
    elif _has_planes(chosen) and chosen.number(PHOTOMETRIC) == 1:  # Pillow opens no grey that has more
        shown = _plane(chosen, 0, chosen.number(SAMPLES)) | {
            tag: value for tag, value in shown.items() if tag == ICC
        }
    if chosen.number(PHOTOMETRIC) == 0 and chosen.bits > 8:
        shown[PHOTOMETRIC] = chosen.tag(1)
    other_order = data.startswith(b"MM\0+") or _order(chosen) != chosen.order
    if chosen is first and shown == chosen.tags and not other_order:
        return data, chosen
    return rewritten(data, replace(chosen, tags=shown)), chosen


def planes(data: bytes, directory: Directory) -> list[bytes]:
    """Of channels that lie one after another and that Pillow would mix up: a grey file of each, alpha included."""
    mode = COLORS.get(directory.number(PHOTOMETRIC), "")
    colors = len(mode)
    has_alpha = directory.number(EXTRA) in (1, 2)
    samples = directory.number(SAMPLES, 1)
    are_mixed_up = directory.bits == 16 or has_alpha or mode == "LAB"
    if not _has_planes(directory) or not 0 < colors < samples + 1 or not are_mixed_up:
        return []
    tags = [_plane(directory, number, samples) for number in range(colors + has_alpha)]
    return [rewritten(data, Directory(directory.order, one)) for one in tags]


def _has_planes(directory: Directory) -> bool:
    return directory.number(PLANAR) == 2 and directory.number(SAMPLES, 1) > 1


def _plane(directory: Directory, number: int, samples: int) -> dict[int, Tag]:
    """The tags of a grey picture that is one of so many planes."""
    tags = {tag: value for tag, value in directory.tags.items() if tag not in HIDDEN}
    for tag, value in {SAMPLES: 1, PHOTOMETRIC: 1, PLANAR: 1, BITS: directory.bits}.items():
        tags[tag] = directory.tag(value)
    for tag in (STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES):
        if values := directory.numbers(tag):
            each = len(values) // samples
            tags[tag] = directory.tag(*values[number * each : (number + 1) * each])
    return tags


def is_pair(directory: Directory) -> bool:
    """Whether a pixel is a 16-bit grey and another 16-bit value, which Pillow does not open."""
    return (
        (directory.number(PHOTOMETRIC), directory.number(SAMPLES, 1)) == (1, 2)
        and directory.numbers(BITS) in ((16, 16), (16,))
        and not _has_planes(directory)
    )


def _as_bytes(directory: Directory) -> dict[int, Tag]:
    """Tags by which a pair is read as four bytes, without the differences between pixels being undone."""
    numbers = {
        SAMPLES: (4,),
        PHOTOMETRIC: (2,),
        BITS: (8, 8, 8, 8),
        FORMATS: (1, 1, 1, 1),
        EXTRA: (2,),
        PREDICTOR: (1,),
    }
    return {tag: directory.tag(*values) for tag, values in numbers.items()}


def pair(pixels: NDArray[np.uint8], directory: Directory) -> list[NDArray[np.uint16]]:
    """The grey of (H, W, 4) bytes, and the alpha if it is one."""
    values = np.ascontiguousarray(pixels).view(f"{directory.order}u2").astype(np.uint16)
    if directory.number(PREDICTOR, 1) == 2:
        width = directory.number(TILE_WIDTH) or values.shape[1]
        for left in range(0, values.shape[1], width):
            np.cumsum(
                values[:, left : left + width], axis=1, dtype=np.uint16, out=values[:, left : left + width]
            )
    return [values[..., channel] for channel in range(1 + (directory.number(EXTRA) in (1, 2)))]


def rewritten(data: bytes, directory: Directory) -> bytes:
    """The file as a classic TIFF with this directory alone, at its end."""
    order = _order(directory)
    new = replace(directory, order=order)
    turned = {16, 18} if order == directory.order else CODES.keys() - {1}
    start = len(data) + len(data) % 2
    at = start + 2 + 12 * len(directory.tags) + 4
    entries, values = [], b""
    for number, tag in sorted(directory.tags.items()):
        if tag.kind in turned:
            tag = new.tag(*directory.numbers(number))
        content = tag.content
        if len(content) > 4:
            content = struct.pack(f"{order}I", at + len(values))
            values += tag.content + bytes(len(tag.content) % 2)
        count = len(tag.content) // UNITS[tag.kind]
        entries.append(struct.pack(f"{order}HHI4s", number, tag.kind, count, content))
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    count_bytes = struct.pack(f"{order}H", len(entries))
    return b"".join((head, data[8:], bytes(len(data) % 2), count_bytes, *entries, bytes(4), values))


def _order(directory: Directory) -> str:
    """The byte order in which Pillow opens it: 12 bits, packed alike in both, are opened in one alone."""
    return "<" if directory.bits == 12 else directory.order


def _check(directory: Directory, data: bytes) -> None:
    bits, compression = directory.bits, directory.number(COMPRESSION, 1)
    formats = directory.numbers(FORMATS)
    if directory.number(PHOTOMETRIC) in OTHER_LABS:
        raise UnsupportedImage("TIFF images in ICC's or ITU's Lab are not read: save it in RGB.")
    if directory.number(PHOTOMETRIC) not in PHOTOMETRICS or (data[:4], data[8:10]) == (b"II*\0", b"CR"):
        raise UnsupportedImage("Raw photos are not read: export it as a JPEG or a TIFF.")
    if bits > 16 or not {1, 2, 4}.issuperset(formats):
        raise UnsupportedImage(
            "Images of floating-point numbers or with 32 bits a channel are not read; 8 and 16 bits are."
        )
    # Greys of 8 bits are taken for unsigned, as everywhere
    if 2 in formats and (bits > 8 or directory.number(PHOTOMETRIC) != 1):
        raise UnsupportedImage("Images of signed numbers are not read: save it with unsigned ones.")
    if directory.number(PHOTOMETRIC) == 0 and directory.number(SAMPLES, 1) > 1:
        raise UnsupportedImage("TIFF images with white as their least value and an alpha are not read.")
    if compression not in COMPRESSIONS:
        name = OTHER_COMPRESSIONS.get(compression, f"method {compression}")
        raise UnsupportedImage(f"TIFF images compressed by {name} are not read: save it with LZW or Deflate.")


def _directories(data: bytes) -> Iterator[Directory]:
    """All that the file has, the first one first, pictures within pictures behind the others."""
    order = "<" if data[:1] == b"I" else ">"
    big = 43 in data[2:4]
    offset = struct.Struct(order + ("Q" if big else "I"))
    if len(data) < 2 * offset.size:
        return
    todo: list[tuple[int, dict[int, Tag]]] = [(*offset.unpack_from(data, offset.size), {})]
    seen = set[int]()
    while todo and len(seen) < DIRECTORIES:
        at, inherited = todo.pop(0)
        if at in seen or not 0 < at < len(data):
            continue
        seen.add(at)
        try:
            found = _directory(data, at, order, big)
        except struct.error:  # goes on beyond the end of the file
            continue
        found = replace(found, tags=inherited | found.tags)
        yield found
        passed_on = {tag: value for tag, value in found.tags.items() if tag in INHERITED}
        within = [(at, passed_on) for at in found.numbers(SUBIFDS)[:DIRECTORIES]]
        todo = [(found.after, inherited), *todo, *within]


def _directory(data: bytes, at: int, order: str, big: bool) -> Directory:
    head, entry, offset = (
        struct.Struct(order + code) for code in (("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I"))
    )
    (count,) = head.unpack_from(data, at)
    start, tags, is_cut = at + head.size, dict[int, Tag](), False
    end = start + count * entry.size
    for tag, kind, values, content in entry.iter_unpack(data[start:end]):
        length = values * UNITS.get(kind, 0)
        if length > offset.size:
            (place,) = offset.unpack(content)
            content = data[place : place + length]
        if length > len(content):
            is_cut = True
        elif length:
            tags[tag] = Tag(kind, content[:length])
    (after,) = offset.unpack(data[end : end + offset.size].ljust(offset.size, b"\0"))
    return Directory(order, tags, after, is_cut or end + offset.size > len(data))
