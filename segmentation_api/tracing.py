"""OpenTelemetry traces, an extra (requirements-tracing.txt): a span per request, with one per stage inside.

On where OTEL_EXPORTER_OTLP_ENDPOINT is set. A span holds what the log line does (method, route, status, request id),
for a photo also the model and the milliseconds; never the query, a name, a key or an address. OpenTelemetry's own
instrumentation of Django records query and address.
"""

import os
import time
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from segmentation_api.telemetry import GetResponse

FLUSH_MS = 5000


@cache
def provider() -> TracerProvider:
    """One per process, made with its first request: the exporter's thread does not survive a fork."""
    os.environ.setdefault("OTEL_SERVICE_NAME", "face-parsing")
    made = TracerProvider(resource=Resource.create())
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return made


def flush() -> None:
    """Send buffered spans, before the process ends."""
    if provider.cache_info().currsize:
        provider().force_flush(FLUSH_MS)


def middleware(get_response: GetResponse) -> GetResponse:
    """Middleware: a server span per request, a child of the caller's if it sent a `traceparent` (W3C)."""

    def traced(request: HttpRequest) -> HttpResponse:
        tracer = provider().get_tracer("segmentation_api")
        parent = propagate.extract({name.lower(): value for name, value in request.headers.items()})
        method, kind = str(request.method), trace.SpanKind.SERVER
        with tracer.start_as_current_span(method, context=parent, kind=kind) as span:
            response = get_response(request)
            _describe(span, request, response)
            _stages(tracer, response)
        return response

    return traced


def _describe(span: trace.Span, request: HttpRequest, response: HttpResponse) -> None:
    """By the semantic conventions for HTTP servers."""
    span.set_attribute("http.request.method", str(request.method))
    span.set_attribute("http.response.status_code", response.status_code)
    span.set_attribute("request_id", response.get("X-Request-Id", request.META.get("HTTP_X_REQUEST_ID", "")))
    if request.resolver_match is not None:
        route = f"/{request.resolver_match.route}"
        span.update_name(f"{request.method} {route}")
        span.set_attribute("http.route", route)
    if model := response.get("X-Model"):
        span.set_attribute("model", model)
    if response.status_code >= 500:
        span.set_status(trace.StatusCode.ERROR)


def _stages(tracer: trace.Tracer, response: HttpResponse) -> None:
    """Spans of the stages in Server-Timing, one after the other, the last ending now."""
    stages = [entry.partition(";dur=") for entry in response.get("Server-Timing", "").split(", ") if entry]
    lengths = [int(1e6 * float(milliseconds)) for _, _, milliseconds in stages]
    start = time.time_ns() - sum(lengths)
    for (name, _, _), length in zip(stages, lengths, strict=True):
        tracer.start_span(name, start_time=start).end(start + length)
        start += length
