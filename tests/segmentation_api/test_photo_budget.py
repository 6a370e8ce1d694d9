"""Many faces, little time, and clients that have left."""

import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from ml_core.faces import Face
from ml_core.image_errors import TooComplex
from ml_core.outputs import FORMATS, OutputOptions, json_text
from ml_core.segmenter import Segmenter
from segmentation_api.budgets import PhotoBudget
from segmentation_api.errors import Problem
from segmentation_api.renderers import RENDERERS, expected_seconds, render
from tests.segmentation_api.test_admission import make_gate

LANDMARKS = np.array([[4, 4], [12, 4], [8, 8], [5, 12], [11, 12]], float)


class Finder:
    """Finds faces of 10, 20, 30 and 40 pixels, not in this order."""

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """Always the same."""
        return [Face((side, 0, side, side), 0.9, LANDMARKS + side) for side in (20, 40, 10, 30)]


@pytest.fixture
def segmenter(models_dir: Path) -> Segmenter:
    """The tiny model, which takes everything for a face here."""
    found = Segmenter.load(models_dir / "tiny", finder=Finder())
    found._holds_a_face = lambda *_: True  # type: ignore[method-assign]
    return found


def sides(segmenter: Segmenter, photo: bytes, **options: Any) -> tuple[list[int], tuple[str, ...], int]:
    """Of the faces that were parsed; the warnings; how many were found."""
    result = segmenter.predict(photo, faces="auto", **options)
    return sorted(int(face.box[2]) for face in result.faces), result.warnings, result.faces_found


def test_the_largest_faces_are_parsed_and_the_rest_is_told(segmenter: Segmenter, photo: bytes) -> None:
    assert sides(segmenter, photo) == ([10, 20, 30, 40], (), 4)
    assert sides(segmenter, photo, max_faces=4) == ([10, 20, 30, 40], (), 4)
    assert sides(segmenter, photo, max_faces=2) == ([30, 40], ("faces_left_out",), 4)


def test_what_is_no_face_takes_no_ones_place(segmenter: Segmenter, photo: bytes) -> None:
    answers = iter([False, True, True, True])  # the largest is none
    segmenter._holds_a_face = lambda *_: next(answers)  # type: ignore[method-assign]
    assert sides(segmenter, photo, max_faces=2) == ([20, 30], ("faces_left_out",), 3)


def test_no_more_than_twice_as_many_are_tried(segmenter: Segmenter, photo: bytes) -> None:
    segmenter._holds_a_face = lambda *_: False  # type: ignore[method-assign]
    assert sides(segmenter, photo, max_faces=1) == ([], ("no_face_found", "faces_left_out"), 2)


def test_out_of_time_what_is_done_is_the_answer(segmenter: Segmenter, photo: bytes) -> None:
    answers = iter([True, True, True, True, False])  # first of all behind decoding
    assert sides(segmenter, photo, keep_going=lambda: next(answers)) == ([20, 30, 40], ("faces_left_out",), 4)
    with pytest.raises(TooComplex):
        segmenter.predict(photo, faces="auto", keep_going=lambda: False)


def test_json_says_how_many_there_are(segmenter: Segmenter, photo: bytes) -> None:
    assert b'"faces_found":4' in json_text(segmenter.predict(photo, max_faces=1), OutputOptions())
    assert b"faces_found" not in json_text(segmenter.predict(photo), OutputOptions())


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The service's end and the client's."""
    ours, client = socket.socketpair()
    with ours, client:
        yield ours, client


def test_a_client_that_has_gone_stops_its_photo(connection: tuple[socket.socket, socket.socket]) -> None:
    ours, client = connection
    client.sendall(b"the next request")
    going = PhotoBudget({"gunicorn.socket": ours})
    assert going()
    client.close()
    with pytest.raises(Problem) as caught:
        going()
    assert (caught.value.status, caught.value.code) == (408, "client_gone")
    with pytest.raises(Problem):
        PhotoBudget({"gunicorn.socket": ours})


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/segment/", "/api/segment/batch/"])
def test_a_dead_client_s_photo_is_not_begun(
    client: Client,
    photo: bytes,
    connection: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    ours, gone = connection
    gone.close()
    for module in ("views", "batch"):
        monkeypatch.setattr(f"segmentation_api.{module}.segment_image", lambda **_: pytest.fail("computed"))
    files = {"images" if "batch" in path else "image": io.BytesIO(photo)}
    response = client.post(path, files, **{"gunicorn.socket": ours})  # type: ignore[arg-type]
    assert response.json()["type"] == "client_gone"


def test_time_is_up_after_the_cpu_seconds(settings: Any) -> None:
    settings.MAX_CPU_SECONDS = 0
    assert not PhotoBudget({})()


@pytest.mark.parametrize("output", [format.name for format in FORMATS])
def test_an_output_that_would_take_too_long_is_not_begun(
    segmenter: Segmenter, photo: bytes, output: str
) -> None:
    found = segmenter.predict(photo)
    renderer = next(one for one in RENDERERS if one.output == output)
    options = OutputOptions(polygons=True, inline=("mask", "overlay"))
    expected = expected_seconds(found, options, output)
    assert 0 < expected < 0.01
    assert render(found, options, renderer, seconds=2 * expected)[0]
    with pytest.raises(TooComplex, match=output):
        render(found, options, renderer, seconds=expected / 2)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/segment/", "/api/segment/batch/?output=json"])
def test_a_photo_that_used_its_time_up_is_422(
    client: Client, photo: bytes, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(PhotoBudget, "left", lambda _: -1.0)
    monkeypatch.setattr(PhotoBudget, "__call__", lambda _: True)
    answer = client.post(path, {"images" if "batch" in path else "image": io.BytesIO(photo)})
    problem = answer.json()[0]["problem"] if "batch" in path else answer.json()
    assert (problem["status"], problem["type"]) == (422, "too_complex")


def test_retry_after_follows_from_the_age_of_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = make_gate(1, queue=0)
    with gate.slot():
        waits: Callable[[], int] = lambda: int(gate.refusal().headers["Retry-After"])  # noqa: E731
        assert waits() <= 2
        monkeypatch.setattr(gate.slots, "age", lambda: 20.0)
        assert 20 <= waits() <= 40
        monkeypatch.setattr(gate.slots, "age", lambda: 2000.0)
        assert waits() <= 120


def test_a_slot_ages_while_it_is_taken() -> None:
    gate = make_gate(2, queue=0)
    assert gate.slots.age() == 0
    with gate.slot():
        assert gate.slots.age() > 0
    assert gate.slots.age() == 0


def test_several_threads_for_an_inference_leave_decoding_and_encoding_their_time(settings: Any) -> None:
    settings.INFERENCE_THREADS = 8
    assert PhotoBudget({}).left() > 0.99 * settings.MAX_CPU_SECONDS
