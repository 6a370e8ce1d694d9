"""classes.json: the class list that lies beside a data set."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from ml_core.labels import Color, LabelSet
from training.photos import DataError

NAME = "classes.json"
Cut = Literal["face", "whole"]
KEYS = ("id", "name", "color", "mirror", "role")
"""What the row of a class may hold."""


def read_classes(path: Path) -> LabelSet:
    """The classes of a classes.json, in the order of their ids. Raises DataError.

    It is a list of names or of rows {"name", "color", "mirror", "role"}, an object {name: color}, or an object with
    such a list under "classes". A class without a colour gets one of PASCAL VOC's.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return LabelSet.from_json([_row(index, row) for index, row in enumerate(_rows(table))])
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        told = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        raise DataError(
            f'{path}: not a list of class names or of {{"name": ..., "color": [r, g, b]}} in the order of the '
            f"ids: {told}"
        ) from error


def read_cut(path: Path | None, labels: LabelSet) -> Cut:
    """How a model of these classes takes a photo: `cut` of the class list, else `face` where a class has that role.

    Raises DataError.
    """
    default: Cut = "face" if labels.face else "whole"
    table = json.loads(path.read_text(encoding="utf-8")) if path else None
    cut = table.get("cut", default) if isinstance(table, dict) and "classes" in table else default
    if cut not in get_args(Cut):
        raise DataError(f"{path}: cut is {cut!r} and neither face nor whole")
    return cut


def _rows(table: Any) -> list[Any]:
    if isinstance(table, dict):
        if "classes" in table:
            _only(("cut", "classes"), table, "beside `classes`")
            return _rows(table["classes"])
        return [{"name": name, "color": color} for name, color in table.items()]
    if not isinstance(table, list):
        raise TypeError(f"it holds {table!r}")
    return table


def _row(index: int, row: Any) -> dict[str, Any]:
    if isinstance(row, str):
        return {"name": row, "color": voc_color(index)}
    if not isinstance(row, dict):
        raise TypeError(f"class {index} is {row!r}")
    _only(KEYS, row, f"class {index}")
    return {"color": voc_color(index), **row}


def _only(known: Sequence[str], given: Mapping[str, Any], where: str) -> None:
    if unknown := [key for key in given if key not in known]:
        raise ValueError(f"{where}: {', '.join(map(repr, unknown))} is none of {', '.join(known)}")


def voc_color(index: int) -> Color:
    """PASCAL VOC's colour of a class id: its bits, three at a time, from each channel's highest bit down."""
    red, green, blue = (
        sum((index >> 3 * place + channel & 1) << 7 - place for place in range(3)) for channel in range(3)
    )
    return red, green, blue
