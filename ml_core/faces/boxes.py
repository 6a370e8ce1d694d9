"""Boxes as (n, 4) arrays of left, top, right, bottom."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml_core.faces.protocol import Floats

MOST = 2000
"""Boxes compared with one another at most, the best ones: it bounds the time that a photo can cost."""


def suppress(boxes: Floats, scores: Floats, limit: float) -> NDArray[np.intp]:
    """Non-maximum suppression: indices of the boxes kept, best first; scores are above 0.

    A box goes when a better one shares more than `limit` of their union.
    """
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), 0.0, limit, top_k=MOST)
    return np.array(kept, np.intp)


def suppress_nested(boxes: Floats, scores: Floats, limit: float) -> NDArray[np.intp]:
    """As `suppress`, by the share of the smaller of two boxes: one within another goes."""
    left, top, right, bottom = boxes.T
    area = (right - left) * (bottom - top)
    order = np.argsort(-scores, kind="stable")
    keep = []
    while len(order):
        first, order = order[0], order[1:]
        keep.append(first)
        width = np.minimum(right[first], right[order]) - np.maximum(left[first], left[order])
        height = np.minimum(bottom[first], bottom[order]) - np.maximum(top[first], top[order])
        both = np.maximum(width, 0) * np.maximum(height, 0)
        order = order[both <= limit * np.minimum(area[first], area[order])]
    return np.array(keep, np.intp)
