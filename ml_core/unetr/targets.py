"""Targets that are sets of classes, so that data sets with coarser labels train the same network.

A target code 0..C-1 is that very class. Further codes are sets of classes ("hair or brow", say); the set of
all classes says nothing about the pixel, which is how "ignore" is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_core.labels import IGNORE, LabelSet

ClassSet = frozenset[int]


@dataclass(frozen=True)
class TargetTable:
    """What each target code allows.

    allowed: (S, C) float32, 1 where class c is in the set of code s.
    flip: (256,) uint8, the code each code becomes in a mirrored image.
    """

    sets: tuple[ClassSet, ...]
    allowed: NDArray[np.float32]
    flip: NDArray[np.uint8]

    @property
    def ignore(self) -> int:
        """The code of ignored pixels."""
        return int(self.allowed.shape[1])

    def lookup(self, values: Mapping[int, Iterable[int]]) -> NDArray[np.uint8]:
        """(256,) uint8: label value of a data set -> target code; values not named are ignored."""
        table = np.full(256, self.ignore, np.uint8)
        for value, classes in values.items():
            table[value] = self.sets.index(frozenset(classes))
        return table


def plain_values(labels: LabelSet) -> dict[int, ClassSet]:
    """Label values of a data set whose values are the class ids themselves."""
    return {index: frozenset({index}) for index in range(len(labels))}


def target_table(labels: LabelSet, data_sets: Iterable[Mapping[int, Iterable[int]]] = ()) -> TargetTable:
    """The codes needed for `data_sets`, each a mapping of label value -> allowed class ids.

    Raises ValueError for an empty set, a class id outside the label set, or a label value of 255.
    """
    count = len(labels)
    mirror = labels.flip_table
    found: dict[ClassSet, None] = {frozenset({index}): None for index in range(count)}
    found[frozenset(range(count))] = None
    for values in data_sets:
        for value, classes in values.items():
            chosen = frozenset(classes)
            if value == IGNORE or not chosen or not chosen <= frozenset(range(count)):
                raise ValueError(
                    f"label value {value} stands for {sorted(chosen)}, which is no set of classes"
                )
            found[chosen] = None
            found[frozenset(int(mirror[index]) for index in chosen)] = None
    sets = tuple(found)
    allowed = np.zeros((len(sets), count), np.float32)
    flip = np.full(256, count, np.uint8)
    for code, chosen in enumerate(sets):
        allowed[code, sorted(chosen)] = 1
        flip[code] = sets.index(frozenset(int(mirror[index]) for index in chosen))
    return TargetTable(sets, allowed, flip)
