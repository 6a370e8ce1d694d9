"""Photos with labels from disk to batches: what the network sees in training and in validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from ml_core.images import letterbox, pixel_affine, sample
from ml_core.labels import IGNORE, LabelSet
from ml_core.unetr.augment import compose
from ml_core.unetr.augment_config import AugmentConfig, Codes, Image, Pair
from ml_core.unetr.heads import parts_of
from ml_core.unetr.targets import TargetTable

Batch = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class PhotoSet:
    """Photos and label pictures of one data set, in the same order.

    codes: (256,) uint8, what each label value of the pictures means in the run's target table.
    weight: how often this set is drawn, relative to the others of a run.
    """

    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    codes: NDArray[np.uint8]
    weight: float = 1.0

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int) -> Pair:
        """One photo (H, W, 3) RGB and its target codes (H, W). Raises OSError when a file is no picture."""
        image = read_image(self.images[index])
        labels = cv2.imread(str(self.labels[index]), cv2.IMREAD_UNCHANGED)
        if labels is None or labels.ndim != 2 or labels.dtype != np.uint8:
            raise OSError(f"{self.labels[index]} is not an 8-bit one-channel picture of labels")
        if labels.shape != image.shape[:2]:
            raise OSError(f"{self.labels[index]} and its photo differ in size")
        return image, self.codes[labels]


def read_image(path: Path) -> Image:
    """A photo as (H, W, 3) uint8 RGB. Raises OSError when it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path} is not a picture that can be read")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


@dataclass(frozen=True)
class TrainingData:
    """What a run trains and validates on."""

    labels: LabelSet
    table: TargetTable
    train: tuple[PhotoSet, ...]
    val: PhotoSet
    scenes: tuple[Path, ...] = ()


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """`steps` augmented batches: ((B, S, S, 3) uint8 RGB, (B, S, S) uint8 target codes).

    The same seed gives the same batches, in whatever order the workers make them.
    """

    def __init__(
        self,
        data: TrainingData,
        augment: AugmentConfig,
        *,
        size: int,
        batch_size: int,
        steps: int,
        seed: int,
        workers: int = 2,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=8)
        self.data, self.augment, self.size = data, augment, size
        self.batch_size, self.steps, self.seed = batch_size, steps, seed
        weights = np.array([len(photos) * photos.weight for photos in data.train], float)
        self.shares = weights / weights.sum()
        self.parts = parts_of(data.labels, data.table)

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        samples = [
            self._sample(np.random.default_rng((self.seed, step, row))) for row in range(self.batch_size)
        ]
        return np.stack([image for image, _ in samples]), np.stack([codes for _, codes in samples])

    def _sample(self, rng: np.random.Generator) -> tuple[Image, Codes]:
        def face() -> Pair:
            photos = self.data.train[int(rng.choice(len(self.shares), p=self.shares))]
            return photos.read(int(rng.integers(len(photos))))

        def scene() -> Image:
            return read_image(self.data.scenes[int(rng.integers(len(self.data.scenes)))])

        return compose(
            face(),
            size=self.size,
            rng=rng,
            config=self.augment,
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


def validation_batches(photos: PhotoSet, *, size: int, target_size: int, batch_size: int) -> Sequence[Batch]:
    """All photos, unaugmented: ((B, size, size, 3) RGB, (B, target_size, target_size) codes) a batch."""
    batches = []
    for start in range(0, len(photos), batch_size):
        chosen = range(start, min(start + batch_size, len(photos)))
        frames = [whole_frame(*photos.read(index), size, target_size, ignore=IGNORE) for index in chosen]
        batches.append((np.stack([image for image, _ in frames]), np.stack([codes for _, codes in frames])))
    return batches
