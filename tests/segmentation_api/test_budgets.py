"""The bytes in flight of all workers, and JSON that is checked before objects are made of it."""

import io
import json
import multiprocessing
import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import ParseError
from rest_framework.views import APIView

from segmentation_api import flat_json, parsers
from segmentation_api.budgets import SMALL_ANSWER, UNIT, AnswerRoom, BytesInFlight
from segmentation_api.errors import Problem, problem_of
from segmentation_api.flat_json import read_object
from segmentation_api.parsers import FormParser, JsonParser, PhotoParser, decode_base64, most_bytes
from segmentation_api.views import BatchView, SegmentView

fork = multiprocessing.get_context("fork")


def free(budget: BytesInFlight) -> int:
    """How many units are free."""
    for units in range(budget.count, 0, -1):
        try:
            with budget.hold(units * UNIT):
                return units
        except Problem:
            continue
    return 0


def test_bytes_are_taken_by_size_and_given_back_after_errors() -> None:
    budget = BytesInFlight(10 * UNIT)
    with budget.hold(3 * UNIT + 1):
        assert free(budget) == 6
        with pytest.raises(ZeroDivisionError), budget.hold(6 * UNIT):
            assert 1 / free(budget)
        assert free(budget) == 6
    assert free(budget) == 10


def test_what_does_not_fit_is_503_at_once_and_takes_nothing() -> None:
    budget = BytesInFlight(10 * UNIT)
    with budget.hold(8 * UNIT):
        with pytest.raises(Problem) as caught, budget.hold(3 * UNIT):
            pass
        assert (caught.value.status, caught.value.code) == (503, "too_busy")
        assert int(caught.value.headers["Retry-After"]) >= 1
        assert free(budget) == 2


def test_even_an_empty_body_takes_a_unit() -> None:
    budget = BytesInFlight(2 * UNIT)
    with budget.hold(0):
        assert free(budget) == 1


def test_processes_share_the_budget_and_one_that_died_gives_its_own_back() -> None:
    budget = BytesInFlight(10 * UNIT)
    here, there = fork.Pipe()

    def work() -> None:
        with budget.hold(7 * UNIT):
            there.send("held")
            there.recv()

    process = fork.Process(target=work)
    process.start()
    assert here.poll(30)
    assert free(budget) == 3
    process.kill()
    process.join(30)
    assert free(budget) == 3
    budget.give_back_all_of(process.pid or os.getpid())  # as gunicorn's master does
    assert free(budget) == 10


@pytest.fixture
def one_upload(monkeypatch: pytest.MonkeyPatch, settings: Any) -> BytesInFlight:
    """A budget that the largest upload takes whole."""
    budget = BytesInFlight(most_bytes(settings.MAX_UPLOAD_BYTES))
    monkeypatch.setattr("segmentation_api.views.bytes_in_flight", budget)
    return budget


@pytest.mark.django_db
@pytest.mark.parametrize("parser", [PhotoParser, FormParser, JsonParser])
def test_without_room_the_body_is_not_read(
    segment: Callable[..., Any],
    one_upload: BytesInFlight,
    monkeypatch: pytest.MonkeyPatch,
    parser: type[PhotoParser],
) -> None:
    monkeypatch.setattr(parser, "read", lambda *_: pytest.fail("the body was read"))
    kind = {FormParser: "multipart/form-data; boundary=b", JsonParser: "application/json"}.get(
        parser, "image/png"
    )
    with one_upload.hold(one_upload.count * UNIT):
        response = segment(content_type=kind)
    assert (response.status_code, response.json()["type"]) == (503, "too_busy")
    assert response["Retry-After"]


@pytest.mark.django_db
def test_room_is_given_back_after_every_answer(
    segment: Callable[..., Any], one_upload: BytesInFlight, settings: Any
) -> None:
    for data, kind, status in (
        (None, "image/png", 200),
        (b"no image", "image/png", 415),
        (b"{", "application/json", 400),
        (b"--b", "multipart/form-data; boundary=b", 400),
        (b"x" * (settings.MAX_UPLOAD_BYTES + 1), "image/png", 413),
    ):
        answer = segment(content_type=kind) if data is None else segment(data, content_type=kind)
        assert answer.status_code == status
        assert free(one_upload) == one_upload.count


@pytest.mark.django_db
def test_a_body_in_chunks_takes_as_much_as_the_largest(
    segment: Callable[..., Any], one_upload: BytesInFlight
) -> None:
    with one_upload.hold(UNIT):
        assert segment(headers={"Transfer-Encoding": "chunked"}).status_code == 503
        assert segment().status_code == 200


@pytest.fixture
def of_answers(monkeypatch: pytest.MonkeyPatch) -> BytesInFlight:
    """A budget for answers, in which the smallest ones count."""
    budget = BytesInFlight(10 * UNIT)
    monkeypatch.setattr("segmentation_api.budgets.bytes_in_flight", budget)
    monkeypatch.setattr("segmentation_api.budgets.SMALL_ANSWER", 0)
    return budget


def test_answers_have_room_until_they_are_closed(of_answers: BytesInFlight) -> None:
    with AnswerRoom() as room:
        room.take(3 * UNIT)
        room.take(4 * UNIT)
        with pytest.raises(Problem) as caught:
            room.take(4 * UNIT)
        assert (caught.value.status, caught.value.code) == (503, "too_busy")
        kept = room.pop_all()
    assert free(of_answers) == 3
    kept.close()
    assert free(of_answers) == 10


def test_small_answers_to_one_request_have_room_once_they_are_not_small_together() -> None:
    budget = BytesInFlight(10 * UNIT)
    with pytest.MonkeyPatch.context() as patch, AnswerRoom() as room:
        patch.setattr("segmentation_api.budgets.bytes_in_flight", budget)
        room.take(SMALL_ANSWER)
        assert free(budget) == 10
        for taken in range(2, 12):
            room.take(UNIT // 2)
            assert free(budget) == 10 - -(-(SMALL_ANSWER + (taken - 1) * UNIT // 2) // UNIT)
    assert free(budget) == 10


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("view", "field"), [(SegmentView, "image"), (BatchView, "images")], ids=["segment", "batch"]
)
def test_an_answer_that_is_not_sent_yet_keeps_its_room(
    of_answers: BytesInFlight, photo: bytes, view: type[APIView], field: str
) -> None:
    request = RequestFactory().post("/", {field: io.BytesIO(photo)}, query_params={"faces": "whole"})
    request.META["HTTP_X_REQUEST_ID"] = "1"
    response = view.as_view()(request)
    assert response.status_code == 200
    assert free(of_answers) == 9
    response.close()
    assert free(of_answers) == 10


@pytest.mark.django_db
def test_without_room_for_its_answer_a_photo_is_503(
    of_answers: BytesInFlight, segment: Callable[..., Any]
) -> None:
    with of_answers.hold(10 * UNIT):
        response = segment()
    assert (response.status_code, response.json()["type"]) == (503, "too_busy")
    assert segment().status_code == 200
    assert free(of_answers) == 10


NOT_FLAT = [
    b'{"a":{}}',
    b'{"a":[{}]}',
    b'{"a":[[]]}',
    b'{"a":[1,[2]]}',
    b'{"a":[],"b":{"c":1}}',
    b"[]",
    b"[{}]",
    b"1",
    b'"image"',
    b"",
    b"{}{}",
    b"{}[]",
]


@pytest.mark.parametrize("body", NOT_FLAT)
def test_what_is_not_flat_is_refused(body: bytes) -> None:
    with pytest.raises((ParseError, Problem)) as caught:
        read_object(body, "image")
    problem = problem_of(caught.value)
    assert problem is not None
    assert problem.status == 400


def test_a_nested_value_is_named() -> None:
    with pytest.raises(Problem) as caught:
        read_object(b'{"rle":true,"alpha":{"a":1}}', "image")
    assert "alpha" in caught.value.errors


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a"}',
        b'{"a":1',
        b'{"a":1}}',
        b'{"a":"b}',
        b'{"a":"b\\"}',
        b'{"image":"a","image":"b"}',
        b'{"a":1,"a":2}',
        b'{"image":"\\x"}',
        b'{"image":"\xff\\n"}',
        b'{"a":"\xff"}',
        b'{"a":tru}',
        b'{"image":"a"\x00}',
        b'{"a":"' + b"\\" * 200 + b'"}',
        b'{"a":' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        read_object(body, "image")


@pytest.mark.parametrize(
    ("body", "members", "image"),
    [
        (b"{}", {}, None),
        (b' { "image" : "YWJj" , "alpha" : 0.5 } \n', {"image": "", "alpha": 0.5}, b"YWJj"),
        (b'{"classes":["hair","skin"],"rle":false,"face":null}', None, None),
        (b'{"image":"a\\/b\\u002b\\n"}', {"image": ""}, b"a/b+\n"),
        (b'{"image":null}', {"image": None}, None),
        (b'{"image":["a"]}', {"image": ["a"]}, None),
        (b'{"other":"image","image":"a"}', {"other": "image", "image": ""}, b"a"),
        (b'{"a":"\\\\","image":"b\\""}', {"a": "\\", "image": ""}, b'b"'),
        (b'{"a":"image","b":["image"]}', None, None),
        (b'{"image":""}', {"image": ""}, None),
        ('{"ä":"\\u00e4"}'.encode(), {"ä": "ä"}, None),
    ],
)
def test_flat_json_is_what_json_makes_of_it(
    body: bytes, members: dict[str, Any] | None, image: bytes | None
) -> None:
    assert read_object(body, "image") == (json.loads(body) if members is None else members, image)


@pytest.mark.parametrize("unit", [b"{},", b'"aa",', b"1.5,", b"[],", b'"\\"",', b'"image":"",', b"  ", b"\\"])
@pytest.mark.parametrize("before", [b'{"classes":[', b'{"image":[', b'{"classes":"', b"{", b"["])
def test_large_bodies_cost_no_memory_before_they_are_refused(before: bytes, unit: bytes) -> None:
    body = before + unit * (4_000_000 // len(unit))
    tracemalloc.start()
    with pytest.raises((ParseError, Problem)):
        read_object(body, "image")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2 << 20


@pytest.mark.parametrize(
    "unit", [r"QUJD\n", "QUJD", r"\u0051\u0055", r"\\A", "é日", r"\ud83d", "\\", "\n", "Q=", r"+\/\t-_"]
)
@pytest.mark.parametrize("pieces", [8, 12, 100])
def test_strings_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch, unit: str, pieces: int) -> None:
    body = ('{"image": "' + unit * 100 + "QQ" + unit + '"}').encode()

    def outcome() -> Any:
        try:
            _, image = read_object(body, "image")
            return decode_base64(image or b"")
        except (ParseError, Problem) as error:
            return str(error)

    whole = outcome()
    monkeypatch.setattr(flat_json, "PIECE", pieces)
    monkeypatch.setattr(parsers, "PIECE", pieces)
    assert outcome() == whole


@pytest.mark.parametrize("unit", [b"AAAA", b"AA ", b" ", b"AAAA\r\n"])
def test_base64_is_decoded_without_an_object_for_each_word(unit: bytes) -> None:
    text = unit * (4_000_000 // len(unit))
    tracemalloc.start()
    try:
        decode_base64(text)
    except Problem:
        pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * len(text)


@pytest.mark.parametrize("head", [b"", b"data:image/png;base64,"])
@pytest.mark.parametrize("alphabet", [b"+/", b"-_"])
def test_base64_is_copied_no_more_than_twice(head: bytes, alphabet: bytes) -> None:
    text = head + (alphabet * 2 + b"\r\n") * 700_000
    tracemalloc.start()
    decode_base64(text)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2.1 * len(text)
