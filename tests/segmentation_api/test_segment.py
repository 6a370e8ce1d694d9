"""POST /api/segment/: what goes in and what comes out, line by line of the contract."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from ml_core.faces import Face
from ml_core.images import blend, colorize
from segmentation_api.engine import engine
from tests.conftest import decode, encode
from tests.profiles import SRGB, gamma, rgb_profile
from training.lapa import LAPA

pytestmark = pytest.mark.django_db

Segment = Callable[..., Any]
Labels = NDArray[np.uint8]


def test_default_is_a_palette_png_in_the_class_colours(segment: Segment, face: Labels) -> None:
    response = segment()
    assert response.status_code == 200
    assert response["Content-Type"] == "image/png"
    image = Image.open(io.BytesIO(response.content))
    assert image.mode == "P"
    assert (np.asarray(image) == face).all()
    assert (np.asarray(image.convert("RGB")) == colorize(face, LAPA)).all()


def test_labels_are_the_class_ids(segment: Segment, face: Labels) -> None:
    image = Image.open(io.BytesIO(segment(output="labels").content))
    assert image.mode == "L"
    assert (np.asarray(image) == face).all()


def test_overlay_is_jpeg_or_png_by_accept(segment: Segment, face: Labels) -> None:
    response = segment(output="overlay", alpha=0.3)
    assert response["Content-Type"] == "image/jpeg"
    png = segment(output="overlay", alpha=0.3, headers={"Accept": "image/png"})
    assert png["Content-Type"] == "image/png"
    expected = blend(colorize(face, LAPA), face, LAPA, 0.3)
    assert (decode(png.content) == expected).all()
    assert np.abs(decode(response.content).astype(int) - expected).mean() < 12


def test_classes_zip_has_a_mask_per_class_present(segment: Segment, face: Labels) -> None:
    response = segment(output="classes")
    assert response["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    rows = json.loads(archive.read("classes.json"))
    assert [row["id"] for row in rows] == sorted(np.unique(face))
    assert set(archive.namelist()) == {"classes.json", *(row["file"] for row in rows)}
    for row in rows:
        mask = Image.open(io.BytesIO(archive.read(row["file"])))
        assert mask.mode == "1"
        assert (np.asarray(mask) == (face == row["id"])).all()


def test_json_tells_all_about_the_answer(segment: Segment, face: Labels) -> None:
    response = segment(output="json")
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    assert set(answer) == {"image", "model", "faces", "classes", "timing_ms", "warnings"}
    assert answer["image"] == {"width": 64, "height": 64}
    assert answer["model"]["name"] == "tiny"
    assert len(answer["model"]["sha256"]) == 64
    assert set(answer["timing_ms"]) == {"decode", "locate", "infer"}
    assert sum(row["pixels"] for row in answer["classes"]) == face.size
    for row in answer["classes"]:
        assert set(row) == {"id", "name", "color", "pixels", "share", "box", "confidence", "rle"}
        where = face == row["id"]
        assert (row["name"], tuple(row["color"])) == (LAPA.names[row["id"]], LAPA.colors[row["id"]])
        assert row["pixels"] == where.sum()
        assert row["share"] == pytest.approx(where.mean())
        ys, xs = np.nonzero(where)
        assert row["box"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
        assert 0.5 < row["confidence"] <= 1
        assert (coco.decode(row["rle"]) == where).all()


def test_nothing_is_known_of_a_background_that_other_classes_became(segment: Segment) -> None:
    background, skin = segment(output="json", classes="skin").json()["classes"]
    assert (background["name"], background["confidence"]) == ("background", None)
    assert 0.5 < skin["confidence"] <= 1


def test_polygons_only_when_asked_for(segment: Segment) -> None:
    rows = segment(output="json", polygons="true").json()["classes"]
    assert all(len(ring) % 2 == 0 and len(ring) >= 6 for row in rows for ring in row["polygons"])
    assert any(row["polygons"] for row in rows)


def test_run_lengths_can_be_left_out(segment: Segment, face: Labels) -> None:
    found = segment(output="json", rle="false", inline="labels").json()
    assert all("rle" not in row for row in found["classes"])
    labels = decode(base64.b64decode(found["inline"]["labels"].partition(",")[2]))
    assert (labels == face).all()


def test_inline_pictures_are_data_urls(segment: Segment, face: Labels) -> None:
    inline = segment(output="json", inline="mask,overlay").json()["inline"]
    head, _, text = inline["mask"].partition(",")
    assert head == "data:image/png;base64"
    assert (decode(base64.b64decode(text)) == face).all()
    assert inline["overlay"].startswith("data:image/jpeg;base64,")
    assert set(segment(output="json", inline="mask").json()["inline"]) == {"mask"}


def test_no_face_is_a_warning(segment: Segment) -> None:
    grey = encode(np.full((64, 64, 3), 127, np.uint8))
    response = segment(grey, output="json", faces="auto")
    answer = response.json()
    assert answer["warnings"] == ["no_face_found"]
    assert response["X-Warnings"] == "no_face_found"
    assert answer["faces"] == []
    assert [row["name"] for row in answer["classes"]] == ["background"]


def test_damage_is_a_warning_in_json_and_in_a_header(segment: Segment) -> None:
    jpeg = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), "JPEG")
    assert "X-Warnings" not in segment(jpeg)
    cut = jpeg[: len(jpeg) // 2] + b"\xff\xd9"
    assert segment(cut, output="json").json()["warnings"] == ["image_damaged"]
    for output in ("mask", "labels", "overlay", "classes"):
        assert segment(cut, output=output)["X-Warnings"] == "image_damaged"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_an_overlay_of_nothing_is_the_photo_in_srgb(segment: Segment, kind: str) -> None:
    photo = np.dstack(
        np.broadcast_arrays(np.arange(50)[:, None] * 4 + 20, np.arange(50) * 4 + 20, 120)
    ).astype(np.uint8)
    linear = rgb_profile(SRGB, gamma(1))
    wide = np.rint(
        255 * np.where(photo <= 10, photo / 255 / 12.92, ((photo / 255 + 0.055) / 1.055) ** 2.4)
    ).astype(np.uint8)
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    data = encode(wide, kind, icc_profile=linear, **options)
    found = decode(segment(data, output="overlay", alpha=0, headers={"Accept": "image/png"}).content)
    assert np.abs(found.astype(int) - photo).mean() <= 1.5


def test_a_face_has_its_box_score_and_landmarks(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.array([[20.04, 30], [44, 30], [32, 40], [24, 50], [40, 50.06]])
    found = Face((10.0, 12.0, 44.0, 48.04), 0.98765, points)
    monkeypatch.setattr(engine.segmenter(), "_find", lambda image: [found])
    rows = segment(output="json", faces="auto").json()["faces"]
    assert {row["name"] for row in rows[0].pop("classes")} >= {"skin", "hair", "nose"}
    assert rows == [
        {
            "number": 1,
            "box": [10.0, 12.0, 44.0, 48.0],
            "score": 0.9877,
            "landmarks": {
                "left_eye": [20.0, 30.0],
                "right_eye": [44.0, 30.0],
                "nose": [32.0, 40.0],
                "left_mouth_corner": [24.0, 50.0],
                "right_mouth_corner": [40.0, 50.1],
            },
        }
    ]


@pytest.mark.parametrize("wanted", ["hair,skin", "10,1", "skin, hair"])
def test_classes_not_asked_for_are_background(segment: Segment, face: Labels, wanted: str) -> None:
    found = decode(segment(output="labels", classes=wanted).content)
    assert (found == np.where(np.isin(face, (1, 10)), face, 0)).all()


def test_exif_orientation_is_honoured(segment: Segment, face: Labels) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the file's rows are the photo's columns, from right to left
    lying = colorize(np.rot90(face), LAPA)
    assert (decode(segment(encode(lying, "PNG", exif=exif), output="labels").content) == face).all()


def test_the_answer_has_the_photos_own_size(segment: Segment) -> None:
    photo = encode(np.zeros((50, 31, 3), np.uint8))
    assert decode(segment(photo).content).shape == (50, 31)


def test_multipart_with_options_as_fields(client: Client, photo: bytes, face: Labels) -> None:
    form = {"image": SimpleUploadedFile("x.png", photo), "faces": "whole", "output": "labels"}
    assert (decode(client.post("/api/segment/", form).content) == face).all()


def test_query_wins_over_body(client: Client, photo: bytes) -> None:
    form = {"image": SimpleUploadedFile("x.png", photo), "output": "json"}
    response = client.post("/api/segment/", form, query_params={"faces": "whole", "output": "mask"})
    assert response["Content-Type"] == "image/png"


@pytest.mark.parametrize("head", ["", "\n", "data:image/png;base64,", " data:image/png;base64,\r\n"])
def test_json_body_with_base64(client: Client, photo: bytes, face: Labels, head: str) -> None:
    body = {
        "image": head + base64.b64encode(photo).decode(),
        "faces": "whole",
        "output": "labels",
        "alpha": 0.2,
    }
    response = client.post("/api/segment/", body, content_type="application/json")
    assert (decode(response.content) == face).all()


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "application/octet-stream", ""])
def test_raw_body_whatever_image_type_it_says(segment: Segment, face: Labels, content_type: str) -> None:
    assert (decode(segment(content_type=content_type).content) == face).all()


@pytest.mark.parametrize(
    ("accept", "output", "expected"),
    [
        ("application/json", None, "application/json"),
        ("application/zip", None, "application/zip"),
        ("image/png", None, "image/png"),
        ("image/*", None, "image/png"),
        ("text/html,*/*;q=0.8", None, "image/png"),
        ("application/json", "mask", "image/png"),
        ("text/plain", "json", "application/json"),
        ("image/*", "overlay", "image/jpeg"),
        ("", None, "image/png"),
        ("application/json, text/plain, */*", None, "application/json"),
        ("application/json;q=0.5, image/png", None, "image/png"),
        ("image/png;q=0.5, application/json", None, "application/json"),
        ("application/json;q=0, */*", None, "image/png"),
        ("image/png;q=0, */*;q=0.1", None, "application/zip"),
        ("image/jpeg;q=0.2, image/png;q=0.9", "overlay", "image/png"),
        ("application/json; a*=foo''%41, image/png", None, "image/png"),
    ],
)
def test_content_negotiation(segment: Segment, accept: str, output: str | None, expected: str) -> None:
    query = {"output": output} if output else {}
    response = segment(headers={"Accept": accept}, **query)
    assert (response.status_code, response["Content-Type"]) == (200, expected)
    assert "Accept" in response["Vary"]


def test_headers_tell_time_model_and_request(segment: Segment) -> None:
    response = segment(headers={"X-Request-Id": "trace-7"})
    stages = [stage.split(";")[0] for stage in response["Server-Timing"].split(", ")]
    assert stages == ["decode", "locate", "infer", "encode"]
    assert response["X-Model"] == "tiny/1.0.0"
    assert response["X-Request-Id"] == "trace-7"
    assert response["Cache-Control"] == "no-store"
    assert segment(headers={"X-Request-Id": "a b\x7f"})["X-Request-Id"] not in ("a b\x7f", "")
