"""Crowds: how they are made, and how faces are counted in them."""

import numpy as np

from training.manifest import Manifest
from training.mosaics import crowd, match, on_scene
from training.photos import pairs, read

FACE = (100.0, 100.0, 80.0, 100.0)


def test_one_box_a_face() -> None:
    near = (105.0, 95.0, 90.0, 110.0)
    assert match([FACE], [near]) == ({0}, 0)
    assert match([FACE], [near, FACE]) == ({0}, 1)  # the same face again is a false one
    assert match([FACE], []) == (set(), 0)


def test_a_box_elsewhere_or_of_another_size_is_false() -> None:
    elsewhere, tiny = (300.0, 100.0, 80.0, 100.0), (130.0, 140.0, 16.0, 20.0)
    assert match([FACE], [elsewhere, tiny]) == (set(), 2)


def test_crowds_have_one_to_six_faces_that_do_not_overlap(painted: Manifest) -> None:
    test = pairs(painted.root / "test")
    scenes = sorted((painted.root / "scenes").glob("*"))
    mosaics = [crowd(test, scenes, number) for number in range(12)]
    assert [len(mosaic.places) for mosaic in mosaics] == [1, 2, 3, 4, 5, 6] * 2
    for mosaic in mosaics:
        ends = [left + width for left, _, width, _ in mosaic.places]
        starts = [left for left, *_ in mosaic.places]
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
        assert mosaic.image.shape[:2] == mosaic.labels.shape
        boxes = mosaic.boxes(set(range(1, 10)))
        assert len(boxes) == len(mosaic.places)
    np.testing.assert_array_equal(mosaics[5].image, crowd(test, scenes, 5).image)


def test_a_photo_lies_where_its_labels_lie(painted: Manifest) -> None:
    scenes = sorted((painted.root / "scenes").glob("*"))
    image, labels = read(pairs(painted.root / "test")[0])
    mosaic = on_scene([(image, labels)], scenes, 3, sides=[256 / 960])
    ((left, top, width, height),) = mosaic.places
    area = slice(top, top + height), slice(left, left + width)
    np.testing.assert_array_equal(mosaic.image[area], image)
    np.testing.assert_array_equal(mosaic.labels[area], labels)
    mosaic.labels[area] = 0
    assert not mosaic.labels.any()


def test_a_photo_that_is_not_square_keeps_its_shape(painted: Manifest) -> None:
    scenes = sorted((painted.root / "scenes").glob("*"))
    image, labels = read(pairs(painted.root / "test")[0])
    upright = image[:, :128], labels[:, :128]
    lying = image[:64], labels[:64]
    mosaic = on_scene([upright, lying], scenes, 3, sides=[256 / 960, 256 / 960])
    assert [place[2:] for place in mosaic.places] == [(128, 256), (256, 64)]
    for (left, top, width, height), (_, marked) in zip(mosaic.places, [upright, lying], strict=True):
        np.testing.assert_array_equal(mosaic.labels[top : top + height, left : left + width], marked)
