"""How a face is cut out: one square, whatever its size and tilt."""

import numpy as np

from ml_core.faces.protocol import Face, Floats
from ml_core.images import Affine

LEAST = 0.7
"""Half the side of a cut over the root of the box's area, at least; frontal faces have 0.78 +- 0.07."""

SLACK = 0.1
"""Half sides by which the box's middle may lie beside that of the landmarks before the cut follows it."""


def alignment(face: Face) -> Affine:
    """The cut of a face: `align`, corrected by its box where that holds the landmarks.

    In profile the landmarks lie at the front of the head and may be close together: the cut moves sideways with the
    box, which is about all of the face, and is not smaller than the box says.
    """
    cut = align(face.landmarks)
    x, y, width, height = face.box
    inside = np.abs(face.landmarks.mean(axis=0) - (x + width / 2, y + height / 2)) < (width / 2, height / 2)
    if not inside.all():
        return cut
    right, down = cut[:, 0] / 2, cut[:, 1] / 2
    centre, half_side = cut[:, 2] + right + down, np.hypot(*right)
    beside = right @ ((x + width / 2, y + height / 2) - centre) / half_side**2
    centre = centre + np.sign(beside) * max(0.0, abs(beside) - SLACK) * right
    larger = max(1.0, LEAST * np.sqrt(width * height) / half_side)
    return np.column_stack([2 * larger * right, 2 * larger * down, centre - larger * (right + down)])


def align(landmarks: Floats) -> Affine:
    """The cut in which CelebA-HQ shows a face (Karras et al., "Progressive Growing of GANs", appendix C).

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
