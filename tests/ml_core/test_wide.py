from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.images import Affine, pixel_affine, sample
from ml_core.wide import beyond, reaching

SIZE = 32
CUT = np.array([[100.0, 0, 450], [0, 100.0, 450]])
PHOTO = (1000, 1000)


def logits_of(labels: NDArray[np.integer], classes: int = 4) -> NDArray[np.float32]:
    return np.asarray(10 * np.eye(classes)[labels], np.float32)


def looking_at(scene: NDArray[np.uint8], size: int) -> Callable[[Affine], NDArray[np.float32]]:
    """A network that sees a scene of class ids as it is."""
    three = np.stack([np.where(scene == c, 255, 0) for c in (1, 2, 3)], axis=2).astype(np.uint8)

    def look(cut: Affine) -> NDArray[np.float32]:
        shares = sample(three, cut, (size, size))
        return logits_of(np.where(shares.max(axis=2) > 127, shares.argmax(axis=2) + 1, 0))

    return look


def seen(scene: NDArray[np.uint8], cut: Affine = CUT, side: int = 24) -> NDArray[np.uint8]:
    """What both looks make of a scene: the labels of the returned cut, at the places of the scene."""
    first = looking_at(scene, SIZE)(cut)
    logits, area = beyond(first, cut, (scene.shape[0], scene.shape[1]), looking_at(scene, side))
    found = np.zeros_like(scene)
    place = pixel_affine(area, (logits.shape[0], logits.shape[1]))
    rows, columns = np.mgrid[: logits.shape[0], : logits.shape[1]].reshape(2, -1)
    x, y = np.round(place @ np.stack([columns, rows, np.ones_like(rows)])).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < scene.shape[1]) & (y < scene.shape[0])
    found[y[inside], x[inside]] = logits.argmax(axis=2).ravel()[inside]
    return found


def hair(*boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A scene of 1000 x 1000 with class 3 in left, top, right, bottom boxes."""
    scene = np.zeros(PHOTO, np.uint8)
    for left, top, right, bottom in boxes:
        scene[top:bottom, left:right] = 3
    return scene


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
    assert reaching(logits_of(labels), np.array([[1000.0, 0, 0], [0, 1000.0, 0]]), PHOTO) == []


def test_hair_goes_on_beyond_the_cut_and_only_hair() -> None:
    scene = hair((480, 500, 520, 620))
    scene[400:450, 400:440] = 1  # something that the first look does not see
    found = seen(scene)
    assert found[500:615].max() == 3
    assert not (found == 1).any()
    outside = found[555:612, 484:516]
    assert (outside[outside > 0] == 3).all() and outside.any()
    assert not found[630:].any()


@pytest.mark.parametrize("turn", [0, 90, 180, 30])
def test_hair_is_where_it_was_whatever_the_turn_of_the_cut(turn: int) -> None:
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    axes = 100 * np.array([[cos, -sin], [sin, cos]])
    cut = np.column_stack([axes, np.array([500.0, 500]) - axes.sum(axis=1) / 2])
    down = axes[:, 1] / 100  # hair falls to the chin's side
    scene = np.zeros(PHOTO, np.uint8)
    rows, columns = np.mgrid[:1000, :1000]
    along = (columns - 500) * down[0] + (rows - 500) * down[1]
    across = (columns - 500) * down[1] - (rows - 500) * down[0]
    scene[(np.abs(across) < 20) & (along > 0) & (along < 100)] = 3
    found = seen(scene, cut)
    assert (scene[found == 3] == 3).mean() > 0.9
    assert (found == 3)[(along > 60) & (along < 95) & (scene == 3)].sum() > 80


def test_what_is_longer_than_the_widest_look_has_no_straight_end() -> None:
    found = seen(hair((400, 500, 600, 1000)))
    lowest = [int(np.flatnonzero(found[:, x]).max()) for x in range(420, 580) if found[:, x].any()]
    assert min(lowest) > 570 and max(lowest) < 640
    assert max(lowest) - min(lowest) > 15


def test_where_the_photo_ends_hair_may_end_straight() -> None:
    scene = hair((470, 500, 530, 590))[:590]
    found = seen(scene)
    assert {int(np.flatnonzero(found[:, x]).max()) for x in range(480, 520) if found[:, x].any()} <= {
        588,
        589,
        587,
    }


def test_the_wider_look_takes_no_more_than_the_photo_has() -> None:
    asked = []

    def look(cut: Affine) -> NDArray[np.float32]:
        asked.append(cut)
        return logits_of(np.full((24, 24), 3))

    full = logits_of(np.full((SIZE, SIZE), 3))
    beyond(full, np.array([[100.0, 0, 0], [0, 100.0, 10]]), (120, 110), look)
    (cut,) = asked
    assert 120 <= cut[0, 0] < 130 and 120 <= cut[1, 1] < 130
    assert cut[1, 2] == pytest.approx(0, abs=8)


def test_the_first_look_stands_away_from_its_border() -> None:
    inner = logits_of(np.full((SIZE, SIZE), 2))
    inner[-1, :, :] = logits_of(np.full(SIZE, 3))
    logits, cut = beyond(inner, CUT, PHOTO, lambda _: logits_of(np.full((24, 24), 3)))
    place = pixel_affine(cut, (logits.shape[0], logits.shape[1]))
    (left, top) = (
        np.linalg.solve(place[:, :2], pixel_affine(CUT, (SIZE, SIZE))[:, 2] - place[:, 2]).round().astype(int)
    )
    labels = logits.argmax(axis=2)
    assert (labels[top + 4 : top + 27, left + 4 : left + 28] == 2).all()
    assert (labels[top + SIZE + 1, left : left + SIZE] == 3).all()


def test_what_ends_near_the_border_of_the_cut_is_kept() -> None:
    scene = hair((440, 400, 475, 620))
    scene[500:546, 485:525] = 1  # a chin, down to a few pixels above the border
    found = seen(scene)
    assert (found[590:610, 445:470] == 3).any(), "there was a wider look"
    rows, columns = np.nonzero(found == 1)
    assert rows.max() > 541 and columns.min() < 489 and columns.max() > 521
    inside = found[502:544, 488:522]
    assert (inside[inside > 0] == 1).all()


def test_hair_is_not_laid_over_anothers_skin_whatever_else_reaches_beyond() -> None:
    scene = hair((480, 500, 520, 620), (560, 540, 580, 620), (480, 600, 580, 620))
    scene[500:620, 455:475] = 1  # the own skin, which goes on
    scene[560:598, 525:558] = 1  # of somebody else
    look = looking_at(scene, 48)

    def doubtful(cut: Affine) -> NDArray[np.float32]:
        """Hair comes second wherever there is skin."""
        logits = look(cut)
        logits[..., 3] += np.where(logits[..., 1] > 0, np.float32(6), np.float32(0))
        return logits

    logits, cut = beyond(looking_at(scene, SIZE)(CUT), CUT, PHOTO, doubtful)
    place = cv2.invertAffineTransform(pixel_affine(cut, (logits.shape[0], logits.shape[1])))
    column, row = np.round(place @ (541, 580, 1)).astype(int)
    assert logits[row, column].argmax() == 0


def test_anothers_hair_that_is_not_connected_is_left_out() -> None:
    found = seen(hair((480, 500, 520, 600), (570, 300, 610, 700)))
    assert (found[560:590] == 3).any()
    assert not found[:, 560:].any()


def test_a_part_beyond_that_the_network_is_not_sure_of_is_left_out() -> None:
    scene = hair((480, 500, 520, 600))
    first = looking_at(scene, SIZE)(CUT)
    look = looking_at(scene, 24)
    logits, cut = beyond(first, CUT, PHOTO, look)
    assert logits.shape[0] > SIZE
    logits, cut = beyond(first, CUT, PHOTO, lambda wider: look(wider) * np.float32(0.04))
    assert logits is first and cut is CUT
