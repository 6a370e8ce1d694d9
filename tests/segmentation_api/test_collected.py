"""What annotation tools get of a photo with several faces: each face's classes for themselves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO

from ml_core.outputs import OutputOptions
from ml_core.segmentation import Segmentation
from segmentation_api.bulk.collected import coco_note, label_studio_note, local_files, write_coco
from tests.ml_core.test_matte import parsed
from tests.ml_core.test_segmenter import put
from tests.segmentation_api.test_bulk import read_brush
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

HAIR = LAPA.names.index("hair")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    """Two faces that touch."""
    scene = np.zeros((150, 300), np.uint8)
    places = [((75.0, 75.0), 140.0, 0.0), ((172.0, 80.0), 100.0, 20.0)]
    for place in places:
        put(scene, draw_face(512), *place)
    return parsed(make_palette_bundle(tmp_path_factory.mktemp("tiny") / "b", size=128), scene, *places)


@pytest.mark.parametrize("outlines", [False, True])
@pytest.mark.parametrize("only", [None, [HAIR]])
def test_coco_has_an_annotation_for_each_class_of_each_face(
    found: Segmentation, tmp_path: Path, outlines: bool, only: list[int] | None
) -> None:
    shown = found if only is None else found.only(only)
    rows = [
        ({"path": "a.png", "width": 300, "height": 150}, coco_note(shown, OutputOptions(polygons=outlines)))
    ]
    write_coco(tmp_path / "coco.json", found.bundle, lambda: rows, str)
    read = COCO(tmp_path / "coco.json")
    labels, numbers = np.zeros_like(shown.labels), np.zeros_like(shown.instances)
    for one in read.loadAnns(read.getAnnIds()):
        mask = read.annToMask(one) > 0
        assert not labels[mask].any()
        labels[mask], numbers[mask] = one["category_id"], one["attributes"]["face"]
        y, x = np.nonzero(mask)
        assert one["area"] == mask.sum()
        assert one["bbox"] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
    assert set(np.unique(numbers)) == {0, 1, 2}
    assert (labels == shown.labels).all()
    assert (numbers == shown.instances).all()


def test_a_name_that_is_no_text_has_an_address_in_label_studio() -> None:
    assert local_files("a b/caf\udce9.jpg") == "/data/local-files/?d=a%20b/caf%E9.jpg"


def test_one_face_alone_keeps_its_number(found: Segmentation) -> None:
    assert {one["attributes"]["face"] for one in coco_note(found.face(2), OutputOptions())} == {2}


def test_label_studio_has_a_stroke_for_each_class_of_each_face(found: Segmentation) -> None:
    labels, numbers = np.zeros_like(found.labels), np.zeros_like(found.instances)
    regions: list[dict[str, Any]] = json.loads(json.dumps(label_studio_note(found, OutputOptions())))
    assert len({one["id"] for one in regions}) == len(regions)
    for one in regions:
        mask: NDArray[np.bool_] = read_brush(one["value"]["rle"]).reshape(150, 300, 4)[..., 0] > 0
        (name,), (note,) = one["value"]["brushlabels"], one["meta"]["text"]
        labels[mask], numbers[mask] = LAPA.names.index(name), int(note.removeprefix("face "))
    assert (labels == found.labels).all()
    assert (numbers == found.instances).all()
