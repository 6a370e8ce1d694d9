"""The rows of a run while it goes on: in SQLite, so that kill -9 loses none and any number takes no memory."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from segmentation_api.bulk.work import BulkError, Row


class Journal:
    """One row a photo, by its path. Only one process has it open."""

    def __init__(self, file: Path | str) -> None:
        """Opened, or made. Raises BulkError where another run has it; all methods raise sqlite3.Error."""
        try:
            self._database = sqlite3.connect(file, isolation_level=None, timeout=1)
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS photos (path BLOB PRIMARY KEY, row TEXT, notes TEXT) WITHOUT ROWID"
            )
            self._database.execute("CREATE TABLE IF NOT EXISTS there (path BLOB PRIMARY KEY) WITHOUT ROWID")
            self._database.execute("CREATE TABLE IF NOT EXISTS staged (path BLOB PRIMARY KEY, name TEXT)")
        except sqlite3.Error as error:
            what = (
                "is another run writing there"
                if "locked" in str(error)
                else "can it be written; is it damaged"
            )
            raise BulkError(f"{file}: {error}; {what}?") from None

    def add(
        self, rows: Iterable[tuple[Row, Mapping[str, Any] | None]], staged: Mapping[str, str] | None = None
    ) -> None:
        """Take rows and notes in place of earlier ones; once this returns, they outlive the process.

        `staged` are the results put in place next: path -> what Place.publish wants. Earlier ones are forgotten.
        """
        values = (
            (_key(row["path"]), json.dumps(row), json.dumps(notes) if notes else None) for row, notes in rows
        )
        with self._database:  # all or none
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO photos VALUES (?, ?, ?)", values)
            if staged is not None:
                self._database.execute("DELETE FROM staged")
                names = ((_key(path), name) for path, name in staged.items())
                self._database.executemany("INSERT INTO staged VALUES (?, ?)", names)

    def staged(self) -> list[tuple[str, str]]:
        """The results that were to be put in place last."""
        found = self._database.execute("SELECT path, name FROM staged")
        return [(path.decode("utf-8", "surrogateescape"), name) for path, name in found]

    def find(self, path: str) -> tuple[Row, bool] | None:
        """A photo's row, and whether its notes are there."""
        found = self._database.execute(
            "SELECT row, notes FROM photos WHERE path = ?", (_key(path),)
        ).fetchone()
        return found and (json.loads(found[0]), bool(found[1]))

    def see(self, paths: Iterable[str]) -> None:
        """Note objects that are in DST."""
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT OR IGNORE INTO there VALUES (?)", ((_key(path),) for path in paths)
        )
        self._database.execute("COMMIT")

    def seen(self, path: str) -> bool:
        """Whether it was noted."""
        found = self._database.execute("SELECT 1 FROM there WHERE path = ?", (_key(path),))
        return found.fetchone() is not None

    def rows(self) -> Iterator[Row]:
        """All rows, by path."""
        for (row,) in self._database.execute("SELECT row FROM photos ORDER BY path"):
            yield json.loads(row)

    def parts(self, name: str) -> Iterator[tuple[Row, Any]]:
        """The rows of parsed photos with their part of the collected output `name`, by path."""
        for row, notes in self._database.execute(
            "SELECT row, notes FROM photos WHERE notes NOTNULL ORDER BY path"
        ):
            yield json.loads(row), json.loads(notes)[name]

    def empty(self) -> bool:
        """Whether there are no rows."""
        return self._database.execute("SELECT 1 FROM photos LIMIT 1").fetchone() is None

    def clear(self) -> None:
        """Forget all rows."""
        self._database.execute("DELETE FROM photos")
        self._database.execute("DELETE FROM staged")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _key(path: str) -> bytes:
    """Of names that are no text, too."""
    return path.encode("utf-8", "surrogateescape")
