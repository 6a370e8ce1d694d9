"""MTCNN (Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016).

Three small networks: P-Net slides over an image pyramid and proposes squares, R-Net rejects most of them, O-Net
rejects the rest and places five landmarks. Here O-Net then looks once more at each face turned upright, which halves
the error of the landmarks and rejects more of what is no face.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ml_core.faces.alignment import align
from ml_core.faces.boxes import as_cuts, shifted, squared, suppress, suppress_nested
from ml_core.faces.protocol import Face, Floats
from ml_core.faces.pyramid import Pyramid
from ml_core.images import Affine
from ml_core.runtime import open_session

NETWORKS = Path(__file__).parent / "networks"

WINDOW = 12
"""Side in pixels of the square that P-Net judges; it moves by two."""

STEP = 0.6
"""From one P-Net level to the next. The paper's 0.709 takes a fourth longer and finds no more."""

PROPOSE, REFINE, PLACE, ACCEPT = 0.85, 0.7, 0.6, 0.8
"""The least scores of P-Net, R-Net, O-Net at its first look and at its second."""

SURE = 0.97
"""With no face above this score, the photo may be upside down or on its side."""

SMALLEST = 0.05
"""The smallest face looked for by default, as a share of the photo's longer side."""

UPRIGHT = np.array([[0.68, 0.0, 0.16], [0.0, 0.68, 0.21], [0.0, 0.0, 1.0]])
"""O-Net's square of a face in the unit square of the same face's alignment (measured)."""


class Mtcnn:
    """MTCNN's three networks in memory. `find` may be called by many threads at once."""

    def __init__(self, *, threads: int = 1, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        self._pnet, self._rnet, self._onet = (
            open_session(NETWORKS / f"{name}.onnx", providers=providers, threads=threads)
            for name in ("pnet", "rnet", "onet")
        )

    def find(self, image: NDArray[np.uint8], *, min_size: float | None = None) -> list[Face]:
        """The faces of a (height, width, 3) uint8 RGB photo, best first.

        Faces lower than `min_size` pixels may be missed; by default it is 5 % of the longer side, at least
        20. A photo without a sure face is looked at turned by each quarter as well.
        """
        smallest = max(WINDOW, min_size or max(20.0, SMALLEST * max(image.shape[:2])))
        octaves = Pyramid.of(image, least=2 * WINDOW).octaves
        # no network sees a face at more than twice O-Net's 48 pixels: larger octaves are of no use
        spare = min(max(0, int(np.log2(smallest / 48))), len(octaves) - 1)
        base, smallest = octaves[spare], smallest / 2**spare
        scale = np.array(image.shape[1::-1]) / base.shape[1::-1]
        faces = self._find_upright(Pyramid(octaves[spare:]), smallest)
        if max((face.score for face in faces), default=0.0) < SURE:
            for quarters in (1, 2, 3):
                turned = Pyramid.of(np.ascontiguousarray(np.rot90(base, quarters)), least=2 * WINDOW)
                sure = [face for face in self._find_upright(turned, smallest) if face.score >= SURE]
                faces += [_moved(face, _turn_back(quarters, base.shape)) for face in sure]
        boxes = np.array([face.box for face in faces]).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        scores = np.array([face.score for face in faces])
        kept = suppress_nested(boxes, scores, 0.5)
        return [_moved(faces[index], np.column_stack([np.diag(scale), (0, 0)])) for index in kept]

    def _find_upright(self, pyramid: Pyramid, smallest: float) -> list[Face]:
        squares = self._propose(pyramid, smallest)
        squares = self._refine(pyramid, squares) if len(squares) else squares
        return self._place(pyramid, squares) if len(squares) else []

    def _propose(self, pyramid: Pyramid, smallest: float) -> Floats:
        """P-Net: (n, 4) squares that may hold a face."""
        canvas, tiles = pyramid.mosaic(WINDOW / smallest, STEP, WINDOW)
        if not tiles:
            return np.empty((0, 4))
        (found,) = self._pnet.run(["found"], {"image": canvas[None]})  # (1, 5, rows, columns)
        rows, columns = np.nonzero(found[0, 4] >= _logit(PROPOSE))
        answers = found[0, :, rows, columns]  # (n, 5)
        corners = 2.0 * np.stack([columns, rows], axis=1)
        windows = np.concatenate([corners, corners + WINDOW], axis=1)
        boxes = []
        for tile in tiles:
            inside = (corners >= (tile.left, tile.top)) & (corners + WINDOW <= (tile.right, tile.bottom))
            mine = np.flatnonzero(inside.all(axis=1))
            mine = mine[suppress(windows[mine], answers[mine, 4], 0.5)]
            placed = windows[mine] - np.tile((tile.left, tile.top), 2) + WINDOW * answers[mine, :4]
            scale = pyramid.scale((tile.height, tile.width))
            boxes.append(np.column_stack([placed / np.tile(scale, 2), answers[mine, 4]]))
        found = np.concatenate(boxes)
        return squared(found[suppress(found[:, :4], found[:, 4], 0.5), :4])

    def _refine(self, pyramid: Pyramid, squares: Floats) -> Floats:
        """R-Net: those of the squares that hold a face, moved to where it is."""
        found = _in_batches(self._rnet, pyramid.crops(as_cuts(squares), 24), 16)
        good = np.flatnonzero(found[:, 4] >= _logit(REFINE))
        moved = squared(shifted(squares[good], found[good, :4]))
        return moved[suppress(moved, found[good, 4], 0.7)]

    def _place(self, pyramid: Pyramid, squares: Floats) -> list[Face]:
        """O-Net, twice: the faces among the squares."""
        shift, scores, landmarks = self._look(pyramid, as_cuts(squares))
        boxes = shifted(squares, shift)
        good = np.flatnonzero(scores >= PLACE)
        good = good[suppress_nested(boxes[good], scores[good], 0.7)]
        if not len(good):
            return []
        upright = np.stack([align(points) @ UPRIGHT for points in landmarks[good]])
        _, scores, landmarks = self._look(pyramid, upright)
        corners = boxes[good].tolist()
        return [
            Face((left, top, right - left, bottom - top), float(score), points)
            for (left, top, right, bottom), score, points in zip(corners, scores, landmarks, strict=True)
            if score >= ACCEPT
        ]

    def _look(self, pyramid: Pyramid, cuts: Floats) -> tuple[Floats, Floats, Floats]:
        """O-Net on (n, 2, 3) cuts: box shifts (n, 4), scores (n,) and landmarks (n, 5, 2) in the photo."""
        found = _in_batches(self._onet, pyramid.crops(cuts, 48), 4)
        points = found[:, 4:14].reshape(-1, 2, 5)
        units = np.concatenate([points, np.ones_like(points[:, :1])], axis=1)  # (n, 3, 5)
        return found[:, :4], 1 / (1 + np.exp(-found[:, 14])), (cuts @ units).transpose(0, 2, 1)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _in_batches(net: ort.InferenceSession, crops: NDArray[np.uint8], size: int) -> Floats:
    """(n, side, side, 3) through R-Net or O-Net. Small batches stay in the cache; few sizes keep memory flat."""
    found = [
        net.run(["found"], {"image": crops[first : first + size]})[0] for first in range(0, len(crops), size)
    ]
    return np.concatenate(found)


def _turn_back(quarters: int, shape: tuple[int, ...]) -> Affine:
    """From np.rot90(photo, quarters), which turns anticlockwise, to the photo of `shape`."""
    height, width = shape[:2]
    turns = {
        1: [[0, -1, width], [1, 0, 0]],
        2: [[-1, 0, width], [0, -1, height]],
        3: [[0, 1, 0], [-1, 0, height]],
    }
    return np.array(turns[quarters], np.float64)


def _moved(face: Face, affine: Affine) -> Face:
    x, y, width, height = face.box
    points = np.vstack([[(x, y), (x + width, y + height)], face.landmarks]) @ affine[:, :2].T + affine[:, 2]
    left, top = points[:2].min(axis=0).tolist()
    right, bottom = points[:2].max(axis=0).tolist()
    return Face((left, top, right - left, bottom - top), face.score, points[2:])
