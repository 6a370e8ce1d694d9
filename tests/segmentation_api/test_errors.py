"""Everything that can be wrong with a request: its status, in one envelope, and the service lives on."""

import base64
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from segmentation_api import services
from tests.conftest import encode

pytestmark = pytest.mark.django_db

Segment = Callable[..., Any]


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The envelope, checked."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert (body["type"], body["status"]) == (code, status)
    assert body["request_id"] == response["X-Request-Id"] != ""
    assert "Traceback" not in body["detail"] and "/work" not in body["detail"]
    return body


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"output": "video"}, "output"),
        ({"output": ""}, "output"),
        ({"alpha": "1.5"}, "alpha"),
        ({"alpha": "-0.1"}, "alpha"),
        ({"alpha": "nan"}, "alpha"),
        ({"alpha": "much"}, "alpha"),
        ({"faces": "two"}, "faces"),
        ({"model": "other"}, "model"),
        ({"model": "x" * 101}, "model"),
        ({"classes": "hair,beard"}, "classes"),
        ({"classes": "11"}, "classes"),
        ({"classes": "hair,,skin"}, "classes"),
        ({"polygons": "maybe"}, "polygons"),
        ({"inline": "classes"}, "inline"),
        ({"nonsense": "1"}, "nonsense"),
        ({"image": "x"}, "image"),
        ({"alpha": ["0.1", "0.2"]}, "alpha"),
    ],
)
def test_a_wrong_option_is_400_and_named(segment: Segment, query: dict[str, Any], field: str) -> None:
    assert field in problem(segment(**query), 400, "invalid_request")["errors"]


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}, "1e999"])
def test_a_wrong_type_in_json_is_400(client: Client, photo: bytes, value: Any) -> None:
    body = {"image": base64.b64encode(photo).decode(), "alpha": value}
    response = client.post("/api/segment/", body, content_type="application/json")
    assert "alpha" in problem(response, 400, "invalid_request")["errors"]


@pytest.mark.parametrize(
    "image", ["@@@", "abc", "data:image/png,abc", "data:image/png;base64", 7, None, [], "", "data:;base64,"]
)
def test_base64_that_is_none_is_400(client: Client, image: Any) -> None:
    response = client.post("/api/segment/", {"image": image}, content_type="application/json")
    assert "image" in problem(response, 400, "invalid_request")["errors"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":NaN}']
)
def test_a_body_that_is_no_json_object_is_400(client: Client, body: bytes) -> None:
    response = client.post("/api/segment/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["type"] in ("malformed_body", "invalid_request")


def test_no_image_is_400(client: Client) -> None:
    assert "image" in problem(client.post("/api/segment/"), 400, "invalid_request")["errors"]
    empty = {"image": SimpleUploadedFile("x.png", b"")}
    assert "image" in problem(client.post("/api/segment/", empty), 400, "invalid_request")["errors"]
    text = {"image": "not a file"}
    assert "image" in problem(client.post("/api/segment/", text), 400, "invalid_request")["errors"]
    other = {"photo": SimpleUploadedFile("x.png", b"x")}
    assert "photo" in problem(client.post("/api/segment/", other), 400, "invalid_request")["errors"]


def test_nothing_at_all_is_400(client: Client) -> None:
    for path, field in (("/api/segment/", "image"), ("/api/segment/batch/", "images")):
        response = client.generic("POST", path, b"", content_type="")
        assert field in problem(response, 400, "invalid_request")["errors"]


def test_two_images_are_400(client: Client, photo: bytes) -> None:
    form = {"image": [SimpleUploadedFile("a.png", photo), SimpleUploadedFile("b.png", photo)]}
    assert "image" in problem(client.post("/api/segment/", form), 400, "invalid_request")["errors"]


def test_text_named_jpg_is_415(client: Client) -> None:
    form = {"image": SimpleUploadedFile("photo.jpg", b"hello, this is text", "image/jpeg")}
    problem(client.post("/api/segment/", form), 415, "unsupported_image")


def test_a_content_type_that_is_none_of_ours_is_415(segment: Segment) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json5", "video/mp4"):
        problem(segment(content_type=content_type), 415, "unsupported_media_type")


def test_a_truncated_image_is_422(segment: Segment) -> None:
    jpeg = encode(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8), "JPEG")
    for data in (jpeg[: len(jpeg) // 2], jpeg[:30], encode(np.zeros((64, 64, 3), np.uint8))[:60]):
        problem(segment(data), 422, "broken_image")


def test_a_bomb_is_413_before_it_is_decoded(segment: Segment) -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    problem(segment(bomb), 413, "image_too_large")


def test_more_bytes_than_allowed_are_413(client: Client, segment: Segment, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    problem(segment(bytes(1001)), 413, "upload_too_large")
    problem(segment(bytes(500_000)), 413, "upload_too_large")
    form = {"image": SimpleUploadedFile("x.png", bytes(1001))}
    problem(client.post("/api/segment/", form), 413, "upload_too_large")
    body = {"image": base64.b64encode(bytes(1001)).decode()}
    problem(client.post("/api/segment/", body, content_type="application/json"), 413, "upload_too_large")


def test_more_pixels_than_allowed_are_413(segment: Segment, settings: Any) -> None:
    settings.MAX_IMAGE_PIXELS = 64 * 64 - 1
    problem(segment(), 413, "image_too_large")


def test_form_fields_without_end_are_refused(client: Client) -> None:
    many = {f"field{index}": "x" for index in range(3000)}
    problem(client.post("/api/segment/", many), 400, "too_many_parts")
    problem(client.post("/api/segment/", {"alpha": "1" * 100_000}), 413, "upload_too_large")
    files = {"image": [SimpleUploadedFile("x", b"x") for _ in range(2000)]}
    problem(client.post("/api/segment/", files), 400, "too_many_parts")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=\x7f", b"x"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=" + b"n" * 5000 + b"\r\n\r\nx\r\n--b--",
        ),
        ("multipart/form-data; boundary=b", b"no boundary in here"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n--b--\r\n"),
    ],
)
def test_malformed_multipart_is_400(client: Client, content_type: str, body: bytes) -> None:
    assert client.post("/api/segment/", body, content_type=content_type).status_code == 400


def test_what_cannot_be_accepted_is_406_in_the_envelope(segment: Segment, client: Client) -> None:
    problem(segment(headers={"Accept": "text/html"}), 406, "not_acceptable")
    problem(segment(headers={"Accept": "image/jpeg"}), 406, "not_acceptable")
    problem(segment(headers={"Accept": "*/*;q=0"}), 406, "not_acceptable")
    problem(client.get("/api/models/", headers={"Accept": "image/png"}), 406, "not_acceptable")


@pytest.mark.parametrize(
    "path", ["/api/", "/nothing", "/api/segment", "/api/models/other/", "/%00", "/api/models/..%2f/"]
)
def test_no_such_path_is_404(client: Client, path: str) -> None:
    problem(
        client.get(path, headers={"Accept": "image/png" if path == "/nothing" else "*/*"}), 404, "not_found"
    )


def test_a_missing_slash_is_hinted_at(client: Client) -> None:
    assert "slash" in problem(client.post("/api/segment"), 404, "not_found")["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/segment/"),
        ("PUT", "/api/segment/"),
        ("OPTIONS", "/api/segment/"),
        ("POST", "/api/models/"),
        ("POST", "/healthz"),
        ("DELETE", "/metrics"),
        ("BREW", "/api/segment/batch/"),
        ("OPTIONS", "/api/schema/"),
        ("OPTIONS", "/api/docs/"),
    ],
)
def test_a_wrong_method_is_405_and_told_which(method: str, path: str) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, path)
    problem(response, 405, "method_not_allowed")
    assert method not in response["Allow"]
    assert response["Allow"]


def test_a_foreign_host_is_400(client: Client) -> None:
    problem(client.get("/api/models/", headers={"Host": "evil.example"}), 400, "bad_request")


def test_an_error_of_ours_is_500_and_says_nothing(
    segment: Segment, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret at /srv/service")

    monkeypatch.setattr(services, "resolve", fail)
    body = problem(segment(), 500, "internal_error")
    assert "secret" not in str(body)
    assert "request_failed" in log.getvalue()
    monkeypatch.undo()


def test_the_same_envelope_whatever_is_accepted(segment: Segment) -> None:
    for accept in ("image/png", "text/html", "application/json", "application/zip", "nonsense"):
        problem(segment(b"no image", output="mask", headers={"Accept": accept}), 415, "unsupported_image")
