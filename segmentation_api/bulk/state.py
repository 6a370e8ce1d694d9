"""What a run keeps while it goes on, and leaves beside its results when it ends."""

import json
import shutil
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from segmentation_api.bulk import manifest
from segmentation_api.bulk.bucket import Bucket
from segmentation_api.bulk.folder import Folder
from segmentation_api.bulk.journal import Journal
from segmentation_api.bulk.places import Place
from segmentation_api.bulk.work import BulkError, Record

FLUSH_SECONDS, FLUSH_BYTES = 5.0, 8 << 20
"""How often the rows of a run into a bucket are written, which has no file to append to. Those that kill -9 takes are
found again at the results, by `Bucket.about`."""


class State(Protocol):
    """A run's journal, and the folder `work` in which its files are made.

    `run` tells the results of this run and of those it goes on from apart from others'; empty where rows are never
    looked for at the results.
    """

    journal: Journal
    work: Path
    run: str

    def recall(self) -> None:
        """Take the rows of earlier runs, whether they ended or not."""

    def forget(self) -> None:
        """Remove what earlier runs left, save their results."""

    def has(self, path: str) -> bool:
        """Whether a result is there, of a photo that has a row."""

    def may_have(self, paths: Sequence[str]) -> bool:
        """Whether results may be there of a photo that has no row."""

    def noted(self, record: Record) -> None:
        """Told of each record once it is in the journal."""

    def leave(self, name: str) -> None:
        """Put the file `name` of `work` beside the results."""

    def remove(self, names: Sequence[str]) -> None:
        """Those files beside the results, where they are."""

    def close(self, *, ended: bool) -> None:
        """Let go; of a run that ended nothing is left but its results and what `leave` put there."""


class FolderState:
    """Of a run into a folder: everything is in its scratch folder."""

    run = ""

    def __init__(self, folder: Folder, manifests: Sequence[str]) -> None:
        self._manifests = manifests
        self._folder = folder
        self.work = Path(folder.root, folder.scratch)
        self.work.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(self.work / "journal.sqlite")

    def recall(self) -> None:
        for name in self._manifests:
            if (file := self.work.parent / name).is_file():
                _read(file, self.journal)
        for path, staged in self.journal.staged():  # a run was killed while it put them in place
            with suppress(OSError):  # some are; others are missing and made again
                self._folder.publish(path, staged)

    def forget(self) -> None:
        self.journal.clear()
        self.remove(self._manifests)

    def has(self, path: str) -> bool:
        return (self.work.parent / path).is_file()

    def may_have(self, paths: Sequence[str]) -> bool:
        return False

    def noted(self, record: Record) -> None:
        pass

    def leave(self, name: str) -> None:
        (self.work / name).replace(self.work.parent / name)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            (self.work.parent / name).unlink(missing_ok=True)

    def close(self, *, ended: bool) -> None:
        ended = ended or self.journal.empty()
        self.journal.close()
        if ended:
            shutil.rmtree(self.work)


class BucketState:
    """Of a run into a bucket: the journal is a local file, and its rows go to the bucket every few seconds.

    The scratch folder has the run's name, and the rows in parts. Where a run goes on, all of DST is listed once: of
    results without a row the worker asks S3 what they are.
    """

    def __init__(self, bucket: Bucket, manifests: Sequence[str]) -> None:
        self._manifests = manifests
        self.work = Path(tempfile.mkdtemp())
        self.journal = Journal(self.work / "journal.sqlite")
        self._bucket = bucket
        self._part, self._lines, self._size, self._since = 0, list[str](), 0, time.monotonic()
        self._name = f"{bucket.scratch}/run"
        self._rows = f"{bucket.scratch}/rows/"
        self._own = f"{self._rows}{time.time_ns()}"
        self._goes_on = False
        self.run = uuid.uuid4().hex

    def recall(self) -> None:
        for name in self._manifests:
            if self._bucket.fetch(name, self.work / name):
                _read(self.work / name, self.journal)
        for page in self._bucket.pages(self._rows):
            for key in page:
                self.journal.add(map(json.loads, self._bucket.lines(key)))
        if self._bucket.fetch(self._name, self.work / "run"):
            self._goes_on, self.run = True, (self.work / "run").read_text()
        else:
            self._bucket.stage(self._name, self.run.encode())
        if self._manifests:
            for page in self._bucket.pages():
                self.journal.see(page)

    def forget(self) -> None:
        self.remove(self._manifests)
        self._remove_scratch()
        self._bucket.stage(self._name, self.run.encode())

    def has(self, path: str) -> bool:
        return not self._manifests or self.journal.seen(path)

    def may_have(self, paths: Sequence[str]) -> bool:
        return self._goes_on and all(map(self.has, paths))

    def noted(self, record: Record) -> None:
        self._lines.append(json.dumps([record.row, record.notes]))
        self._size += len(self._lines[-1])
        if self._size > FLUSH_BYTES or time.monotonic() - self._since > FLUSH_SECONDS:
            self._flush()

    def leave(self, name: str) -> None:
        self._bucket.put(name, self.work / name)

    def remove(self, names: Sequence[str]) -> None:
        self._bucket.delete(names)

    def close(self, *, ended: bool) -> None:
        self.journal.close()
        if ended:
            self._remove_scratch()
        else:
            self._flush()
        shutil.rmtree(self.work)

    def _remove_scratch(self) -> None:
        for page in self._bucket.pages(f"{self._bucket.scratch}/"):
            self._bucket.delete(page)

    def _flush(self) -> None:
        if self._lines:
            self._bucket.stage(f"{self._own}-{self._part:06d}.jsonl", "\n".join(self._lines).encode())
        self._part, self._lines, self._size, self._since = self._part + 1, [], 0, time.monotonic()


@contextmanager
def opened(sink: Place, *, resume: bool, manifests: Sequence[str]) -> Iterator[State]:
    """The state of a run into `sink`, with what was there before for `resume`. Raises BulkError and OSError.

    `manifests` are the names that an earlier run's rows may be under.
    """
    state: State
    if isinstance(sink, Folder):
        state = FolderState(sink, manifests)
    else:
        assert isinstance(sink, Bucket)
        state = BucketState(sink, manifests)
    ended = False
    try:
        try:
            (state.recall if resume else state.forget)()
            yield state
            ended = True
        finally:
            state.close(ended=ended)
    except sqlite3.Error as error:  # the disk is full, or the file damaged
        raise BulkError(f"{state.work}/journal.sqlite: {error}") from None


def _read(file: Path, journal: Journal) -> None:
    """The rows of a manifest; those of the journal are newer. Of names that are no text Parquet does not know which."""
    try:
        journal.add(
            (row, None)
            for row in manifest.read(file)
            if "\ufffd" not in row["path"] and journal.find(row["path"]) is None
        )
    except ImportError:
        raise BulkError(f"{file.name} needs pyarrow: pip install -r requirements-bulk.txt") from None
    except (ValueError, LookupError, TypeError):  # of JSON, of Arrow, of rows that are none of ours
        raise BulkError(f"{file.name} in DST is damaged; remove it, and all is done anew") from None
