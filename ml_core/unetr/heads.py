"""Where a head is in a picture of target codes, so that things can be drawn on and around it.

Head units: the origin is the middle between eyes and mouth, y points to the chin, and the face is 1 high from chin
to hairline. The eyes are then at y = -0.2, the mouth at 0.22, the chin at 0.45, the hairline at -0.5; the face is
0.75 wide.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_core.labels import LabelSet
from ml_core.unetr.augment_config import Codes, Image, Rng
from ml_core.unetr.targets import TargetTable

EYES_TO_MOUTH = 0.47
"""From the upper edge of the eyes to the lower edge of the lips, in head units."""


@dataclass(frozen=True)
class Parts:
    """The codes that drawing has to tell apart; tables are (256,) bool."""

    hair: int
    skin: int
    inner: NDArray[np.bool_]
    """Codes that stand for eyes, nose or mouth alone."""


def parts_of(labels: LabelSet, table: TargetTable, features: Collection[str]) -> Parts | None:
    """By the roles of the classes, the skin being the first of the face, and the names of the features.

    None for a class list without hair, skin or features: nothing is drawn then.
    """
    inner_classes = {index for index, name in enumerate(labels.names) if name in features}
    if not inner_classes or not labels.hair or not labels.face:
        return None
    inner = np.zeros(256, bool)
    inner[[code for code, classes in enumerate(table.sets) if classes <= inner_classes]] = True
    return Parts(labels.hair[0], labels.face[0], inner)


@dataclass(frozen=True)
class Head:
    """affine: (2, 3), head units -> pixels."""

    affine: NDArray[np.float64]

    @property
    def unit(self) -> float:
        """Pixels of a head unit."""
        return float(np.sqrt(abs(np.linalg.det(self.affine[:, :2]))))

    def at(self, x: float, y: float) -> NDArray[np.float64]:
        """(2,) pixels of a place in head units."""
        return np.asarray(self.affine @ (x, y, 1.0))

    def along(self, x: float, y: float) -> NDArray[np.float64]:
        """(2,) unit vector in the picture of a direction in head units."""
        vector = self.affine[:, :2] @ (x, y)
        return np.asarray(vector / np.linalg.norm(vector))

    def moved(self, matrix: NDArray[np.floating]) -> "Head":
        """The head in a picture that the (2, 3) matrix moves this one to."""
        return Head(np.asarray(matrix[:, :2] @ self.affine + [[0, 0, matrix[0, 2]], [0, 0, matrix[1, 2]]]))

    def tilted(self, degrees: float) -> "Head":
        """Turned about the neck: for shoulders that are not as tilted as the head."""
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.array([[cos, -sin, 0.4 * sin], [sin, cos, 0.4 - 0.4 * cos], [0, 0, 1]])
        return Head(np.asarray(self.affine @ turn))

    def grid(self, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(S, S) x and y in head units of each pixel of a frame."""
        inverse = np.linalg.inv(self.affine[:, :2])
        axis = np.arange(size, dtype=np.float32)
        x, y = axis[None] - np.float32(self.affine[0, 2]), axis[:, None] - np.float32(self.affine[1, 2])
        rows = inverse.astype(np.float32)
        return rows[0, 0] * x + rows[0, 1] * y, rows[1, 0] * x + rows[1, 1] * y


def head_in(codes: Codes, parts: Parts) -> Head | None:
    """The upright head in a photo's codes; None where its inner parts are not all seen."""
    rows, columns = np.nonzero(parts.inner[codes])
    if len(rows) < 30:
        return None
    top, bottom = np.percentile(rows, (1, 99))
    unit = (bottom - top) / EYES_TO_MOUTH
    if unit < 0.1 * max(codes.shape):
        return None
    return Head(np.array([[unit, 0, float(columns.mean())], [0, unit, (top + bottom) / 2]]))


def skin_colour(image: Image, codes: Codes, parts: Parts, rng: Rng) -> NDArray[np.float32]:
    """(3,) the median colour of the skin, or somebody's where too little is visible."""
    seen = image[codes == parts.skin]
    if len(seen) < 50:
        share = rng.random()
        return np.asarray(
            np.array([70, 45, 35]) * (1 - share) + np.array([235, 195, 170]) * share, np.float32
        )
    return np.asarray(np.median(seen[:: max(1, len(seen) // 500)], axis=0), np.float32)


def hair_colour(image: Image, codes: Codes, parts: Parts) -> NDArray[np.float32] | None:
    """(3,) the mean colour of the hair; None where hardly any is seen."""
    seen = image[codes == parts.hair]
    return np.asarray(seen.mean(axis=0), np.float32) if len(seen) >= 50 else None
