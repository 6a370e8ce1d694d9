"""CenterFace (Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019) in several looks.

The network sees a photo at two or three scales (views.py). Its score falls off slowly, so that a face which is small,
turned or covered still scores about 0.1: uncertain detections are looked at again, enlarged and at four rotations.
O-Net then refines the landmarks of the faces that it accepts.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_core.faces.boxes import suppress, suppress_nested
from ml_core.faces.onet import ONet
from ml_core.faces.protocol import NETWORKS, Face, Floats
from ml_core.faces.views import Octaves, View, tiles, turns, whole_photo
from ml_core.images import Affine
from ml_core.runtime import open_session

CELL = 4
"""Pixels from one answer of the network to the next."""

HINT, TINY, SURE = 0.05, 0.02, 0.5
"""Scores from which something is looked at again, in all of a photo and in its parts, and is a face."""

TRUSTED = 0.7
"""O-Net's score from which its landmarks are the better ones."""

ROUNDS, STILL = 3, 0.05
"""O-Net looks again, from its own landmarks, where one moved by more than this share of their extent."""

BATCH = 8
"""Second looks per run."""

AGAIN, ROOM = 64, 1.7
"""Side in pixels of the picture of a second look, and how much larger it is than the face in it."""

PARSED = 18
"""Height in pixels below which there is nothing to parse in a face."""

DOUBTFUL, MORE = 32, 8
"""Second looks per photo at most, the best hints first; and how many more for each of its parts."""


@dataclass(frozen=True)
class Seen:
    """Detections in a photo: scores (n,), and points (n, 7, 2), a box's two corners, then the landmarks."""

    scores: Floats
    points: Floats

    def __getitem__(self, chosen: NDArray[np.integer] | NDArray[np.bool_] | list[int] | slice) -> "Seen":
        return Seen(self.scores[chosen], self.points[chosen])

    def boxes(self) -> Floats:
        """(n, 4) left, top, right, bottom; corners may have been turned."""
        corners = self.points[:, :2]
        return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


class CenterFace:
    """The networks in memory. `find` may be called by many threads at once."""

    def __init__(self, *, threads: int = 1) -> None:
        self._network = open_session(NETWORKS / "centerface.onnx", threads=threads)
        self._onet = ONet(threads=threads)

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """As FaceFinder has it. Finds faces of at least 24 pixels; over 12 megapixels that minimum grows."""
        octaves = Octaves(image)
        height, width = image.shape[:2]
        seen = _joined([self._look(octaves, [view])[0] for view in whole_photo(height, width)])
        boxes = seen.boxes()[seen.scores >= SURE]
        largest = float((boxes[:, 3] - boxes[:, 1]).max(initial=0.0))
        parts = [self._look(octaves, [view], TINY)[0] for view in tiles(height, width, largest)]
        seen = _joined([seen, *parts])
        seen = _within(seen, height, width)
        seen = seen[suppress(seen.boxes(), seen.scores, 0.3)]
        sure = seen.scores >= SURE
        good, known = self._refined(octaves, seen[sure])
        doubtful = _joined([good[~known], seen[~sure]])[: DOUBTFUL + MORE * len(parts)]
        again = self._again(octaves, doubtful, (~known).sum())
        found = _joined([good, self._refined(octaves, again)[0]])
        found = _within(found, height, width)
        found = found[suppress_nested(found.boxes(), found.scores, 0.6)]
        return [
            Face((left, top, right - left, bottom - top), float(found.scores[index]), found.points[index, 2:])
            for index, (left, top, right, bottom) in enumerate(found.boxes().tolist())
        ]

    def _look(self, octaves: Octaves, views: list[View], least: float = HINT) -> list[Seen]:
        """What the network sees in each of some views of one size, from a score of `least` on."""
        pictures = np.stack([octaves.picture(*view) for view in views])
        (found,) = self._network.run(["found"], {"image": pictures})  # (n, 15, rows, columns)
        return [_decoded(answers, least, *view) for answers, view in zip(found, views, strict=True)]

    def _again(self, octaves: Octaves, doubtful: Seen, unknown: int) -> Seen:
        """Second looks: the best of four rotations of each detection, if its score reaches SURE.

        A hint that its close-up rejects is not rotated further. The first `unknown` detections, which O-Net rejected,
        are, since they may be turned or in profile.
        """
        views = [turns(box, ROOM, AGAIN) for box in doubtful.boxes()]
        found = self._central(octaves, doubtful, [view[0] for view in views])
        scores = np.array([seen.scores.max(initial=0.0) for seen in found])
        open_ = np.flatnonzero((np.arange(len(scores)) < unknown) | ((scores >= HINT) & (scores < SURE)))
        for turn in (1, 2, 3):
            turned = self._central(octaves, doubtful[open_], [views[index][turn] for index in open_])
            for index, seen in zip(open_, turned, strict=True):
                found[index] = _joined([found[index], seen])
        best = [seen[[int(seen.scores.argmax())]] for seen in found if len(seen.scores)]
        return _joined([doubtful[:0], *(seen for seen in best if seen.scores[0] >= SURE)])

    def _central(self, octaves: Octaves, doubtful: Seen, views: list[View]) -> list[Seen]:
        """For each detection, what the network finds in its close-up that matches it."""
        looks = []
        for first in range(0, len(views), BATCH):
            looks += self._look(octaves, views[first : first + BATCH])
        return [_like(seen, box) for seen, box in zip(looks, doubtful.boxes(), strict=True)]

    def _refined(self, octaves: Octaves, seen: Seen) -> tuple[Seen, NDArray[np.bool_]]:
        """The detections, with O-Net's landmarks and score where it accepts the face, and a mask of those."""
        scores, points = seen.scores.copy(), seen.points.copy()
        known = np.zeros(len(scores), bool)
        left = np.arange(len(scores))
        for _ in range(ROUNDS):
            rated, landmarks = self._onet.look(octaves, points[left, 2:])
            good = rated >= TRUSTED
            left, rated, landmarks = left[good], rated[good], landmarks[good]
            moved = np.abs(landmarks - points[left, 2:]).max(axis=(1, 2))
            points[left, 2:], known[left] = landmarks, True
            scores[left] = np.maximum(seen.scores[left], rated)
            left = left[moved > STILL * np.ptp(points[left, 2:], axis=1).max(axis=1)]
        return Seen(scores, points), known


def _joined(parts: list[Seen]) -> Seen:
    return Seen(
        np.concatenate([part.scores for part in parts]), np.concatenate([part.points for part in parts])
    )


def _within(seen: Seen, height: int, width: int) -> Seen:
    """Without what is too small, and without the mirror images beyond the photo."""
    boxes = seen.boxes()
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    beyond = np.maximum(-centres, centres - (width, height))
    return seen[(sides[:, 1] >= PARSED) & (beyond <= 0.1 * sides).all(axis=1)]


def _decoded(answers: Floats, least: float, cut: Affine, size: tuple[int, int]) -> Seen:
    """(15, rows, columns) answers for a cut -> what they say about the photo."""
    rows, columns = np.nonzero(answers[0] >= math.log(least / (1 - least)))
    values = answers[:, rows, columns]  # (15, n)
    half = CELL * np.exp(values[1:3]) / 2  # height, width
    centre = CELL * (np.stack([rows, columns]) + values[3:5] + 0.5)
    corners = np.stack([centre - half, centre + half])  # (2, 2, n)
    landmarks = corners[0] + values[5:].reshape(5, 2, -1) * 2 * half  # (5, 2, n)
    points = np.concatenate([corners, landmarks]).transpose(2, 0, 1)[..., ::-1] / size[::-1]
    seen = Seen(1 / (1 + np.exp(-values[0])), points @ cut[:, :2].T + cut[:, 2])
    return seen[suppress(seen.boxes(), seen.scores, 0.3)]


def _like(seen: Seen, box: Floats) -> Seen:
    """The detections whose centre and size match the box."""
    boxes = seen.boxes()
    side = (box[2:] - box[:2]).max()
    away = np.abs(boxes[:, :2] + boxes[:, 2:] - box[:2] - box[2:]).max(axis=1) / 2
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / side
    return seen[(away < 0.3 * side) & (size > 0.5) & (size < 2.0)]
