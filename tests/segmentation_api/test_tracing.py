"""Traces as a collector gets them."""

import http.server
import importlib.util
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from backend.environment import read_environment
from tests.conftest import Server

pytestmark = pytest.mark.timeout(240)
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(http.server.ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[bytes] = []

    def spans(self) -> list[Span]:
        """All spans so far."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.received]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a port of its own."""
    with Collector() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_a_request_and_its_stages_are_spans_and_tell_nothing_of_the_upload(
    start_server: Callable[..., Server], collector: Collector, photo: bytes
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}/"
    server = start_server(WORKERS="1", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint).wait_until_ready()
    headers = {
        "traceparent": f"00-{TRACE}-{PARENT}-01",
        "X-Request-Id": "request-7",
        "Authorization": "Api-Key prefix.key-secret",
    }
    files = {"image": ("name-secret.png", photo, "image/png")}
    url = f"{server.url}/api/segment/?faces=whole"
    assert httpx.post(url, files=files, headers=headers).status_code == 200
    assert httpx.post(f"{url}&query-secret=1", files=files, headers=headers).status_code == 400
    assert server.stop() == 0
    assert b"secret" not in b"".join(collector.received)
    assert all(b"face-parsing" in body for body in collector.received), "the service's name"

    requests = [span for span in collector.spans() if span.kind == Span.SPAN_KIND_SERVER]
    good, bad = [span for span in requests if span.trace_id.hex() == TRACE]
    attributes = {entry.key: entry.value.string_value or entry.value.int_value for entry in good.attributes}
    assert good.name == "POST /api/segment/"
    assert good.parent_span_id.hex() == PARENT
    assert attributes == {
        "http.request.method": "POST",
        "http.route": "/api/segment/",
        "http.response.status_code": 200,
        "request_id": "request-7",
        "model": attributes["model"],
    }
    assert str(attributes["model"]).startswith("tiny")
    stages = [span for span in collector.spans() if span.parent_span_id == good.span_id]
    assert [span.name for span in stages] == ["decode", "locate", "infer", "encode"]
    for span, following in zip(stages, [*stages[1:], good], strict=True):
        assert span.start_time_unix_nano <= span.end_time_unix_nano <= following.end_time_unix_nano
    assert not [span for span in collector.spans() if span.parent_span_id == bad.span_id]


def test_without_the_packages_the_start_stops_with_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
    with pytest.raises(
        ImproperlyConfigured, match=r"OTEL_EXPORTER_OTLP_ENDPOINT: .*requirements-tracing.txt"
    ):
        read_environment()
