"""A Content-Type that Django cannot read is no error of the service."""

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from backend.content_type import readable


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("image/jpeg", "image/jpeg"),
        ("application/json; charset=utf-8", "application/json; charset=utf-8"),
        ("image/jpeg; charset=hex", "image/jpeg"),
        ("image/jpeg; charset=undefined", "image/jpeg"),
        ("image/jpeg; name*=foo''%41", "image/jpeg"),
        ("image/jpeg; charset*=utf-8''a%00", "image/jpeg"),
        ("multipart/form-data; charset=rot13; boundary=abc", "multipart/form-data; boundary=abc"),
    ],
)
def test_what_cannot_be_read_is_left_out(header: str, read: str) -> None:
    assert readable(header) == read
    environ = RequestFactory().get("/healthz?a=1").environ
    assert WSGIRequest({**environ, "CONTENT_TYPE": readable(header)}).GET["a"] == "1"
