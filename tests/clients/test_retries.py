"""When the client comes again, against a transport that answers as it is told."""

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from face_parsing_client import AsyncClient, Client, ConnectionFailed, FaceParsingError, Problem, Retries
from face_parsing_client.retries import retry_after

Ask = Callable[..., Any]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BUSY = {"type": "too_busy", "title": "Busy", "status": 503, "detail": "Come back.", "request_id": "r1"}
FAST = Retries(first=0.001)


class Script:
    """A transport that gives the answers of a list, one after the other, and keeps what was sent."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers: Iterator[httpx.Response | Exception] = iter(answers)
        self.sent: list[httpx.Request] = []
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        self.bodies.append(request.content)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def busy(**headers: str) -> httpx.Response:
    return httpx.Response(503, json=BUSY, headers=headers)


def done() -> httpx.Response:
    return httpx.Response(200, content=b"mask", headers={"Content-Type": "image/png"})


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask for a mask through a script."""

    def blocking(script: Script, photo: Any = b"photo", retries: Retries = FAST, **options: Any) -> bytes:
        with Client(retries=retries, transport=httpx.MockTransport(script), **options) as client:
            return client.mask(photo).content

    async def awaited(
        script: Script, photo: Any = b"photo", retries: Retries = FAST, **options: Any
    ) -> bytes:
        async with AsyncClient(retries=retries, transport=httpx.MockTransport(script), **options) as client:
            return (await client.mask(photo)).content

    if request.param == "sync":
        return blocking
    return lambda *arguments, **options: asyncio.run(awaited(*arguments, **options))


def test_the_whole_photo_is_sent_again_each_time(ask: Ask) -> None:
    for photo in (b"photo", memoryview(b"photo"), io.BytesIO(b"photo")):
        script = Script(
            busy(**{"Retry-After": "0"}),
            httpx.Response(429, headers={"Retry-After": "0"}),
            httpx.ConnectError("refused"),
            busy(),
            done(),
        )
        assert ask(script, photo) == b"mask"
        assert script.bodies == [b"photo"] * 5
        assert {request.headers["Content-Length"] for request in script.sent} == {"5"}
        assert "Transfer-Encoding" not in script.sent[0].headers


def test_retry_after_is_waited_for(ask: Ask) -> None:
    script = Script(busy(**{"Retry-After": "1"}), done())
    begun = time.monotonic()
    assert ask(script) == b"mask"
    assert time.monotonic() - begun >= 1


def test_it_comes_as_often_as_it_is_asked_to(ask: Ask) -> None:
    script = Script(*[busy(**{"Retry-After": "0"}) for _ in range(40)], done())
    assert ask(script) == b"mask"
    assert len(script.sent) == 41


def test_attempts_end(ask: Ask) -> None:
    script = Script(*[busy(**{"Retry-After": "0"}) for _ in range(9)])
    with pytest.raises(Problem, match="too_busy: Come back") as caught:
        ask(script, retries=Retries(attempts=3))
    assert len(script.sent) == 3
    assert (caught.value.retry_after, caught.value.request_id) == ("0", "r1")


def test_a_wait_beyond_the_limit_is_not_begun(ask: Ask) -> None:
    script = Script(busy(**{"Retry-After": "3600"}), done())
    with pytest.raises(Problem):
        ask(script)
    assert len(script.sent) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 413, 415, 422, 500, 502, 301])
def test_other_errors_are_told_at_once(ask: Ask, status: int) -> None:
    script = Script(httpx.Response(status, html="<p>a proxy's page</p>"), done())
    with pytest.raises(Problem, match=f"{status} http_{status}"):
        ask(script)
    assert len(script.sent) == 1


def test_errors_of_another_form_are_left_out(ask: Ask) -> None:
    errors = {"alpha": [1, "text"], "classes": "text"}
    with pytest.raises(Problem, match=r"400 http_400: no alpha: 1 text$"):
        ask(Script(httpx.Response(400, json={"detail": "no", "errors": errors})))


def test_lost_connections(ask: Ask) -> None:
    lost = [httpx.ReadError("reset"), httpx.RemoteProtocolError("cut"), httpx.ConnectTimeout("")]
    assert ask(Script(*lost, done())) == b"mask"
    with pytest.raises(ConnectionFailed, match=r"localhost:8000.*reset"):
        ask(Script(lost[0]), retries=Retries(attempts=1))
    script = Script(httpx.LocalProtocolError("too little data"), done())
    with pytest.raises(FaceParsingError, match="too little data"):
        ask(script)
    assert len(script.sent) == 1


def test_key_and_address(ask: Ask) -> None:
    script = Script(done())
    ask(script, url="https://faces.example.org/below/", api_key="secret")
    [request] = script.sent
    assert str(request.url) == "https://faces.example.org/below/api/segment/?output=mask"
    assert request.headers["Authorization"] == "Api-Key secret"
    with pytest.raises(ValueError, match="http://"):
        ask(script, url="localhost:8000")


HTML = "<p>Log in to this network</p>"
PICTURES = "mask", "labels", "overlay", "matte", "cutout", "instances"
CALLS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys((*PICTURES, "classes", "json"), (b"photo",)),
    "output": ("hologram", b"photo"),
    **dict.fromkeys(("batch", "batch_json"), ([b"photo"],)),
    "models": (),
    "model": ("tiny",),
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("method", [*CALLS, "download_model"])
def test_a_page_of_another_server_is_no_answer(method: str, is_async: bool, tmp_path: Any) -> None:
    script = Script(httpx.Response(200, html=HTML))
    arguments = CALLS.get(method, ("tiny", tmp_path / "model.onnx"))

    async def call() -> None:
        if is_async:
            async with AsyncClient(transport=httpx.MockTransport(script)) as client:
                await getattr(client, method)(*arguments)
        else:
            with Client(transport=httpx.MockTransport(script)) as client:
                getattr(client, method)(*arguments)

    with pytest.raises(FaceParsingError, match=r"api/.*text/html.*face-parsing service"):
        asyncio.run(call())
    assert len(script.sent) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("method", "media_type", "wanted"),
    [
        *[(name, "application/json", "a picture") for name in PICTURES],
        ("mask", "", "a picture"),
        ("classes", "image/png", "a zip"),
        ("batch", "application/json", "a zip"),
    ],
)
def test_an_answer_of_another_kind_is_none(method: str, media_type: str, wanted: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    script = Script(httpx.Response(200, content=b"{}", headers=headers))
    with (
        Client(transport=httpx.MockTransport(script)) as client,
        pytest.raises(FaceParsingError, match=f"{media_type or 'no media type'}, not with {wanted}"),
    ):
        getattr(client, method)(*CALLS[method])


def test_outputs_that_this_client_does_not_know() -> None:
    script = Script(
        httpx.Response(200, content=b"3D", headers={"Content-Type": "model/gltf-binary"}),
        httpx.Response(200, json=[]),
    )
    with Client(transport=httpx.MockTransport(script)) as client:
        assert client.output("hologram", b"photo").media_type == "model/gltf-binary"
        assert client.batch([b"photo"], "json").content == b"[]"


def test_a_model_that_comes_with_another_sum_is_not_kept(tmp_path: Any) -> None:
    answers = [
        httpx.Response(
            200, content=b"half", headers={"Content-Type": "application/octet-stream", "ETag": '"0123"'}
        )
        for _ in range(2)
    ]
    retries = Retries(attempts=2, first=0.001)
    transport = httpx.MockTransport(Script(*answers))
    with (
        Client(transport=transport, retries=retries) as client,
        pytest.raises(ConnectionFailed, match="sha256"),
    ):
        client.download_model("tiny", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("soon", None),
        ("99999999999 Jan 99999999999999 00:00:00", None),
        ("-3", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, lambda: NOW) == seconds


def test_waits_grow_and_are_spread() -> None:
    error, retries = ConnectionFailed(), Retries(attempts=9)
    begun = time.monotonic()
    waits = [[retries.wait(error, attempt=n, begun=begun) for _ in range(20)] for n in (1, 2, 3)]
    for shortest, row in zip((0.5, 1.0, 2.0), waits, strict=True):
        assert shortest <= min(row) < max(row) <= 1.25 * shortest
