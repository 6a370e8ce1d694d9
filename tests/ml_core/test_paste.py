import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.images import Affine
from ml_core.paste import clear, paste, upsample


def turned(centre: tuple[float, float], side: float, degrees: float) -> Affine:
    """The cut of a square with this centre and side."""
    angle = np.radians(degrees)
    axes = side * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([axes, np.array(centre) - axes.sum(axis=1) / 2])


def blobs(size: int, classes: int) -> NDArray[np.float32]:
    """Smooth random logits."""
    rng = np.random.default_rng(3)
    coarse = rng.normal(size=(5, 5, classes))
    steps = np.linspace(0, 4, size)
    low = np.minimum(steps.astype(int), 3)
    part = (steps - low)[:, None]
    rows = coarse[low] * (1 - part[:, None]) + coarse[low + 1] * part[:, None]
    return np.asarray(rows[:, low] * (1 - part) + rows[:, low + 1] * part, np.float32)


def by_hand(logits: NDArray[np.float32], cut: Affine, size: tuple[int, int]) -> NDArray[np.int64]:
    """argmax of bilinear interpolation, pixel by pixel in numpy; -1 outside the cut."""
    h, w, _ = logits.shape
    rows, columns = np.mgrid[: size[0], : size[1]]
    points = np.stack([columns + 0.5, rows + 0.5]).reshape(2, -1)
    unit = np.linalg.solve(cut[:, :2], points - cut[:, 2:])
    x, y = np.clip(unit[0] * w - 0.5, 0, w - 1), np.clip(unit[1] * h - 0.5, 0, h - 1)
    x0, y0 = np.minimum(x.astype(int), w - 2), np.minimum(y.astype(int), h - 2)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    top = logits[y0, x0] * (1 - fx) + logits[y0, x0 + 1] * fx
    low = logits[y0 + 1, x0] * (1 - fx) + logits[y0 + 1, x0 + 1] * fx
    best = (top * (1 - fy) + low * fy).argmax(axis=1)
    outside = (unit < 0).any(axis=0) | (unit > 1).any(axis=0)
    return np.where(outside, -1, best).reshape(size)


@pytest.mark.parametrize("classes", [2, 4, 11])
@pytest.mark.parametrize("degrees", [0, 17, 90, 200])
@pytest.mark.parametrize("side", [30, 150, 400])
def test_labels_are_the_argmax_of_interpolated_logits(classes: int, degrees: float, side: float) -> None:
    logits, cut = blobs(32, classes), turned((100, 90), side, degrees)
    expected = by_hand(logits, cut, (180, 200))
    found = upsample(logits, cut, (180, 200))
    inside = expected >= 0
    assert (found[inside] == expected[inside]).mean() > 0.999


def test_logits_of_another_shape_than_the_square() -> None:
    logits = blobs(32, 5)[:, :16]
    cut = np.array([[60.0, 0, 3], [0, 90.0, 4]])
    expected = by_hand(logits, cut, (100, 70))
    inside = expected >= 0
    assert (upsample(logits, cut, (100, 70))[inside] == expected[inside]).mean() > 0.999


def certain(class_id: int, size: int = 8) -> NDArray[np.float32]:
    """Logits of one class everywhere."""
    logits = np.zeros((size, size, 4), np.float32)
    logits[:, :, class_id] = 9
    return logits


def test_outside_the_cuts_is_background() -> None:
    found = paste([certain(1)], [np.array([[20.0, 0, 10], [0, 20.0, 10]])], (50, 60))
    assert (found[11:29, 11:29] == 1).all()
    assert found.astype(bool).sum() <= 24 * 24


def test_no_cuts_no_labels() -> None:
    assert not paste([], [], (5, 6)).any()


def test_what_two_cuts_see_goes_to_the_nearer_in_its_own_measure() -> None:
    small, large = turned((40, 50), 40, 0), turned((80, 50), 80, 0)  # they share x 40 to 60
    for order in ((0, 1), (1, 0)):
        cuts = [(small, large)[index] for index in order]
        found = paste([certain((1, 2)[index]) for index in order], cuts, (100, 140))
        # as far from both centres at 40 + d, where d / 40 = (40 - d) / 80
        assert (found[50, 25:53] == 1).all()
        assert (found[50, 54:118] == 2).all()


def test_whose_a_pixel_is_goes_by_the_homes() -> None:
    wide, other = turned((40, 50), 160, 0), turned((80, 50), 40, 0)
    homes = [turned((40, 50), 40, 0), other]
    for order in ((0, 1), (1, 0)):
        looks = [certain((1, 2)[index]) for index in order]
        cuts = [(wide, other)[index] for index in order]
        found = paste(looks, cuts, (100, 140), homes=[homes[index] for index in order])
        assert (found[50, 1:59] == 1).all()
        assert (found[50, 62:98] == 2).all()


def test_the_background_of_one_cut_erases_nothing_of_another() -> None:
    cuts = [turned((40, 50), 60, 0), turned((60, 50), 60, 10)]
    found = paste([certain(3), certain(0)], cuts, (100, 100))
    assert (found[25:75, 15:65] == 3).all()


@pytest.mark.parametrize("centre", [(-500.0, -500.0), (5.0, 400.0), (0.0, 0.0)])
def test_cuts_partly_or_wholly_outside_the_photo(centre: tuple[float, float]) -> None:
    found = paste([certain(2)], [turned(centre, 30, 30)], (20, 30))
    assert found.shape == (20, 30)
    assert bool(found.any()) == (centre == (0.0, 0.0))


def test_a_face_that_was_refused_is_nobodys_hair() -> None:
    labels = np.full((40, 60), 10, np.uint8)
    labels[:, :30] = 1
    clear(labels, [(20.0, 10.0, 20.0, 20.0), (55.0, -5.0, 20.0, 20.0)], [10])
    assert labels[20, 25] == 1  # in the ellipse, but skin
    assert labels[20, 35] == 0
    assert labels[11, 39] == 10  # in the box, but in its corner
    assert labels[5, 59] == 0
    assert (labels[:, :30] == 1).all()
