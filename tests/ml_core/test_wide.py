import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.images import pixel_affine
from ml_core.wide import enlarged, merge, reaching, wider

SIZE = 32
CUT = np.array([[100.0, 0, 150], [0, 100.0, 150]])
PHOTO = (400, 400)


def logits_of(labels: NDArray[np.int64], classes: int = 4) -> NDArray[np.float32]:
    return np.asarray(10 * np.eye(classes)[labels], np.float32)


def test_a_class_that_ends_within_the_cut_does_not_reach_beyond() -> None:
    labels = np.zeros((SIZE, SIZE), int)
    labels[1:-1, 1:-1] = 1
    assert reaching(logits_of(labels), CUT, PHOTO) == []
    labels[20:, 4:28] = 2
    assert reaching(logits_of(labels), CUT, PHOTO) == [2]


def test_a_few_points_at_the_border_are_noise() -> None:
    labels = np.zeros((SIZE, SIZE), int)
    labels[0, 5] = 1
    assert reaching(logits_of(labels), CUT, PHOTO) == []


def test_nothing_reaches_beyond_the_photo() -> None:
    labels = np.ones((SIZE, SIZE), int)
    assert reaching(logits_of(labels), CUT, PHOTO) == [1]
    assert reaching(logits_of(labels), np.array([[400.0, 0, 0], [0, 400.0, 0]]), PHOTO) == []


@pytest.mark.parametrize("size", [32, 33])
def test_the_wider_grid_holds_the_first_one_where_it_was(size: int) -> None:
    turned = np.array([[80.0, -60.0, 10], [60.0, 80.0, 20]])
    full = logits_of(np.ones((size, size), int))
    grid = merge(full, full, [1])
    assert grid is not None
    place = pixel_affine(wider(turned, (size, size)), (grid.shape[0], grid.shape[1]))
    start = place @ (size // 2, size // 2, 1)
    assert start == pytest.approx(pixel_affine(turned, (size, size)) @ (0, 0, 1))
    assert place[:, :2] == pytest.approx(pixel_affine(turned, (size, size))[:, :2])


def test_a_cut_grows_about_its_centre() -> None:
    assert enlarged(CUT, 2, 3) == pytest.approx(np.array([[200.0, 0, 100], [0, 300.0, 50]]))


def merged(inner: NDArray[np.int64], wide: NDArray[np.int64], classes: list[int]) -> NDArray[np.int64]:
    found = merge(logits_of(inner), logits_of(wide), classes)
    assert found is not None
    return np.asarray(found.argmax(axis=2))


def test_hair_goes_on_beyond_the_cut_and_only_hair() -> None:
    inner, wide = np.zeros((2, SIZE, SIZE), int)
    inner[16:, 10:20] = 3
    wide[16:, 13:18] = 3  # the same hair at half the size, down to the wider cut's border
    wide[:8] = 1  # something that the first look does not see
    found = merged(inner, wide, [3])
    assert (found[33:64, 28:34] == 3).all()
    assert not (found == 1).any()


def test_the_first_look_stands_away_from_its_border() -> None:
    inner, wide = np.zeros((2, SIZE, SIZE), int)
    inner[:] = 2
    wide[:] = 3
    found = merged(inner, wide, [3])
    assert (found[16 + 4 : 48 - 4, 16 + 4 : 48 - 4] == 2).all()
    assert (found[:16] == 3).all()


def test_anothers_hair_that_is_not_connected_is_left_out() -> None:
    inner, wide = np.zeros((2, SIZE, SIZE), int)
    inner[16:, 10:20] = 3
    wide[16:, 13:18] = 3
    wide[:, 28:] = 3
    assert not (merged(inner, wide, [3])[:, 56:] == 3).any()


def test_a_part_beyond_that_the_network_is_not_sure_of_is_left_out() -> None:
    labels = np.zeros((SIZE, SIZE), int)
    labels[16:, 10:20] = 3
    look = logits_of(labels)
    assert merge(look, look, [3]) is not None
    assert merge(look, look * np.float32(0.1), [3]) is None
