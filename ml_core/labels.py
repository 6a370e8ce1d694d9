"""The class list of a data set or a model: names, colours, mirror pairs and roles.

A class list is data. It comes with the data set, travels in the model bundle and from there to the API and the
page; nothing else in the code knows how many classes there are, or which of them is skin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

IGNORE = 255
"""Label value of pixels that count neither in the loss nor in the metrics."""

ROLES = ("face", "hair")

Color = tuple[int, int, int]


class UnknownClass(ValueError):
    """A class name or id that is not in the label set."""


@dataclass(frozen=True)
class LabelSet:
    """Class names in id order (id 0 is the background), one RGB colour each, and what the ids stand for.

    flip_pairs  the pairs that a mirror swaps
    face        skin and features: the classes by which a cut is known to hold a face
    hair        the classes that may reach far beyond the face
    """

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()
    face: tuple[int, ...] = ()
    hair: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 2 <= len(self.names) <= IGNORE:
            raise ValueError(f"a label set has 2 to {IGNORE} classes, not {len(self.names)}")
        if len(set(self.names)) != len(self.names):
            raise ValueError("class names must differ")
        if not all(name.strip() for name in self.names):
            raise ValueError("a class needs a name")
        if len(self.colors) != len(self.names):
            raise ValueError(f"{len(self.names)} classes but {len(self.colors)} colours")
        if any(len(color) != 3 or not all(0 <= value <= 255 for value in color) for color in self.colors):
            raise ValueError("a colour is three values from 0 to 255")
        paired = [index for pair in self.flip_pairs for index in pair]
        if len(set(paired)) != len(paired) or not all(0 <= index < len(self.names) for index in paired):
            raise ValueError("each flip pair joins two classes of the set, each class at most once")
        roles = self.face + self.hair
        if not set(roles) <= set(range(1, len(self.names))) or len(set(roles)) != len(roles):
            raise ValueError("roles must be of classes other than the background, at most one per class")

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """(256, 3) uint8 RGB; ids without a class are black."""
        table = np.zeros((256, 3), np.uint8)
        table[: len(self)] = self.colors
        return table

    @cached_property
    def flip_table(self) -> NDArray[np.uint8]:
        """(256,) uint8: the class id that each id becomes in a mirrored image."""
        table = np.arange(256, dtype=np.uint8)
        for left, right in self.flip_pairs:
            table[left], table[right] = right, left
        return table

    def ids(self, wanted: Iterable[str]) -> tuple[int, ...]:
        """Class ids for names or decimal ids, in the order given, without repeats.

        Raises UnknownClass.
        """
        found: dict[int, None] = {}
        for item in wanted:
            if item in self.names:
                found[self.names.index(item)] = None
            elif item.isascii() and item.isdecimal() and len(item) <= 3 and int(item) < len(self):
                found[int(item)] = None
            else:
                raise UnknownClass(item)
        return tuple(found)

    def to_json(self) -> list[dict[str, Any]]:
        """The class table as `model.json` and the API show it; `from_json` reads it back."""
        mirror = self.flip_table.tolist()
        roles = {i: {"role": role} for role in ROLES for i in getattr(self, role)}
        return [
            {"id": i, "name": name, "color": list(color), "mirror": mirror[i], **roles.get(i, {})}
            for i, (name, color) in enumerate(zip(self.names, self.colors, strict=True))
        ]

    @classmethod
    def from_json(cls, table: Iterable[Mapping[str, Any]]) -> Self:
        """Read a class table; `id`, `mirror` and `role` may be left out. Raises ValueError or KeyError."""
        rows = list(table)
        if [row.get("id", index) for index, row in enumerate(rows)] != list(range(len(rows))):
            raise ValueError("class ids must count up from 0")
        pairs = [(index, int(row.get("mirror", index))) for index, row in enumerate(rows)]
        if any(not 0 <= other < len(rows) or pairs[other][1] != index for index, other in pairs):
            raise ValueError("mirror pairs must name each other")
        roles = [row.get("role") for row in rows]
        if not set(roles) <= {None, *ROLES}:
            raise ValueError(f"a role must be {' or '.join(ROLES)}")
        return cls(
            names=tuple(str(row["name"]) for row in rows),
            colors=tuple((int(r), int(g), int(b)) for r, g, b in (row["color"] for row in rows)),
            flip_pairs=tuple(pair for pair in pairs if pair[0] < pair[1]),
            face=tuple(index for index, role in enumerate(roles) if role == "face"),
            hair=tuple(index for index, role in enumerate(roles) if role == "hair"),
        )
