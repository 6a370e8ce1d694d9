"""Web pages of other sites do not get to use a service that asks for no key."""

from typing import Any

import pytest
from django.test import Client

from segmentation_api.startup import declare_listeners
from tests.segmentation_api.test_access import make_key

pytestmark = pytest.mark.django_db
NAMED = "https://app.example"
OTHER = "https://evil.example"


def status(client: Client, photo: bytes, headers: dict[str, str], **extra: Any) -> tuple[int, str]:
    """Status and problem of a POST with the photo."""
    extra = {"headers": {"Host": "localhost:8000", **headers}, "content_type": "image/png", **extra}
    answer = client.post("/api/segment/?faces=whole", photo, **extra)
    return answer.status_code, answer.json()["type"] if answer.status_code != 200 else ""


PASS = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "of another kind"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:3000"},
    {"Origin": "http://localhost:8000"},
    {"Origin": "http://LOCALHOST:8000"},
    {"Sec-Fetch-Site": "cross-site", "Origin": NAMED},
    {"Sec-Fetch-Site": "same-site", "Origin": NAMED},
    {"Origin": NAMED},
    {"Host": "localhost", "Origin": "http://localhost:80"},
    {"Host": "localhost:80", "Origin": "http://localhost"},
]
REFUSED = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OTHER},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
    {"Origin": OTHER},
    {"Origin": "null"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost:8000"},
    {"Origin": "http://localhost:8000.evil.example"},
    {"Origin": "http://localhost:99999"},
    {"Sec-Fetch-Site": "of another kind", "Origin": OTHER},
    {"Origin": f"{NAMED}.evil.example"},
]


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("headers", PASS)
def test_these_may(
    client: Client, photo: bytes, settings: Any, headers: dict[str, str], public: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS, settings.API_PUBLIC = [NAMED], public
    assert status(client, photo, headers) == (200, "")


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("headers", REFUSED)
def test_these_may_not(
    client: Client, photo: bytes, settings: Any, headers: dict[str, str], public: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS, settings.API_PUBLIC = [NAMED], public
    assert status(client, photo, headers) == (403, "cross_site")


@pytest.mark.parametrize("path", ["/api/segment/", "/api/segment/batch/"])
def test_the_body_is_not_read(client: Client, path: str) -> None:
    answer = client.post(path, b"no photo", content_type="image/png", headers={"Origin": OTHER})
    assert (answer.status_code, answer.json()["type"]) == (403, "cross_site")
    assert "CORS_ALLOWED_ORIGINS" in answer.json()["detail"]


def test_reading_is_left_to_cors(client: Client) -> None:
    assert client.get("/api/models/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
def test_where_keys_are_asked_the_key_decides(client: Client, photo: bytes, listen: str) -> None:
    declare_listeners([listen])
    key = make_key()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}
    assert status(client, photo, headers) == (401, "api_key_missing")
    assert status(client, photo, {**headers, "Authorization": f"Api-Key {key}"}) == (200, "")


def test_its_own_origin_is_that_of_its_proxy(client: Client, photo: bytes, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = {"Host": "localhost", "Origin": "https://localhost", "X-Forwarded-Proto": "https"}
    assert status(client, photo, headers) == (200, "")
    assert status(client, photo, {**headers, "Origin": "http://localhost"}) == (403, "cross_site")
