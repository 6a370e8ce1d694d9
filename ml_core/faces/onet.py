"""O-Net, the last of MTCNN's three networks: the better judge of where the landmarks of an upright face are.

K. Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016.
"""

import numpy as np

from ml_core.faces.alignment import align
from ml_core.faces.protocol import NETWORKS, Floats
from ml_core.faces.views import Octaves
from ml_core.runtime import open_session

SIDE = 48
BATCH = 4
"""Faces per run: small batches stay in the processor's cache, and few sizes keep memory flat."""

SQUARE = np.array([[0.68, 0.0, 0.16], [0.0, 0.68, 0.21], [0.0, 0.0, 1.0]])
"""O-Net's square of a face in the unit square of the same face's alignment (measured)."""


class ONet:
    """The network in memory. `look` may be called by many threads at once."""

    def __init__(self, *, threads: int = 1) -> None:
        self._session = open_session(NETWORKS / "onet.onnx", threads=threads)

    def look(self, photo: Octaves, landmarks: Floats) -> tuple[Floats, Floats]:
        """Scores (n,) in 0..1 and better landmarks (n, 5, 2) for (n, 5, 2) landmarks of faces in a photo."""
        if not len(landmarks):
            return np.empty(0), landmarks
        cuts = np.stack([align(points) @ SQUARE for points in landmarks])
        crops = np.stack([photo.picture(cut, (SIDE, SIDE)) for cut in cuts])
        found = np.concatenate(
            [
                self._session.run(["found"], {"image": crops[first : first + BATCH]})[0]
                for first in range(0, len(crops), BATCH)
            ]
        )
        points = found[:, 4:14].reshape(-1, 2, 5)
        units = np.concatenate([points, np.ones_like(points[:, :1])], axis=1)  # (n, 3, 5)
        return 1 / (1 + np.exp(-found[:, 14])), (cuts @ units).transpose(0, 2, 1)
