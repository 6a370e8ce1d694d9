"""How a face is cut out: one square, whatever its size and tilt."""

import numpy as np

from ml_core.faces.protocol import Face, Floats
from ml_core.images import Affine


def alignment(face: Face) -> Affine:
    """The cut in which CelebA-HQ shows a face (Karras et al., "Progressive Growing of GANs", appendix C)."""
    return align(face.landmarks)


def align(landmarks: Floats) -> Affine:
    """The cut of (5, 2) landmarks.

    With e the vector between the eyes and m from the eyes' middle to the mouth's, the x axis lies along
    e - rot90(m), half the side is max(2 |e|, 1.8 |m|), and the centre is the eyes' middle + 0.1 m.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    across, down = right_eye - left_eye, mouth - eyes
    # y grows downwards: the quarter turn that takes "right" to "down" takes -m to the image's right
    right = across - np.array([-down[1], down[0]])
    half_side = max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down), 1.0)
    right *= half_side / max(np.hypot(*right), 1e-9)
    below = np.array([-right[1], right[0]])
    return np.column_stack([2 * right, 2 * below, eyes + 0.1 * down - right - below])
