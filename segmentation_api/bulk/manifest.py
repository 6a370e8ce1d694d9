"""The manifest beside the results: Parquet where pyarrow is installed, else JSON Lines; a row a photo, by path."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation_api.bulk.work import Row

if TYPE_CHECKING:
    import pyarrow

NAMES = PARQUET, LINES = "manifest.parquet", "manifest.jsonl"
GROUP = 10_000
"""Rows of Parquet in memory at once."""


def name() -> str:
    """How a manifest is called here."""
    return PARQUET if find_spec("pyarrow") else LINES


def write(file: Path, rows: Iterable[Row], classes: Sequence[str]) -> None:
    """Write all rows; the file's name says how."""
    if file.suffix == ".jsonl":
        with file.open("w", encoding="utf-8") as target:
            target.writelines(f"{json.dumps(row)}\n" for row in rows)
        return
    import pyarrow
    from pyarrow import parquet

    schema = _schema(classes)
    rows = iter(rows)
    with file.open("wb") as raw, parquet.ParquetWriter(raw, schema, compression="zstd") as writer:
        while group := [_plain(row) for row in itertools.islice(rows, GROUP)]:
            writer.write_table(pyarrow.Table.from_pylist(group, schema))


def read(file: Path) -> Iterator[Row]:
    """All rows, as `write` got them."""
    if file.suffix == ".jsonl":
        with file.open(encoding="utf-8") as source:
            yield from map(json.loads, source)
        return
    from pyarrow import parquet

    with file.open("rb") as raw, parquet.ParquetFile(raw) as source:
        for batch in source.iter_batches(GROUP):
            for row in batch.to_pylist():
                for figures in ("share", "confidence"):
                    row[figures] = {name: value for name, value in row[figures].items() if value is not None}
                yield row


def _schema(classes: Sequence[str]) -> "pyarrow.Schema":
    import pyarrow

    text, number, real = pyarrow.string(), pyarrow.int32(), pyarrow.float64()
    figures = pyarrow.struct([(name, real) for name in classes])
    return pyarrow.schema(
        [
            ("path", text),
            ("sha256", text),
            ("status", text),
            ("error", text),
            ("width", number),
            ("height", number),
            ("faces", number),
            ("share", figures),
            ("confidence", figures),
            ("warnings", pyarrow.list_(text)),
            ("results", pyarrow.list_(text)),
            ("milliseconds", real),
            ("settings", text),
        ]
    )


def _plain(row: Row) -> dict[str, Any]:
    """File names that are no UTF-8 made text that is."""

    def text(value: str) -> str:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    return {**row, "path": text(row["path"]), "results": [text(path) for path in row["results"]]}
