"""Forms as clients write them, and what of them is kept."""

import io
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from segmentation_api.errors import Problem
from segmentation_api.parsers import Upload, read_form

KIND = "multipart/form-data; boundary=b"


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """Each part's headers behind `form-data; `, and its content."""
    head = "--b\r\nContent-Disposition: form-data; {}\r\n\r\n"
    return b"".join(head.format(what).encode("latin-1") + content + b"\r\n" for what, content in parts) + end


def read(body: bytes, kind: str = KIND, **limits: Any) -> dict[str, list[Any]]:
    """What is in it."""
    form = read_form(io.BytesIO(body), kind, **{"file_bytes": 1000, "body_bytes": 3000, **limits})
    return {name: [one.content if isinstance(one, Upload) else one for one in form[name]] for name in form}


def test_files_are_bytes_and_the_rest_is_text_in_the_order_sent() -> None:
    body = form(
        ('name="alpha"', "0,5 é".encode()), ('name="image"; filename="a.jpg"', b"1"), ('name="image"', b"2")
    )
    assert read(body) == {"alpha": ["0,5 é"], "image": [b"1", "2"]}


@pytest.mark.parametrize(
    "name",
    [
        'filename="b\xe9b\xe9.jpg"',  # not UTF-8
        "filename=photo.jpg",
        'filename=""',
        "filename*=UTF-8''%e2%82%ac.jpg",
        'filename="a\\"b.jpg"',
    ],
)
def test_a_file_is_one_however_its_client_calls_it(name: str) -> None:
    assert read(form((f'name="image"; {name}', b"photo"))) == {"image": [b"photo"]}


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data;boundary=b", 'Multipart/Form-Data; charset=x; BOUNDARY="b"'],
)
def test_the_boundary_may_be_stated_in_any_way(kind: str) -> None:
    assert read(form(('name="a"', b"1")), kind) == {"a": ["1"]}


def test_line_ends_and_near_boundaries_belong_to_the_photo() -> None:
    photo = b"\r\n--\r\n--a\r\n\n--b\r\n\r\n" + bytes(range(256))
    assert read(form(('name="image"; filename="x"', photo))) == {"image": [photo]}


@pytest.mark.parametrize(
    "body",
    [
        form(('name="a"', b"1"), end=b""),
        form(('name="a"', b"1")).replace(b"--b", b"--c"),
        b"",
        b"--b\r\nno header\r\n\r\n1\r\n--b--",
        form(('name="a"\r\nContent-Transfer-Encoding: base64', b"@@@")),
    ],
)
def test_what_is_no_form_is_told_so(body: bytes) -> None:
    with pytest.raises(ParseError):
        read(body)


def test_files_have_a_limit_in_all() -> None:
    photo = ('name="image"; filename="x"', bytes(500))
    assert len(read(form(photo, photo))["image"]) == 2
    with pytest.raises(Problem) as caught:
        read(form(photo, photo, photo))
    assert (caught.value.status, caught.value.code) == (413, "upload_too_large")


def test_no_more_is_read_than_a_body_may_have() -> None:
    stream = io.BytesIO(form(('name="a"', b"1")) + bytes(1 << 20))
    assert read_form(stream, KIND, file_bytes=10, body_bytes=1000) == {"a": ["1"]}
    assert stream.tell() == 1000


def test_text_and_parts_have_limits(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    text, file = ('name="a"', b"1"), ('name="a"; filename="x"', b"1")
    read(form(text, text, text, file, file))
    for body, expected in {
        form(text, text, text, text): (400, "too_many_parts"),
        form(file, file, file): (400, "too_many_parts"),
        form(('name="a"', bytes(11))): (413, "upload_too_large"),
    }.items():
        with pytest.raises(Problem) as caught:
            read(body)
        assert (caught.value.status, caught.value.code) == expected
