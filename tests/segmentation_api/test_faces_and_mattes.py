"""`face`, and the outputs matte, cutout and instances: one photo, a batch, the command line."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from numpy.typing import NDArray

from ml_core.images import colorize
from segmentation_api.bulk import manifest
from segmentation_api.bulk import work as bulk_work
from segmentation_api.bulk.work import Worker
from segmentation_api.engine import engine
from tests.conftest import decode, encode
from tests.ml_core.test_faces_apart import face_at
from tests.ml_core.test_segmenter import KnownFaces, put
from tests.tiny_bundle import draw_face
from training.lapa import LAPA

pytestmark = pytest.mark.django_db

PLACES = [((780.0, 120.0), 200.0, 0.0), ((120.0, 120.0), 200.0, 0.0)]
"""Of two faces, the right one first: numbers are from left to right all the same."""
Segment = Callable[..., Any]


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A photo of two faces, which the service finds."""
    scene = np.zeros((240, 900), np.uint8)
    for place in PLACES:
        put(scene, draw_face(512), *place)
    finder = KnownFaces(*(face_at(*place) for place in PLACES)).find
    monkeypatch.setattr(engine.segmenter(), "_find", finder)
    return encode(colorize(scene, LAPA))


def halves(picture: NDArray[Any]) -> tuple[bool, bool]:
    """Whether there is anything on the left, and on the right."""
    return bool(picture[:, :450].any()), bool(picture[:, 450:].any())


@pytest.mark.parametrize("output", ["labels", "matte", "cutout", "instances"])
def test_face_limits_every_output_to_one(segment: Segment, two: bytes, output: str) -> None:
    shown = [
        halves(decode(segment(two, output=output, faces="auto", **chosen).content))
        for chosen in ({}, {"face": 1}, {"face": 2})
    ]
    assert shown == [(True, True), (True, False), (False, True)]


def test_face_limits_the_json_too_and_keeps_its_number(segment: Segment, two: bytes) -> None:
    every = segment(two, output="json", faces="auto").json()
    second = segment(two, output="json", faces="auto", face=2).json()
    assert [row["number"] for row in every["faces"]] == [1, 2]
    assert every["faces"][0]["box"][0] < every["faces"][1]["box"][0]
    assert second["faces"] == every["faces"][1:]
    for row in second["classes"][1:]:
        assert row["box"][0] >= 450


def test_instances_are_numbers_of_faces(segment: Segment, two: bytes) -> None:
    response = segment(two, output="instances", faces="auto")
    numbers, labels = (decode(r.content) for r in (response, segment(two, output="labels", faces="auto")))
    assert response["Content-Type"] == "image/png"
    assert numbers.dtype == np.uint8
    assert numbers.shape == (240, 900)
    assert set(np.unique(numbers[:, :450])) == {0, 1}
    assert set(np.unique(numbers[:, 450:])) == {0, 2}
    assert ((numbers > 0) == (labels > 0)).all()


def test_a_matte_is_grey_and_a_cutout_has_it_as_alpha(segment: Segment, two: bytes) -> None:
    how = {"faces": "auto", "classes": "hair"}
    labels, soft, cut = (
        decode(segment(two, output=output, **how).content) for output in ("labels", "matte", "cutout")
    )
    assert soft.dtype == np.uint8
    assert (soft.shape, cut.shape) == ((240, 900), (240, 900, 4))
    assert (cut[..., 3] == soft).all()
    assert not cut[soft == 0].any()
    assert ((soft >= 128) == (labels > 0)).mean() > 0.98


def test_beyond_the_last_face_is_422_in_the_envelope(segment: Segment, two: bytes) -> None:
    for output in ("matte", "json"):
        response = segment(two, output=output, faces="auto", face=3)
        problem = response.json()
        assert (response.status_code, response["Content-Type"]) == (422, "application/problem+json")
        assert (problem["type"], problem["status"]) == ("no_such_face", 422)
        assert "2 found" in problem["detail"]
        assert problem["request_id"] == response["X-Request-Id"]


def test_a_photo_taken_whole_is_face_1(segment: Segment) -> None:
    assert segment(output="labels", face=1).content == segment(output="labels").content
    assert segment(face=2).json()["type"] == "no_such_face"


def test_a_photo_without_faces_has_no_face_1(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.segmenter(), "_find", KnownFaces().find)
    response = segment(faces="auto", face=1)
    assert (response.status_code, response.json()["type"]) == (422, "no_such_face")
    assert "none found" in response.json()["detail"]


@pytest.mark.parametrize("number", ["0", "-1", "first", "1.5", ""])
def test_a_face_that_is_no_number_from_1_is_400(segment: Segment, two: bytes, number: str) -> None:
    response = segment(two, face=number)
    assert (response.status_code, response.json()["type"]) == (400, "invalid_request")
    assert list(response.json()["errors"]) == ["face"]


def test_in_a_batch_it_is_a_problem_of_the_photos_that_have_too_few(
    client: Client, two: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(**query: Any) -> Any:
        files = [SimpleUploadedFile(name, two) for name in ("a.png", "b.png")]
        return client.post("/api/segment/batch/", {"images": files}, query_params={"faces": "auto", **query})

    for output, mode in (("matte", 2), ("cutout", 3), ("instances", 2)):
        archive = zipfile.ZipFile(io.BytesIO(post(output=output, face=2).content))
        assert archive.namelist() == ["000.png", "001.png", "results.json"]
        picture = decode(archive.read("001.png"))
        assert (picture.ndim, halves(picture)) == (mode, (False, True))
    archive = zipfile.ZipFile(io.BytesIO(post(face=3).content))
    problems = [row["problem"] for row in json.loads(archive.read("results.json"))]
    assert [(one["type"], one["status"]) for one in problems] == [("no_such_face", 422)] * 2


@pytest.fixture
def folder(tmp_path: Path, two: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photos for the command, which finds the faces and works in this process."""

    class Finding(Worker):
        def __init__(self, work: bulk_work.Work) -> None:
            super().__init__(work)
            monkeypatch.setattr(
                self._segmenter, "_find", KnownFaces(*(face_at(*place) for place in PLACES)).find
            )

    def here(work: bulk_work.Work, items: Any, **_: Any) -> Any:
        yield list(map(Finding(work), items))

    monkeypatch.setattr("segmentation_api.bulk.processes.run", here)
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.png", "b.png"):
        (photos / name).write_bytes(two)
    return photos


@pytest.mark.parametrize("output", ["matte", "cutout", "instances"])
def test_on_the_command_line_face_reaches_the_work(folder: Path, output: str) -> None:
    out = folder.parent / "out"
    call_command("segment_images", folder, out, "--output", output, "--face", "2", stdout=io.StringIO())
    assert halves(decode((out / "b.png").read_bytes())) == (False, True)


def test_on_the_command_line_a_photo_with_too_few_faces_is_a_row_that_failed(folder: Path) -> None:
    out, told = folder.parent / "out", io.StringIO()
    with pytest.raises(SystemExit):
        call_command("segment_images", folder, out, "--face", "3", stdout=io.StringIO(), stderr=told)
    assert told.getvalue().count("There is no face 3: 2 found") == 2
    (file,) = out.glob("manifest.*")
    assert [row["status"] for row in manifest.read(file)] == ["no_such_face"] * 2
