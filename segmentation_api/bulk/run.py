"""A run: what is done is left out, the rest parsed; each photo's row noted, then its results put in place."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from ml_core.bundle import Bundle
from segmentation_api.bulk import manifest, state
from segmentation_api.bulk.collected import COLLECTED, Address
from segmentation_api.bulk.journal import Journal
from segmentation_api.bulk.places import Item
from segmentation_api.bulk.state import State
from segmentation_api.bulk.work import Record, Work, unwritten

Engine = Callable[[Work, Iterator[Item]], Generator[Sequence[Record], None, None]]
"""Yields the record of each photo, in any order; some together, which costs less."""


@dataclass
class Tally:
    """How far a run is; `before` are photos that an earlier one finished."""

    ok: int = 0
    failed: int = 0
    before: int = 0
    start: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Photos with a row."""
        return self.ok + self.failed + self.before

    @property
    def rate(self) -> float:
        """Photos a second, of this run's own."""
        return (self.ok + self.failed) / max(time.monotonic() - self.start, 1e-9)


def run(
    work: Work,
    items: Iterator[Item],
    engine: Engine,
    bundle: Bundle,
    tell: Callable[[Tally, Record], None],
    *,
    resume: bool = False,
    file: str | None = None,
    manifests: bool = True,
    address: Address = str,
) -> Tally:
    """Parse all items. `tell` hears of each photo.

    file       the name of the one collected output, if not its own
    manifests  whether a manifest is written
    address    what annotation tools call a photo
    Raises BulkError, and OSError where DST cannot be written.
    """
    tally = Tally()
    names = manifest.NAMES if manifests else ()
    with state.opened(work.sink, resume=resume, manifests=names) as kept:
        journal, work = kept.journal, replace(work, run=kept.run)
        todo = _unfinished(work, items, kept, tally) if resume else items
        with closing(engine(work, todo)) as come:
            for records in come:
                staged = {path: name for record in records for path, name in record.staged.items()}
                journal.add(((record.row, record.notes) for record in records), staged)
                for record in records:
                    record = _published(record, work, journal)
                    kept.noted(record)
                    tally.before += record.before
                    tally.ok += record.row["status"] == "ok" and not record.before
                    tally.failed += record.row["status"] != "ok"
                    tell(tally, record)
        for name in work.collected:
            target = kept.work / (file or COLLECTED[name].file)
            for made in COLLECTED[name].write(target, bundle, partial(journal.parts, name), address):
                kept.leave(made)
        if manifests:
            manifest.write(kept.work / manifest.name(), journal.rows(), bundle.labels.names)
            kept.leave(manifest.name())
            kept.remove([name for name in manifest.NAMES if name != manifest.name()])
    return tally


def _published(record: Record, work: Work, journal: Journal) -> Record:
    """Its results put in place; where that cannot be, the record that says so, which is noted too."""
    try:
        for path, staged in record.staged.items():
            work.sink.publish(path, staged)
    except OSError as error:
        record = unwritten(record.row["path"], error, work.settings)
        journal.add([(record.row, record.notes)])
    return record


def _unfinished(work: Work, items: Iterator[Item], kept: State, tally: Tally) -> Iterator[Item]:
    """Photos without a row of the same settings and all its results."""
    for item in items:
        found = kept.journal.find(item.path)
        if found and work.finished(item, *found) and all(map(kept.has, work.results(item))):
            tally.before += 1
        else:
            yield item._replace(there=kept.may_have(work.results(item)))
