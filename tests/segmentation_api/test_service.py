"""Models, probes, schema, docs, metrics, logs."""

import base64
import gc
import io
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.test.client import MULTIPART_CONTENT
from drf_spectacular.generators import SchemaGenerator

from segmentation_api import health
from segmentation_api.engine import Engine, engine
from segmentation_api.slots import shared_slots

pytestmark = pytest.mark.django_db

Segment = Callable[..., Any]


def test_models_are_listed(client: Client) -> None:
    (model,) = client.get("/api/models/").json()
    assert (model["name"], model["version"], model["default"]) == ("tiny", "1.0.0", True)
    assert len(model["sha256"]) == 64


def test_a_model_tells_its_class_table(client: Client) -> None:
    model = client.get("/api/models/tiny/").json()
    assert set(model) == {
        *("name", "version", "default", "sha256"),
        *("classes", "input", "temperature", "temperatures", "metrics", "licence", "precision", "cut"),
    }
    assert model["temperature"] == 1.0
    assert model["temperatures"] == [1.0] * len(model["classes"])
    assert model["input"] == {"width": 64, "height": 64}
    assert model["classes"][4] == {
        "id": 4,
        "name": "left_eye",
        "color": [255, 255, 102],
        "mirror": 5,
        "role": "face",
    }


def test_probes_answer_whatever_the_host(client: Client, segment: Segment) -> None:
    segment()
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        response = client.get(path, headers={"Host": "10.1.2.3:8000"})
        assert (response.status_code, response.json()) == (200, {"status": status})
        assert client.head(path).status_code == 200


def test_not_ready_before_a_model_is_loaded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "engine", Engine())
    response = client.get("/readyz")
    assert (response.status_code, response.json()["type"]) == (503, "not_ready")
    assert response["Retry-After"]
    assert client.get("/healthz").status_code == 200


def test_not_ready_while_no_slot_comes_free(client: Client, settings: Any) -> None:
    engine.models()
    held = [shared_slots.take() for _ in range(shared_slots.count)]
    try:
        assert client.get("/readyz").status_code == 200, "for a while that is what load looks like"
        settings.STALL_TIMEOUT = 0
        response = client.get("/readyz")
        assert (response.status_code, response.json()["type"]) == (503, "not_ready")
        shared_slots.give_back(held.pop())
        assert client.get("/readyz").status_code == 200
    finally:
        for slot in held:
            shared_slots.give_back(slot)


def test_the_schema_is_valid_and_names_everything(client: Client, tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    schema = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert schema["openapi"].startswith("3.1")
    post = schema["paths"]["/api/segment/"]["post"]
    assert post["security"] == [{"ApiKey": []}, {}], "no key is asked for here"
    assert set(post["responses"]) == {
        "200",
        *map(str, (400, 401, 403, 405, 406, 408, 413, 415, 422, 429, 503)),
    }
    assert set(post["responses"]["413"]["content"]) == {"application/problem+json"}
    assert {"image/png", "image/jpeg", "application/zip", "application/json"} == set(
        post["responses"]["200"]["content"]
    )
    assert {"multipart/form-data", "application/json", "image/jpeg"} < set(post["requestBody"]["content"])
    names = {parameter["name"] for parameter in post["parameters"]}
    assert names == {"output", "classes", "alpha", "faces", "face", "model", "rle", "polygons", "inline"}


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_the_schema_is_written_once_whatever_is_asked(
    client: Client, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get("/api/schema/", headers={"Accept": accept})
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *_, **__: pytest.fail("written once more"))
    for query in ("", "?version=1", "?version=%0d%0ax", "?lang=de"):
        again = client.get(f"/api/schema/{query}", headers={"Accept": accept})
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Content-Type"] == first["Content-Type"]


def test_the_docs_page_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "https://" not in text.replace("https://www.w3.org", "")
    asset = client.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
    assert asset.status_code == 200
    asset.close()


def test_metrics_count_images_and_stages(client: Client, segment: Segment) -> None:
    def value(name: str) -> float:
        lines = client.get("/metrics").content.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    images = value('segment_images_total{model="tiny",output="labels"}')
    segment(output="labels")
    assert value('segment_images_total{model="tiny",output="labels"}') == images + 1
    for stage in ("decode", "locate", "infer", "encode"):
        assert value(f'segment_stage_seconds_count{{model="tiny",stage="{stage}"}}') >= 1
    assert value("segment_in_flight") == 0
    assert value("segment_queued") == 0
    assert value("segment_queue_seconds_count") >= 1
    assert value("django_http_requests_total_by_method_total") >= 1


def test_metrics_remember_no_method_that_a_client_made_up(client: Client) -> None:
    client.generic("BREW", "/api/models/")
    text = client.get("/metrics").content.decode()
    assert 'method="<invalid method>",view="models"' in text
    assert "BREW" not in text


def test_a_request_is_one_log_line_without_what_the_client_sent(client: Client, log: io.StringIO) -> None:
    client.get(
        "/api/models/",
        query_params={"token": "query-secret"},
        headers={"X-Request-Id": "abc", "Authorization": "Api-Key key.secret", "User-Agent": "agent-secret"},
    )
    line = json.loads(log.getvalue())
    assert line["request"] == "GET /api/models/"
    assert (line["code"], line["request_id"]) == (200, "abc")
    assert line["ms"] > 0
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize("body", ["form", "json", "raw"])
@pytest.mark.parametrize(("kept", "status"), [(1.0, "200 OK"), (0.5, "422 Unprocessable Entity")])
def test_a_request_leaves_nothing_for_the_garbage_collector(
    photo: bytes, kept: float, status: str, body: str
) -> None:
    """Photo and answer would stay in memory until it comes."""
    handler, factory = WSGIHandler(), RequestFactory()
    sent = photo[: int(len(photo) * kept)]
    data: Any = {
        "form": {"image": SimpleUploadedFile("photo.png", sent)},
        "json": json.dumps({"image": base64.b64encode(sent).decode()}),
        "raw": sent,
    }[body]
    kind = {"json": "application/json", "raw": "image/png"}.get(body, MULTIPART_CONTENT)

    def answer() -> str:
        if body == "form":
            data["image"].seek(0)
        environ = factory.post("/api/segment/", data, kind, query_params={"faces": "whole"}).environ
        said: list[str] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said.append(status)

        with closing(handler(environ, start_response)) as response:
            list(response)
        return said[0]

    answer()
    gc.collect()
    assert answer() == status
    assert gc.collect() == 0
