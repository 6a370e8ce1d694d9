"""Weights of the classes in the loss, so that small parts are not drowned by large ones."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml_core.unetr.data import TrainingData

PHOTOS = 400
"""Training photos whose pixels are counted, spread over the whole set."""

LIMITS = (0.1, 10.0)


def class_weights(how: str | Mapping[str, float] | None, data: TrainingData) -> NDArray[np.float32] | None:
    """(C,) weights: by name, where a class that is not named has 1, or "frequency"; None for none at all.

    Raises ValueError for an unknown class.
    """
    if how is None:
        return None
    if isinstance(how, str):
        return by_frequency(data)
    names = data.labels.names
    if unknown := sorted(set(how) - set(names)):
        raise ValueError(f"no class named {', '.join(unknown)}; there are {', '.join(names)}")
    return np.array([how.get(name, 1.0) for name in names], np.float32)


def by_frequency(data: TrainingData) -> NDArray[np.float32]:
    """Median frequency balancing (Eigen and Fergus 2015) over the main training set, within LIMITS.

    A class' frequency is its share of the pixels of the photos that show it.
    """
    classes, photos = len(data.labels), data.train[0]
    seen, among = np.zeros(classes), np.zeros(classes)
    for index in np.unique(np.linspace(0, len(photos) - 1, PHOTOS).astype(int)):
        codes = photos[int(index)][1]
        counts = np.bincount(codes.ravel(), minlength=256)[:classes]
        seen += counts
        among += np.where(counts > 0, counts.sum(), 0)
    shown = seen > 0
    frequency = seen[shown] / among[shown]
    weights = np.ones(classes, np.float32)
    weights[shown] = np.clip(np.median(frequency) / frequency, *LIMITS)
    return weights
