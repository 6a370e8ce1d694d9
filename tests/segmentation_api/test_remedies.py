"""What clients get wrong most, and that the answer names the remedy."""

import base64
import gzip
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from segmentation_api.errors import Problem
from segmentation_api.parsers import decode_base64
from tests.conftest import decode, encode

pytestmark = pytest.mark.django_db
KIND = "multipart/form-data; boundary=b"
PATHS = {"/api/segment/": "image", "/api/segment/batch/": "images"}
Segment = Callable[..., Any]


def told(response: Any, status: int, code: str) -> str:
    """The sentence for people, of a problem that is this one."""
    assert (response.status_code, response.json()["type"]) == (status, code), response.content
    return str(response.json()["detail"])


def part(content: bytes, head: str) -> bytes:
    """A form of one part."""
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n--b--\r\n"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "Multipart/Form-Data;"]
)
def test_a_form_without_its_boundary(client: Client, path: str, kind: str) -> None:
    body = part(b"photo", f'name="{PATHS[path]}"; filename="x"')
    assert "no boundary" in told(client.post(path, body, content_type=kind), 400, "malformed_body")


def test_a_form_of_another_boundary(client: Client) -> None:
    body = part(b"photo", 'name="image"; filename="x"').replace(b"--b", b"--c")
    assert "boundary" in told(client.post("/api/segment/", body, content_type=KIND), 400, "malformed_body")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["file", "photo", "images[]", "image[]", "images", "image", "upload"])
@pytest.mark.parametrize("size", [20, 200_000])
def test_a_field_of_another_name(client: Client, path: str, name: str, size: int) -> None:
    if name == PATHS[path]:
        return
    response = client.post(path, {name: SimpleUploadedFile("x.jpg", bytes(size))})
    assert f"it is `{PATHS[path]}`" in told(response, 400, "invalid_request")
    assert list(response.json()["errors"]) == [name]


@pytest.mark.parametrize("name", ["file", "photo", "images[]"])
def test_a_member_of_another_name(client: Client, name: str) -> None:
    for text, status, code in (("AAAA", 400, "invalid_request"), ("A" * 200_000, 413, "upload_too_large")):
        response = client.post("/api/segment/", {name: text}, content_type="application/json")
        assert "image" in told(response, status, code)


@pytest.mark.parametrize("coding", ["gzip", "GZip", "br", "deflate, gzip"])
@pytest.mark.parametrize("path", PATHS)
def test_a_compressed_body(client: Client, photo: bytes, path: str, coding: str) -> None:
    field = PATHS[path]
    for body, kind in (
        (gzip.compress(part(photo, f'name="{field}"; filename="x"')), KIND),
        (gzip.compress(photo), "image/png" if field == "image" else KIND),
    ):
        response = client.post(path, body, content_type=kind, headers={"Content-Encoding": coding})
        detail = told(response, 415, "unsupported_media_type")
        assert coding in detail and "as it is" in detail
        assert response["Accept-Encoding"] == "identity"


def test_identity_is_no_coding(segment: Segment) -> None:
    assert segment(headers={"Content-Encoding": "identity"}).status_code == 200


@pytest.mark.parametrize("size", [100, 300])
@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "IMAGE/PNG; a=b"])
def test_a_photo_without_a_file_name(client: Client, size: int, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    photo = encode(noise)  # 30 KB and 270 KB
    body = part(photo, f'name="image"\r\nContent-Type: {kind}')
    response = client.post("/api/segment/?faces=whole", body, content_type=KIND)
    assert decode(response.content).shape == (size, size)
    body = body.replace(b'name="image"', b'name="images"')
    response = client.post("/api/segment/batch/?faces=whole&output=json", body, content_type=KIND)
    assert response.json()[0]["result"]["image"] == {"width": size, "height": size}


def test_a_photo_as_text_is_told_what_a_file_is(client: Client) -> None:
    for size, status, code in ((100, 400, "invalid_request"), (200_000, 413, "upload_too_large")):
        response = client.post("/api/segment/", part(bytes(size), 'name="image"'), content_type=KIND)
        assert "file name" in told(response, status, code)


def test_base64_whose_plus_signs_were_lost(client: Client) -> None:
    data = b"\xfb\xef\xbe" * 30 + bytes(range(256))
    text = base64.b64encode(data).decode()
    assert text.startswith("++++") and text.count("+") > 100
    places = [at for at, character in enumerate(text) if character == "+"][1:]
    for lost in (
        *(f"{text[:at]} {text[at + 1 :]}" for at in places),
        text[4:].replace("+", " "),
        text[:119] + " ",
    ):
        response = client.post("/api/segment/", {"image": lost}, content_type="application/json")
        assert "plus signs" in told(response, 400, "invalid_request")


@pytest.mark.parametrize("size", range(97, 103))
def test_both_alphabets_and_white_space_that_is_none_of_it(size: int) -> None:
    data = (b"\xfb\xff\xfe" * 40)[:size]
    standard, safe = base64.b64encode(data), base64.urlsafe_b64encode(data)
    for text in (
        standard,
        safe,
        safe.rstrip(b"="),
        b"data:image/png;base64," + safe,
        b" data:image/png; charset=x; base64,\r\n" + standard,
        b"\r\n  " + safe + b"\r\n",
        base64.encodebytes(data),
        standard[:40] + b"\r\n\t" + standard[40:] + b"\n",
    ):
        assert decode_base64(text) == data
    with pytest.raises(Problem):
        decode_base64(standard + b"A")


@pytest.mark.parametrize("padding", [b"=", b"=="])
def test_spaces_behind_the_padding_are_harmless(padding: bytes) -> None:
    text = base64.b64encode(bytes(12 - len(padding)))
    assert decode_base64(text + b"  \r\n ") == bytes(12 - len(padding))
