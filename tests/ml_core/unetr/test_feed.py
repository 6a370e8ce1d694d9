"""Batches from worker processes: the same ones, in the same order, and errors that arrive."""

import os
import signal
import sys
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ml_core.unetr.augment_config import AugmentConfig, Pair
from ml_core.unetr.data import BatchPlan, Photos, TrainingData
from ml_core.unetr.feed import Feed, FeedError
from ml_core.unetr.targets import target_table
from tests.drawn import DrawnPhotos
from training.lapa import LAPA
from training.photos import DataError

PLAN = BatchPlan(AugmentConfig(), size=32, batch_size=2, batches=7, seed=3)


@dataclass(frozen=True)
class Trouble(DrawnPhotos):
    """Photos that cannot be read, or whose reader dies."""

    kind: str = ""

    def __getitem__(self, index: int) -> Pair:
        if self.kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise DataError(f"5.jpg: broken; keras {'keras' in sys.modules}")


def data(photos: Photos) -> TrainingData:
    return TrainingData(LAPA, target_table(LAPA), train=(photos,), val=photos)


@pytest.mark.slow
def test_any_number_of_workers_makes_the_same_batches() -> None:
    plain = list(Feed(data(DrawnPhotos(4, seed=1))).batches(PLAN, 2))
    assert len(plain) == 5
    with closing(Feed(data(DrawnPhotos(4, seed=1)), workers=2)) as feed:
        broken_off = feed.batches(PLAN, 0)
        next(broken_off)
        broken_off.close()  # its further batches, already asked for, are nobody's
        made = list(feed.batches(PLAN, 2))
        assert feed.waited > 0
    assert len(made) == 5
    for (image, codes), (other, others) in zip(plain, made, strict=True):
        np.testing.assert_array_equal(image, other)
        np.testing.assert_array_equal(codes, others)


def test_the_processes_of_a_run_share_a_batch_by_its_rows() -> None:
    photos = data(DrawnPhotos(4, seed=1))
    (whole, _), *_ = Feed(photos).batches(PLAN, 0)
    halves = [next(Feed(photos).batches(replace(PLAN, rows=rows), 0))[0] for rows in (range(1), range(1, 2))]
    np.testing.assert_array_equal(np.concatenate(halves), whole)


@pytest.mark.slow
def test_an_error_of_a_worker_ends_the_run_with_its_message() -> None:
    """Raised as what it is; the worker has not imported Keras."""
    with (
        closing(Feed(data(Trouble(4, seed=1)), workers=1)) as feed,
        pytest.raises(DataError, match="keras False"),
    ):
        next(feed.batches(PLAN, 0))


@pytest.mark.slow
def test_a_worker_that_dies_is_named() -> None:
    with (
        closing(Feed(data(Trouble(4, seed=1, kind="killed")), workers=1)) as feed,
        pytest.raises(FeedError, match=r"SIGKILL.*try fewer --workers"),
    ):
        next(feed.batches(PLAN, 0))
