"""The engine past one machine: Ray Data, with a model in each actor.

All machines see SRC and DST, which are buckets or folders that they share. A machine that is lost takes no photo with
it: Ray computes anew what had not arrived, and a photo has one row however often it was computed.
"""

import hashlib
import json
import logging
import math
import os
import socket
import tempfile
import uuid
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import ray
import ray.data
import ray.exceptions

from ml_core.bundle import CARD, GOLDEN, GOLDEN_LABELS, MODEL
from segmentation_api.bulk.places import Item
from segmentation_api.bulk.work import BulkError, Record, Work, Worker, failure

BATCH = 16
"""Photos of one task: what is computed again at most where an actor dies."""
LISTED = 50_000
"""Photos of one pass of Ray Data, whose inputs are all in memory. Its actors start anew for the next."""
TRIES = 2
"""On one machine, of a photo whose process died: it must not end one process after another."""


def run(
    work: Work, items: Iterator[Item], *, address: str, workers: int | None, cpus: float, gpus: float
) -> Generator[list[Record], None, None]:
    """The records of all photos, as they come; `workers` actors at most, of `cpus` and `gpus` each.

    Raises BulkError.
    """
    _connect(address)
    workers = workers or _room(cpus, gpus)
    names = (MODEL, CARD, GOLDEN, GOLDEN_LABELS)
    bundle = ray.put(
        {name: (work.bundle / name).read_bytes() for name in names}
    )  # the machines may not have it
    while listed := [{"item": json.dumps(item)} for item in islice(items, LISTED)]:
        rows = ray.data.from_items(listed, override_num_blocks=math.ceil(len(listed) / BATCH)).map_batches(
            Actor,
            fn_constructor_args=(work, bundle, uuid.uuid4().hex),
            batch_size=BATCH,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(listed))),
            num_cpus=cpus,
            num_gpus=gpus or None,
        )
        try:
            for row in rows.iter_rows():
                yield [Record(**json.loads(row["record"]))]
        except ray.exceptions.RayTaskError as error:
            raise BulkError(str(error.cause)) from None
        except ray.exceptions.RayError as error:
            raise BulkError(f"the cluster failed: {str(error).splitlines()[0]}") from None


class Actor:
    """A worker on a machine of the cluster."""

    def __init__(self, work: Work, bundle: Any, run: str) -> None:
        files: Mapping[str, bytes] = ray.get(bundle)
        self._home = tempfile.TemporaryDirectory()
        for name, content in files.items():
            Path(self._home.name, name).write_bytes(content)
        self._worker = Worker(replace(work, bundle=Path(self._home.name)))
        self._pool = ThreadPoolExecutor(work.at_once)
        self._tries = Path(tempfile.gettempdir(), f"segment_images-{run}")
        self._tries.mkdir(exist_ok=True)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """A batch of photos; one by one where a process died of it, so that it is known of which."""
        items = [Item(*json.loads(item)) for item in batch["item"]]
        again = any(self._mark(item).exists() for item in items)
        records = map(self._try, items) if again else self._pool.map(self._try, items)
        return {"record": [json.dumps(asdict(record)) for record in records]}

    def _try(self, item: Item) -> Record:
        mark = self._mark(item)
        if mark.exists() and mark.stat().st_size >= TRIES:
            error = "The processes that parsed it died."
            return failure(item, "failed", error, self._worker.work.settings)
        with mark.open("a") as file:
            file.write(".")
        record = self._worker(item)
        mark.unlink()
        return record

    def _mark(self, item: Item) -> Path:
        """As long as it was tried here, and gone once that succeeds."""
        return self._tries / hashlib.sha256(os.fsencode(item.path)).hexdigest()


def _connect(address: str) -> None:
    """Raises BulkError where there is no cluster."""
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdigit():  # Ray itself asks for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, logging_level="warning")
    except (OSError, ValueError, RuntimeError) as error:
        raise BulkError(f"--ray-address {address}: {str(error).splitlines()[0]}") from None
    logging.getLogger("ray.data").setLevel("WARNING")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False


def _room(cpus: float, gpus: float) -> int:
    """How many actors the cluster has room for. Raises BulkError for none."""
    there = ray.cluster_resources()
    room = [there.get(kind, 0) / each for kind, each in (("CPU", cpus), ("GPU", gpus)) if each]
    if not room or min(room) < 1:
        raise BulkError(f"the cluster has no room for an actor of {cpus:g} CPUs and {gpus:g} GPUs")
    return int(min(room))
