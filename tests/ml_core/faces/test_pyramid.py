import numpy as np
import pytest

from ml_core.faces.boxes import suppress, suppress_nested
from ml_core.faces.pyramid import Pyramid


@pytest.mark.parametrize("size", [(960, 1280), (1280, 960), (300, 300), (37, 900), (900, 37)])
def test_every_scale_lies_whole_on_the_canvas_and_none_over_another(size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), 200, np.uint8)
    canvas, tiles = Pyramid.of(photo, least=24).mosaic(0.33, 0.6, 12)
    assert tiles[0].width == round(size[1] * 0.33)
    covered = np.zeros(canvas.shape[:2], int)
    for tile in tiles:
        assert min(tile.width, tile.height) >= 12
        assert tile.right <= canvas.shape[1]
        assert tile.bottom <= canvas.shape[0]
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert covered.max() == 1
    assert (canvas[covered == 1] == 200).all()
    assert not canvas[covered == 0].any()


def test_a_canvas_takes_little_more_room_than_its_tiles() -> None:
    canvas, tiles = Pyramid.of(np.zeros((960, 1280, 3), np.uint8), least=24).mosaic(12 / 64, 0.6, 12)
    assert canvas.shape[0] * canvas.shape[1] < 1.1 * sum(tile.width * tile.height for tile in tiles)


def test_a_photo_smaller_than_a_face_has_no_tiles() -> None:
    assert Pyramid.of(np.zeros((5, 5, 3), np.uint8), least=24).mosaic(1.0, 0.6, 12)[1] == []


def test_of_overlapping_boxes_the_best_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [22, 22, 26, 26]], float)
    scores = np.array([0.6, 0.9, 0.7, 0.8])
    assert suppress(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert suppress_nested(boxes, scores, 0.5).tolist() == [1, 3]


def test_no_boxes() -> None:
    none = np.empty((0, 4))
    assert len(suppress(none, np.empty(0), 0.5)) == len(suppress_nested(none, np.empty(0), 0.5)) == 0
