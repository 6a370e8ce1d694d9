"""Large files that the front sends: answers without a body, and the folder that they name."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from segmentation_api.front_files import HEADER

LARGE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
SMALL = "/static/drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png"
OF_THE_FRONT = {"Content-Length", HEADER, "X-Request-Id"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def plain(client: Client) -> Any:
    """What the service sends without a front, its content read."""
    return read(client.get(LARGE))


@pytest.fixture
def front(tmp_path: Path, settings: Any) -> Client:
    """Asks a service that shares a folder with a front."""
    settings.FRONT_FILES = tmp_path
    at = settings.MIDDLEWARE.index("whitenoise.middleware.WhiteNoiseMiddleware")
    ours = "segmentation_api.front_files.middleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], ours, *settings.MIDDLEWARE[at:]]
    return Client()


def read(response: Any) -> tuple[dict[str, str], bytes]:
    """Headers and content."""
    content = b"".join(response) if response.streaming else response.content
    response.close()
    return dict(response.headers), content


def test_a_large_file_is_named_with_the_headers_it_has_anyway(
    plain: tuple[dict[str, str], bytes], front: Client, tmp_path: Path
) -> None:
    headers, content = read(front.get(LARGE))
    assert content == b""
    assert headers["Content-Length"] == "0"
    file = tmp_path / headers[HEADER].removeprefix("/")
    assert file.name == hashlib.sha256(plain[1]).hexdigest()
    assert file.read_bytes() == plain[1]
    assert file.stat().st_mode & 0o777 == 0o644
    assert {"ETag", "Cross-Origin-Embedder-Policy", "Content-Security-Policy", "Cache-Control"} <= set(
        headers
    )
    for name in OF_THE_FRONT:
        plain[0].pop(name, None)
        headers.pop(name, None)
    assert headers == plain[0]
    assert list(tmp_path.iterdir()) == [file]


def test_a_part_is_cut_by_the_front_and_304_by_the_service(front: Client) -> None:
    whole = front.get(LARGE)
    part = front.get(LARGE, headers={"Range": "bytes=0-99"})
    assert (part.status_code, part[HEADER]) == (200, whole[HEADER])
    known = front.get(LARGE, headers={"If-None-Match": whole["ETag"]})
    assert known.status_code == 304
    assert HEADER not in known


def test_what_is_small_or_only_asked_about_is_the_services(front: Client, tmp_path: Path) -> None:
    assert HEADER not in read(front.get(SMALL))[0]
    assert HEADER not in front.head(LARGE)
    assert HEADER not in front.get("/api/models/")
    assert not list(tmp_path.iterdir())


def test_a_model_is_handed_over_to_who_may_have_it(front: Client, models_dir: Path, tmp_path: Path) -> None:
    response = front.get("/api/models/tiny/model.onnx")
    assert response.content == b""
    handed = tmp_path / response[HEADER].removeprefix("/")
    assert handed.read_bytes() == (models_dir / "tiny" / "model.onnx").read_bytes()
    assert response["ETag"] == f'"{handed.name}"'
    assert HEADER not in front.head("/api/models/tiny/model.onnx")


def test_a_cleaned_folder_is_filled_anew_and_a_broken_one_costs_no_answer(
    plain: tuple[dict[str, str], bytes], front: Client, tmp_path: Path, settings: Any, log: io.StringIO
) -> None:
    (tmp_path / front.get(LARGE)[HEADER].removeprefix("/")).unlink()
    assert (tmp_path / front.get(LARGE)[HEADER].removeprefix("/")).is_file()
    settings.FRONT_FILES = tmp_path / "gone"
    assert read(front.get(LARGE))[1] == plain[1]
    assert "front_files_failed" in log.getvalue()


def test_without_a_front_nothing_is_handed_over(client: Client) -> None:
    assert HEADER not in read(client.get(LARGE))[0]
    assert HEADER not in read(client.get("/api/models/tiny/model.onnx"))[0]
