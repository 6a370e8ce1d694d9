"""Each face for itself: numbers from left to right, and what each has."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml_core.faces import Face
from ml_core.images import colorize
from ml_core.outputs import FORMATS, OutputOptions, json_text
from ml_core.segmentation import NoSuchFace, Segmentation
from ml_core.segmenter import Segmenter
from tests.ml_core.test_segmenter import KnownFaces, face_in, put
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

SKIN, HAIR = LAPA.names.index("skin"), LAPA.names.index("hair")
PLACES = [((440.0, 150.0), 280.0, 0.0), ((150.0, 160.0), 200.0, 20.0), ((150.0, 420.0), 160.0, 180.0)]
"""Given by the finder from right to left."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_palette_bundle(tmp_path_factory.mktemp("bundles") / "tiny", size=128, logits_scale=1)


@pytest.fixture(scope="module")
def found(bundle: Path) -> Segmentation:
    scene = np.zeros((520, 640), np.uint8)
    for place in PLACES:
        put(scene, draw_face(512), *place)
    finder = KnownFaces(*(face_at(*place) for place in PLACES))
    return Segmenter.load(bundle, threads=1, finder=finder).predict(colorize(scene, LAPA))


def face_at(centre: tuple[float, float], side: float, degrees: float) -> Face:
    """A face with its box about its middle."""
    x, y = centre
    return replace(face_in(centre, side, degrees), box=(x - side / 4, y - side / 4, side / 2, side / 2))


def written(found: Segmentation, name: str) -> bytes:
    return next(one for one in FORMATS if one.name == name).encode(found, OutputOptions())


def picture(found: Segmentation, name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(written(found, name))))


def whose(found: Segmentation) -> NDArray[np.uint8]:
    """The number of the face by where a pixel lies: these do not touch."""
    rows, columns = np.indices(found.labels.shape)
    return np.where(found.labels == 0, 0, np.where(columns > 290, 3, np.where(rows > 300, 2, 1))).astype(
        np.uint8
    )


def test_instances_are_the_faces_from_left_to_right(found: Segmentation) -> None:
    numbers = picture(found, "instances")
    assert numbers.dtype == np.uint8
    assert set(np.unique(numbers)) == {0, 1, 2, 3}
    assert (numbers == whose(found)).mean() > 0.999  # where two see the same hair, the nearer one has it


def test_a_face_alone_has_its_labels_in_every_output(found: Segmentation) -> None:
    numbers = found.instances
    for number in (1, 2, 3):
        alone = found.face(number)
        expected = np.where(numbers == number, found.labels, 0)
        assert (picture(alone, "labels") == expected).all()
        assert (picture(alone, "mask") == expected).all()
        assert (picture(alone, "instances") == np.where(numbers == number, number, 0)).all()
        archive = zipfile.ZipFile(io.BytesIO(written(alone, "classes")))
        for row in json.loads(archive.read("classes.json")):
            assert (
                np.asarray(Image.open(io.BytesIO(archive.read(row["file"])))) == (expected == row["id"])
            ).all()
        for name in ("matte", "cutout"):
            assert not picture(alone, name)[(numbers > 0) & (numbers != number)].any()
            assert picture(alone, name)[numbers == number].any()
        content = json.loads(json_text(alone, OutputOptions()))
        assert [row["number"] for row in content["faces"]] == [number]
        assert {row["name"]: row["pixels"] for row in content["classes"]} == {
            LAPA.names[c]: int((expected == c).sum()) for c in np.unique(expected)
        }
    hair = np.where((numbers == 2) & (found.labels == HAIR), HAIR, 0)
    assert (picture(found.face(2).only([HAIR]), "labels") == hair).all()
    assert (found.only([HAIR]).face(2).labels == found.face(2).only([HAIR]).labels).all()


def test_the_json_has_the_classes_of_each_face(found: Segmentation) -> None:
    numbers = found.instances
    for given in (found, found.only([HAIR, SKIN])):
        content = json.loads(json_text(given, OutputOptions()))
        assert [face["number"] for face in content["faces"]] == [1, 2, 3]
        for face in content["faces"]:
            mine = np.where(numbers == face["number"], given.labels, 0)
            assert [row["id"] for row in face["classes"]] == [c for c in np.unique(mine) if c > 0]
            for row in face["classes"]:
                ys, xs = np.nonzero(mine == row["id"])
                assert row["name"] == LAPA.names[row["id"]]
                assert row["pixels"] == len(xs)
                assert row["share"] == pytest.approx(len(xs) / (numbers == face["number"]).sum())
                assert row["box"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
                assert 0.5 < row["confidence"] <= 1


def test_a_photo_parsed_whole_is_one_face(bundle: Path) -> None:
    found = Segmenter.load(bundle).predict(colorize(draw_face(128), LAPA), faces="whole")
    assert (picture(found, "instances") == (found.labels > 0)).all()
    assert (found.face(1).labels == found.labels).all()
    with pytest.raises(NoSuchFace, match="no face 2: 1 found"):
        found.face(2)


@pytest.mark.parametrize("number", [0, -1, 4])
def test_there_are_no_faces_beyond_the_last(found: Segmentation, number: int) -> None:
    with pytest.raises(NoSuchFace, match=f"no face {number}: 3 found"):
        found.face(number)


def test_where_there_is_no_face_none_has_a_number(bundle: Path) -> None:
    found = Segmenter.load(bundle, finder=KnownFaces()).predict(np.zeros((64, 64, 3), np.uint8))
    assert not picture(found, "instances").any()
    with pytest.raises(NoSuchFace, match="none found"):
        found.face(1)


def test_faces_after_the_255th_have_no_number_in_the_png(found: Segmentation) -> None:
    owners = np.arange(640 * 520, dtype=np.uint16).reshape(520, 640) % 300 + 1
    many = Segmentation(found.image, np.ones((520, 640), np.uint8), found.bundle, (), (), owners=owners)
    assert (picture(many, "instances") == np.where(owners > 255, 0, owners)).all()


def test_where_faces_meet_each_pixel_has_one(bundle: Path) -> None:
    scene = np.zeros((300, 600), np.uint8)
    places = [((345.0, 160.0), 200.0, 20.0), ((150.0, 150.0), 280.0, 0.0)]
    for place in places:
        put(scene, draw_face(512), *place)
    finder = KnownFaces(*(face_at(*place) for place in places))
    found = Segmenter.load(bundle, finder=finder).predict(colorize(scene, LAPA))
    assert ((found.instances > 0) == (found.labels > 0)).all()
    assert (found.face(1).labels + found.face(2).labels == found.labels).all()
    assert (found.instances[150, 100:200] == 1).all()
    assert (found.instances[160, 300:390] == 2).all()
