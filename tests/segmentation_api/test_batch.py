"""POST /api/segment/batch/"""

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from numpy.typing import NDArray

from tests.conftest import decode

pytestmark = pytest.mark.django_db


def post(client: Client, images: list[bytes], *, accept: str = "*/*", **query: str) -> Any:
    """The images, under names that would be harmful if used."""
    files = [SimpleUploadedFile(f"../../{index}.png", image) for index, image in enumerate(images)]
    return client.post(
        "/api/segment/batch/",
        {"images": files},
        query_params={"faces": "whole", **query},
        headers={"Accept": accept},
    )


def test_a_zip_in_the_order_sent_with_an_entry_for_the_broken_one(
    client: Client, photo: bytes, face: NDArray[np.uint8]
) -> None:
    response = post(client, [photo, b"broken", photo])
    assert response["Content-Type"] == "application/zip"
    assert response["X-Model"] == "tiny/1.0.0"
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.namelist() == ["000.png", "002.png", "results.json"]
    assert (decode(archive.read("002.png")) == face).all()
    results = json.loads(archive.read("results.json"))
    assert [row["index"] for row in results] == [0, 1, 2]
    assert results[0]["file"] == "000.png"
    assert (results[1]["problem"]["type"], results[1]["problem"]["status"]) == ("unsupported_image", 415)
    assert results[1]["problem"]["request_id"] == response["X-Request-Id"]


@pytest.mark.parametrize("how", [{"output": "json"}, {"accept": "application/json"}])
def test_a_json_list_in_the_order_sent(client: Client, photo: bytes, how: dict[str, str]) -> None:
    answer = post(client, [b"broken", photo], **how).json()
    assert [row["index"] for row in answer] == [0, 1]
    assert answer[0]["problem"]["type"] == "unsupported_image"
    assert answer[1]["result"]["image"] == {"width": 64, "height": 64}


def test_each_output_in_a_zip(client: Client, photo: bytes) -> None:
    for output, suffix in (("labels", "png"), ("overlay", "jpg"), ("classes", "zip")):
        archive = zipfile.ZipFile(
            io.BytesIO(post(client, [photo], output=output, accept="application/json").content)
        )
        assert f"000.{suffix}" in archive.namelist()


def test_limits(client: Client, photo: bytes, settings: Any) -> None:
    assert post(client, [photo] * 32).status_code == 200
    assert post(client, [photo] * 33).status_code == 400
    assert client.post("/api/segment/batch/", {}).status_code == 400
    assert client.post("/api/segment/batch/", {"images": "text"}).status_code == 400
    settings.MAX_UPLOAD_BYTES = len(photo) - 1
    assert post(client, [photo], output="json").json()[0]["problem"]["status"] == 413
    settings.MAX_BATCH_BYTES = 3 * len(photo) - 1
    assert post(client, [photo] * 3).status_code == 413


def test_a_wrong_option_is_the_whole_requests_problem(client: Client, photo: bytes) -> None:
    assert post(client, [photo], classes="beard").status_code == 400
    assert post(client, [photo], model="other").status_code == 400
    assert post(client, [photo], accept="text/html").status_code == 406
    assert client.post("/api/segment/batch/", photo, content_type="image/png").status_code == 415
