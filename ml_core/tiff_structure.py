"""The directories of a TIFF or BigTIFF in either byte order, walked for ml_core.containers."""

import struct

from ml_core.image_errors import TooComplex

DIRECTORIES = 4096
"""Pages, and pictures within a page."""
TAGS, ALL_TAGS = 4096, 100_000
"""Of one directory; of all of them, which may lie on one another."""
STRIPS = 100_000
"""Or tiles, of one directory."""

MEASURES = (256, 257, 278, 322, 323)
"""Width, height, rows of a strip, width and height of a tile."""
STRIP_LISTS = frozenset({273, 279, 324, 325})
"""Offsets and byte counts of strips and of tiles."""
PICTURES = 330
"""Further directories: SubIFDs."""
LONG, LONG8 = 4, 16
UNITS = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of a value by its field type."""


def walk_tiff(data: bytes) -> None:
    """Raises TooComplex for a file beyond the limits, struct.error for one whose first directory is beyond its end."""
    layout = _Layout(data)
    todo, seen = [layout.first], set[int]()
    value_bytes = all_tags = 0
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        _limit(len(seen) + len(todo), DIRECTORIES, "TIFF directories")
        start, tags = layout.directory(at)
        end = start + tags * layout.entry.size
        sizes = dict[int, int]()
        for index, (tag, kind, count, value) in enumerate(layout.entry.iter_unpack(data[start:end])):
            if index == 0:
                if kind not in UNITS and len(seen) > 1:
                    break  # some writers leave what is no offset where the last directory should have zero
                _limit(tags, TAGS, "tags in a TIFF directory")
                all_tags += tags
                _limit(all_tags, ALL_TAGS, "tags in its TIFF directories")
            length = count * UNITS.get(kind, 0)
            if length > layout.inline:
                value_bytes += max(0, min(length, len(data) - layout.number(value)))
                if value_bytes > 2 * len(data):
                    raise TooComplex("The values of the image's TIFF tags lie on one another.")
            if tag in STRIP_LISTS:
                sizes[tag] = count
            elif tag == PICTURES:
                todo += layout.offsets(kind, count, value)
                _limit(len(seen) + len(todo), DIRECTORIES, "TIFF directories")
            elif tag in MEASURES:
                sizes[tag] = layout.number(value, kind)
        else:
            _limit(_strips(sizes), STRIPS, "TIFF strips or tiles")
            todo += layout.offsets(LONG8 if layout.big else LONG, 1, data[end : end + layout.inline])


class _Layout:
    """Byte order and width of numbers of one file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:1] == b"I" else ">"
        self.big = 0x2B in data[2:4]
        self.inline = 8 if self.big else 4
        """Bytes of an offset, and of the values that stand in its place."""
        self.head = struct.Struct(self.order + ("Q" if self.big else "H"))
        self.entry = struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))
        self.first = self.number(data[self.inline : 2 * self.inline])

    def directory(self, at: int) -> tuple[int, int]:
        """Where its entries start, and how many there are, as far as the file goes."""
        start = at + self.head.size
        if start > len(self.data):
            return start, 0
        return start, min(
            self.head.unpack_from(self.data, at)[0], (len(self.data) - start) // self.entry.size
        )

    def number(self, value: bytes, kind: int = 0) -> int:
        """The number in the field of a value; by default an offset."""
        return int.from_bytes(value[: UNITS.get(kind)], "little" if self.order == "<" else "big")

    def offsets(self, kind: int, count: int, value: bytes) -> list[int]:
        """Offsets of directories, at most one more than there may be."""
        unit = UNITS.get(kind, 0)
        if unit not in (4, 8):
            return []
        count = min(count, DIRECTORIES + 1)
        if count * unit > self.inline:
            place = self.number(value)
            value = self.data[place : place + count * unit]
        found = (self.number(value[at : at + unit]) for at in range(0, count * unit, unit))
        return [at for at in found if 0 < at < len(self.data)]


def _strips(sizes: dict[int, int]) -> int:
    """How many strips or tiles a directory has, as it lists them or as follows from its measures."""
    width, height, rows, tile_width, tile_height = (sizes.get(tag, 0) for tag in MEASURES)
    counts = [sizes.get(tag, 0) for tag in STRIP_LISTS]
    if tile_width and tile_height:
        counts.append(-(-width // tile_width) * -(-height // tile_height))
    elif rows:
        counts.append(-(-height // rows))
    return max(counts)


def _limit(count: int, most: int, what: str) -> None:
    if count > most:
        raise TooComplex(f"The image has more than {most:,} {what}.")
