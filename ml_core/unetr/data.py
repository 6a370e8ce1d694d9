"""From photos with target codes to batches: what the network sees in training and in validation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.images import letterbox, pixel_affine, sample
from ml_core.labels import IGNORE, LabelSet
from ml_core.unetr.augment import compose
from ml_core.unetr.augment_config import AugmentConfig, Codes, Image, Pair
from ml_core.unetr.heads import parts_of
from ml_core.unetr.targets import TargetTable

Batch = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Photos(Protocol):
    """Photos of one data set with their target codes, (H, W, 3) and (H, W), read when asked for.

    weight: how often one of these photos is drawn, relative to those of the other sets of a run.
    """

    @property
    def weight(self) -> float: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Pair: ...


@dataclass(frozen=True)
class TrainingData:
    """What a run trains and validates on. `scenes` are photos without faces, each read when called."""

    labels: LabelSet
    table: TargetTable
    train: tuple[Photos, ...]
    val: Photos
    scenes: Sequence[Callable[[], Image]] = ()


@dataclass(frozen=True)
class BatchPlan:
    """Which batches an epoch has: `batches` of `batch_size` samples of `size` x `size` pixels.

    rows: the samples of each batch that are made here; the other processes of a run make the others. None: all.
    """

    augment: AugmentConfig
    size: int
    batch_size: int
    batches: int
    seed: int
    rows: range | None = None


class TrainingBatches:
    """A plan's augmented batches: ((B, S, S, 3) uint8 RGB, (B, S, S) uint8 target codes).

    Every sample's generator is seeded by (seed, number of the batch, row): the same plan gives the same batches,
    whichever are asked for and in whatever order.
    """

    def __init__(self, data: TrainingData, plan: BatchPlan) -> None:
        self.data, self.plan = data, plan
        weights = np.array([len(photos) * photos.weight for photos in data.train], float)
        self.shares = weights / weights.sum()
        self.parts = parts_of(data.labels, data.table, plan.augment.features)

    def __len__(self) -> int:
        return self.plan.batches

    def __getitem__(self, number: int) -> Batch:
        rows = self.plan.rows or range(self.plan.batch_size)
        samples = [self._sample(np.random.default_rng((self.plan.seed, number, row))) for row in rows]
        return np.stack([image for image, _ in samples]), np.stack([codes for _, codes in samples])

    def _sample(self, rng: np.random.Generator) -> tuple[Image, Codes]:
        def face() -> Pair:
            photos = self.data.train[int(rng.choice(len(self.shares), p=self.shares))]
            return photos[int(rng.integers(len(photos)))]

        def scene() -> Image:
            return self.data.scenes[int(rng.integers(len(self.data.scenes)))]()

        return compose(
            face(),
            size=self.plan.size,
            rng=rng,
            config=self.plan.augment,
            table=self.data.table,
            parts=self.parts,
            scenes=scene if self.data.scenes else None,
            neighbours=face,
        )


def whole_frame(photo: Image, codes: Codes, size: int, target_size: int, *, ignore: int) -> Pair:
    """An unaugmented sample: the photo cut as serving cuts it with faces="whole", and its codes.

    Codes are taken by nearest neighbour; beyond the photo they are `ignore`.
    """
    cut = letterbox((photo.shape[0], photo.shape[1]), (size, size))
    target = cv2.warpAffine(
        codes,
        pixel_affine(cut, (target_size, target_size)),
        (target_size, target_size),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderValue=ignore,
    )
    return sample(photo, cut, (size, size)), np.asarray(target, np.uint8)


def validation_batches(photos: Photos, *, size: int, target_size: int, batch_size: int) -> Sequence[Batch]:
    """All photos, unaugmented: ((B, size, size, 3) RGB, (B, target_size, target_size) codes) a batch."""
    batches = []
    for start in range(0, len(photos), batch_size):
        chosen = range(start, min(start + batch_size, len(photos)))
        frames = [whole_frame(*photos[index], size, target_size, ignore=IGNORE) for index in chosen]
        batches.append((np.stack([image for image, _ in frames]), np.stack([codes for _, codes in frames])))
    return batches
