"""Photos with their labels, and something done to each of them by all cores."""

import math
import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ml_core.images import decode

Image = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Pair = tuple[Image, Labels]
Files = tuple[Path, Path]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def read(files: Files) -> Pair:
    """(H, W, 3) uint8 RGB and (H, W) uint8 label values."""
    photo, label = files
    return decode(photo.read_bytes()), np.asarray(cv2.imread(str(label), cv2.IMREAD_UNCHANGED), np.uint8)


def each(
    function: Callable[[_Item], _Result], items: Collection[_Item], description: str
) -> Iterator[_Result]:
    """`function` of each item, in order, one item a core, with a progress bar."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            yield from track(pool.map(function, items), total=len(items), description=description)
        finally:
            pool.shutdown(cancel_futures=True)


def percent(value: float) -> float | None:
    """12.34 for 0.1234, as metrics.json holds it; None where there is nothing to tell."""
    return None if math.isnan(value) else round(100 * float(value), 2)
