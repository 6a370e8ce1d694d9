from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pycocotools import mask as coco

from ml_core.regions import Region, class_pixels, polygons, region_stats, rle
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


def test_stats_without_background_and_of_nothing_else() -> None:
    assert region_stats(np.full((3, 5), 2, np.uint8), 3) == [Region(2, 15, (0, 0, 5, 3))]
    assert region_stats(np.zeros((3, 5), np.uint8), 3) == [Region(0, 15, (0, 0, 5, 3))]


def test_pixels_are_counted_beyond_what_float32_holds() -> None:
    assert class_pixels(np.zeros((1, 2**24 + 1), np.uint8), 2).tolist() == [2**24 + 1, 0]


def test_run_lengths_read_back_with_pycocotools() -> None:
    mask = draw_face(60, 90) == 10
    found = rle(mask)
    assert found["size"] == [60, 90]
    assert isinstance(found["counts"], str)
    assert (coco.decode(found) == mask).all()


def holed(seed: int) -> NDArray[np.bool_]:
    """Blobs with holes, islands in them, and pixels that touch at a corner."""
    rng = np.random.default_rng(seed)
    values = cv2.GaussianBlur(rng.random((40 + seed, 70)), (0, 0), 0.4 + seed / 10)
    return np.asarray(values > np.quantile(values, 0.2 + seed / 20))


RASTERS: dict[str, Callable[[list[list[float]], tuple[int, int]], NDArray[np.bool_]]] = {
    "pycocotools": painted,
    "OpenCV, even-odd over all": lambda found, shape: by_opencv([found], shape),
    "OpenCV, each by itself": lambda found, shape: by_opencv([[ring] for ring in found], shape),
    "Pillow": lambda found, shape: by_pillow(found, shape),
    "even-odd": lambda found, shape: windings(found, shape) % 2 == 1,
    "non-zero": lambda found, shape: windings(found, shape) != 0,
}


def by_opencv(groups: list[list[list[float]]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    canvas = np.zeros(shape, np.uint8)
    for rings in groups:
        cv2.fillPoly(canvas, [np.array(ring, np.int32).reshape(-1, 2) for ring in rings], (1,))
    return canvas.astype(bool)


def by_pillow(found: list[list[float]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    canvas = Image.new("1", shape[::-1])
    for ring in found:
        ImageDraw.Draw(canvas).polygon(ring, fill=1)
    return np.asarray(canvas)


def windings(found: list[list[float]], shape: tuple[int, int]) -> NDArray[np.int64]:
    """How often the rings go around each pixel's centre."""
    x, y = np.arange(shape[1]) + 0.5, np.arange(shape[0])[:, None] + 0.5
    turns = np.zeros(shape, np.int64)
    for ring in found:
        points = np.array(ring).reshape(-1, 2)
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if y0 != y1:
                right = x > x0 + (y - y0) / (y1 - y0) * (x1 - x0)
                turns += np.sign(y1 - y0).astype(int) * (right & (y >= min(y0, y1)) & (y < max(y0, y1)))
    return turns


@pytest.mark.parametrize("raster", RASTERS)
def test_polygons_give_the_pixels_of_their_class_in_every_raster(raster: str) -> None:
    face = draw_face(300, 240)
    for mask in [*(face == c for c in range(11)), *map(holed, range(12))]:
        if raster in ("even-odd", "non-zero") and mask.size > 5000:
            continue  # by hand it takes its time
        assert (RASTERS[raster](polygons(mask), mask.shape) == mask).all()


def test_a_piece_with_holes_is_one_ring() -> None:
    mask = np.ones((9, 20), bool)
    mask[2:5, 3:6] = mask[3:7, 8:12] = mask[1, 18] = False
    (ring,) = polygons(mask)
    assert (painted([ring], mask.shape) == mask).all()


def test_pieces_lines_and_single_pixels_all_get_a_polygon() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2, 3] = mask[10, 2:9] = mask[12:18, 15] = True
    found = polygons(mask)
    assert len(found) == 3
    assert all(len(piece) >= 6 for piece in found)
    assert sorted(found)[1] == [3.25, 2.25, 3.25, 2.75, 3.75, 2.75, 3.75, 2.25]


def test_an_empty_mask_has_no_polygons() -> None:
    assert polygons(np.zeros((5, 5), bool)) == []
