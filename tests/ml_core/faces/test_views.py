import numpy as np
import pytest

from ml_core.faces.views import AREA, LEAST, OVERLAP, SEEN, TILES, UNIT, Octaves, tiles, turns, whole_photo

NARROW = [(1, 49_000_000), (49_000_000, 1), (2, 24_000_000), (17, 100_000), (490_000, 100), (40, 65_535)]
SIZES = [
    (960, 1280),
    (3000, 4000),
    (5774, 8660),
    (512, 40_000),
    (6000, 512),
    (1, 1),
    (1, 5000),
    (37, 21),
    *NARROW,
]


@pytest.mark.parametrize("size", SIZES)
def test_pictures_are_of_whole_units_and_of_bounded_size(size: tuple[int, int]) -> None:
    views = [*whole_photo(*size), *tiles(*size, 0.0)]
    assert len(views) <= 2 + TILES
    for cut, (rows, columns) in views:
        assert rows % UNIT == columns % UNIT == 0
        assert rows * columns <= 2 * AREA
        assert cut[0, 0] / columns == pytest.approx(cut[1, 1] / rows)  # no view is stretched


@pytest.mark.parametrize("size", SIZES)
def test_the_first_view_holds_all_of_the_photo(size: tuple[int, int]) -> None:
    cut, _ = next(iter(whole_photo(*size)))
    assert (cut[:, 2] <= 0).all()
    assert (cut.sum(axis=1) >= np.array(size[::-1]) * (1 - 1e-12)).all()


def test_tiles_overlap_and_cover_a_large_photo() -> None:
    covered = np.zeros((300, 400), int)
    scales = set()
    for cut, (_, columns) in tiles(3000, 4000, 0.0):
        (left, top), (right, bottom) = cut[:, 2], cut.sum(axis=1)
        covered[round(top / 10) : round(bottom / 10), round(left / 10) : round(right / 10)] += 1
        scales.add(round(columns / cut[0, 0], 6))
    assert covered.min() >= 1
    (scale,) = scales
    assert scale > 0.9 * SEEN / LEAST
    shared = OVERLAP / scale / 10
    assert (covered > 1).any(axis=0).sum() >= shared


def test_beside_a_large_face_no_tiny_ones_are_looked_for() -> None:
    assert list(tiles(3000, 4000, 1500.0)) == []
    assert 0 < len(list(tiles(3000, 4000, 400.0))) < len(list(tiles(3000, 4000, 0.0)))


def test_a_view_shows_the_photo_as_it_is_at_its_own_size() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    picture = Octaves(photo).picture(np.array([[96.0, 0, 0], [0, 64.0, 0]]), (64, 96))
    assert (picture == photo).all()


def test_of_a_narrow_photo_little_is_looked_at() -> None:
    photo = np.full((1, 3_000_000, 3), 70, np.uint8)
    octaves = Octaves(photo)
    for cut, size in whole_photo(*photo.shape[:2]):
        assert (octaves.picture(cut, size) == 70).all()


def test_turned_views_show_a_turned_photo() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    box = np.array([16.0, 16, 48, 48])
    upright, *turned = (Octaves(photo).picture(*view) for view in turns(box, 2.0, 64))
    assert (upright == photo).all()
    for quarters, picture in enumerate(turned, 1):
        assert (picture == np.rot90(photo, quarters)).all()
