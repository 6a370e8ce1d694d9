"""What a condition does to a photo and its labels, and which group a skin belongs to."""

import numpy as np
import pytest

from ml_core.labels import IGNORE
from tests.drawn import painted_face
from training.strata import conditions, rotated, skin_tone


def test_a_turned_photo_keeps_all_its_pixels_and_its_labels_go_with_it() -> None:
    image, labels = painted_face(65)
    turned, marked = rotated((image, labels), 90)
    np.testing.assert_array_equal(np.bincount(marked.ravel())[1:], np.bincount(labels.ravel())[1:])
    rows, columns = np.nonzero(marked)
    inner = turned[rows.min() : rows.max(), columns.min() : columns.max()]
    assert (inner == 128).all(axis=2).mean() < 0.01  # none of the canvas
    assert tuple(turned[0, 0]) == (128, 128, 128)


def test_pixels_that_do_not_count_still_do_not_when_turned() -> None:
    image, labels = painted_face(64)
    labels[20:40, 20:40] = IGNORE
    assert (rotated((image, labels), 30)[1] == IGNORE).sum() == pytest.approx(400, rel=0.05)


@pytest.mark.parametrize(("factor", "level"), [("0.25", 25), ("2.0", 200)])
def test_brightness_is_a_factor(factor: str, level: int) -> None:
    pair = np.full((8, 8, 3), 100, np.uint8), np.zeros((8, 8), np.uint8)
    assert (conditions([])["brightness"][factor](pair, 0)[0] == level).all()


def test_blur_leaves_the_labels_alone() -> None:
    image, labels = painted_face(64)
    blurred, same = conditions([])["blur"]["4"]((image, labels), 0)
    assert same is labels
    assert blurred.std() < image.std()


@pytest.mark.parametrize(
    ("color", "group"),
    [
        ((222, 191, 172), "very light"),
        ((211, 171, 142), "light"),
        ((198, 154, 122), "intermediate"),
        ((176, 131, 96), "tan"),
        ((130, 88, 60), "brown"),
        ((60, 38, 28), "dark"),
    ],
)
def test_skin_tone_by_the_individual_typology_angle(color: tuple[int, int, int], group: str) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    labels = np.zeros((4, 4), np.uint8)
    image[1:3], labels[1:3] = color, 1
    assert skin_tone(image, labels, 1) == group
    assert skin_tone(image, np.zeros_like(labels), 1) is None
