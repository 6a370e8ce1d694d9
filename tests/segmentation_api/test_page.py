"""The web page at /: served where it was built, and what is said where it was not."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
SCRIPT = "_next/static/chunks/0a1b2c.js"


@pytest.fixture
def export(tmp_path: Path, settings: Any) -> Path:
    """A build of frontend/, as small as can be, and served."""
    files = {
        "index.html": "<title>Face parts</title>",
        "404.html": "<title>404</title>",
        SCRIPT: "let a;" * 9,
        f"{SCRIPT}.br": "smallest",
        f"{SCRIPT}.gz": "compressed",
        "samples/astronaut.jpg": "photo",
    }
    for name, text in files.items():
        file = tmp_path / "out" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    settings.WHITENOISE_ROOT = tmp_path / "out"
    return tmp_path / "out"


@pytest.fixture
def no_export(settings: Any) -> None:
    """frontend/ was never built, whatever is true of this checkout."""
    settings.WHITENOISE_ROOT = None


def text_of(response: Any) -> str:
    """The body, streamed or not; whitenoise's files are closed."""
    body = b"".join(response)
    response.close()
    return body.decode()


def test_the_page_is_served_at_the_root_and_asked_for_anew(export: Path) -> None:
    response = Client().get("/")
    assert (response.status_code, text_of(response)) == (200, "<title>Face parts</title>")
    assert response["Cache-Control"] == "no-cache"
    again = Client().get("/", headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    moved = Client().get("/index.html")
    assert (moved.status_code, moved["Location"]) == (302, "./")


def test_files_with_a_hash_in_their_name_are_kept_for_good_and_sent_compressed(export: Path) -> None:
    response = Client().get(f"/{SCRIPT}", headers={"Accept-Encoding": "gzip, br"})
    assert (response["Content-Encoding"], text_of(response)) == ("br", "smallest")
    assert "immutable" in response["Cache-Control"]
    sample = Client().get("/samples/astronaut.jpg")
    assert "immutable" not in sample["Cache-Control"]
    sample.close()


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/404.html"])
def test_no_other_site_may_frame_the_page_or_guess_its_types(export: Path, path: str) -> None:
    response = Client().get(path)
    response.close()
    assert response["X-Frame-Options"] == "DENY"
    assert response["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Permissions-Policy"].startswith("camera=(self), ")
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}"])
def test_the_page_is_isolated_so_that_its_worker_may_have_threads(export: Path, path: str) -> None:
    response = Client().get(path)
    response.close()
    isolation = (response["Cross-Origin-Opener-Policy"], response["Cross-Origin-Embedder-Policy"])
    assert isolation == ("same-origin", "require-corp")


def test_the_page_does_not_hide_the_api(export: Path) -> None:
    assert Client().get("/api/models/").status_code == 200
    response = Client().get("/nothing")
    assert (response.status_code, response.json()["type"]) == (404, "not_found")


def test_a_browser_gets_the_pages_own_answer_to_an_unknown_address(export: Path, settings: Any) -> None:
    settings.PAGE_DIR = export
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    response = Client().get("/nothing", headers=html)
    assert (response.status_code, response.content.decode()) == (404, "<title>404</title>")
    assert Client().get("/api/nothing", headers=html).json()["type"] == "not_found"
    assert Client().get("/nothing").json()["type"] == "not_found"


def test_without_a_build_a_browser_is_told_in_html(no_export: None) -> None:
    response = Client().get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = text_of(response)
    assert "make page" in page
    (link,) = re.findall(r'href="([^"]*)"', page)
    assert Client().get(link).status_code == 200


def test_without_a_build_others_are_told_in_plain_text(no_export: None) -> None:
    response = Client().get("/")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = text_of(response)
    assert "make page" in text
    assert "/api/docs/" in text
    assert Client(enforce_csrf_checks=True).post("/").status_code == 405
