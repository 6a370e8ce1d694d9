import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco

from ml_core.regions import Region, polygons, region_stats, rle
from tests.tiny_bundle import draw_face


def painted(polygon: list[list[float]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """What COCO's own tool makes of the polygons."""
    return coco.decode(coco.merge(coco.frPyObjects(polygon, *shape))).astype(bool)  # type: ignore[no-any-return]


def test_stats_name_the_classes_present_with_pixels_and_box() -> None:
    labels = np.zeros((10, 20), np.uint8)
    labels[2:5, 3:9] = 4
    labels[9, 19] = 1
    assert region_stats(labels, 11) == [
        Region(0, 181, (0, 0, 20, 10)),
        Region(1, 1, (19, 9, 1, 1)),
        Region(4, 18, (3, 2, 6, 3)),
    ]


def test_run_lengths_read_back_with_pycocotools() -> None:
    mask = draw_face(60, 90) == 10
    found = rle(mask)
    assert found["size"] == [60, 90]
    assert isinstance(found["counts"], str)
    assert (coco.decode(found) == mask).all()


@pytest.mark.parametrize("class_id", range(1, 10))
def test_polygons_cover_their_class(class_id: int) -> None:
    face = draw_face(300, 240)
    mask = (face > 0) & (face < 10) if class_id == 1 else face == class_id  # skin's holes are filled
    found = painted(polygons(face == class_id), mask.shape)
    assert (found & mask).sum() / (found | mask).sum() > 0.95


def test_pieces_lines_and_single_pixels_all_get_a_polygon() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2, 3] = mask[10, 2:9] = mask[12:18, 15] = True
    found = polygons(mask)
    assert len(found) == 3
    assert all(len(piece) >= 6 for piece in found)
    assert sorted(found)[1] == [3.25, 2.25, 3.25, 2.75, 3.75, 2.75, 3.75, 2.25]


def test_an_empty_mask_has_no_polygons() -> None:
    assert polygons(np.zeros((5, 5), bool)) == []
