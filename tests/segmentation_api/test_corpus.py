"""Hundreds of bad inputs against the live service: each gets an answer that api.md allows, and none leaves a trace."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.bundle import GOLDEN, GOLDEN_LABELS
from tests.backend.test_server import workers
from tests.conftest import ROOT, Server, decode
from tests.segmentation_api.corpus import Case, families
from tests.segmentation_api.corpus_http import CLOSED

FAMILIES = families()
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def live(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose temporary files would all lie in one folder."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "tmp").mkdir()
    running = Server(folder, models_dir, HEADER_TIMEOUT="1", BODY_TIMEOUT="2", TMPDIR=str(folder / "tmp"))
    yield running.wait_until_ready()
    running.stop()


@pytest.fixture(scope="module")
def before(live: Server, models_dir: Path) -> dict[str, object]:
    """What the service has and holds before the first bad input, but after a good one."""
    photo = (models_dir / "tiny" / "golden.png").read_bytes()
    first = httpx.post(
        f"{live.url}/api/segment/?faces=whole", content=photo, headers={"Content-Type": "image/png"}
    )
    assert first.status_code == 200
    return traces(live)


def traces(server: Server) -> dict[str, object]:
    """Its files and its worker processes."""
    folder = server.log.parent
    return {"files": {str(path) for path in folder.rglob("*")}, "workers": set(workers(server))}


def answer(server: Server, case: Case) -> tuple[int, str, bytes]:
    """Status, content type and body; status 0 for a connection closed without an answer."""
    with server.connect() as connection:
        try:
            connection.sendall(case.request)
            if case.half_close:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):  # the server has heard enough
            pass
        response = http.client.HTTPResponse(
            connection, method=case.request.partition(b" ")[0].decode("latin-1")
        )
        try:
            response.begin()
            return response.status, response.getheader("Content-Type", ""), response.read()
        except (http.client.HTTPException, ConnectionResetError):
            return CLOSED, "", b""


def complaint(server: Server, case: Case) -> str | None:
    """What is wrong with the answer to a case, if anything."""
    try:
        status, content_type, body = answer(server, case)
    except TimeoutError:
        return f"{case.name}: no answer within 20 s"
    if status not in case.statuses:
        return f"{case.name}: {status}, not {sorted(case.statuses)}: {body[:200]!r}"
    if status < 400:
        return None
    if content_type != "application/problem+json":
        return f"{case.name}: {status} as {content_type}"
    problem = json.loads(body)
    if not {"type", "title", "status", "detail", "request_id"} <= set(problem) or problem["status"] != status:
        return f"{case.name}: {problem}"
    if "Traceback" in problem["detail"] or str(ROOT) in problem["detail"] or len(body) > 20_000:
        return f"{case.name} tells too much: {body[:200]!r}"
    return None


def test_the_corpus_is_large_enough_and_no_name_is_there_twice() -> None:
    names = [case.name for cases in FAMILIES.values() for case in cases]
    assert len(names) >= 300
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_gets_an_answer_that_the_contract_allows(
    live: Server, before: dict[str, object], family: str
) -> None:
    complaints = [found for case in FAMILIES[family] if (found := complaint(live, case))]
    assert not complaints, "\n".join(complaints)


def test_slow_senders_are_told_or_dropped(live: Server, before: dict[str, object]) -> None:
    head = b"POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\n"
    beginnings = {
        head: CLOSED,
        b"P": CLOSED,
        head + b"Content-Type: image/png\r\nContent-Length: 1000\r\n\r\n\x89PNG": 408,
        head + b"Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab": 408,
        head + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n": 408,
        head + b'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"image": "': 408,
    }
    for sent, status in beginnings.items():
        case = Case(f"slow: {sent[-30:]!r}", frozenset([status]), sent)
        assert complaint(live, case) is None


def test_after_all_of_it_the_golden_image_still_passes(
    live: Server, before: dict[str, object], models_dir: Path
) -> None:
    golden: NDArray[np.uint8] = decode((models_dir / "tiny" / GOLDEN_LABELS).read_bytes())
    for _ in range(8):
        response = httpx.post(
            f"{live.url}/api/segment/?faces=whole&output=labels",
            content=(models_dir / "tiny" / GOLDEN).read_bytes(),
            headers={"Content-Type": "image/png"},
        )
        assert response.status_code == 200
        assert (decode(response.content) == golden).all()
    assert httpx.get(f"{live.url}/readyz").status_code == 200


def test_nothing_is_left_and_no_worker_died(live: Server, before: dict[str, object]) -> None:
    log = live.log.read_text()
    for trouble in (
        "Traceback",
        "request_failed",
        "internal_error",
        "Error handling",
        "SIGKILL",
        "WORKER TIMEOUT",
        "UserWarning",
    ):
        assert trouble not in log, log[log.index(trouble) - 2000 :][:4000]
    assert traces(live) == before
    assert not list((live.log.parent / "tmp").iterdir())
