"""Request ids, one log line per request, Prometheus metrics: never a photo, a name or a key."""

import re
import time
import uuid
from collections.abc import Callable
from http import HTTPMethod
from typing import Any

import prometheus_client
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog import signals
from django_structlog.middlewares import RequestMiddleware
from prometheus_client import Counter, Gauge, Histogram

from segmentation_api import shared_metrics

SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
JOB_ID = re.compile(r"(/jobs/[0-9a-f]{8})[0-9a-f-]+")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

IMAGES = Counter("segment_images_total", "Images parsed.", ["model", "output"])
STAGE_SECONDS = Histogram("segment_stage_seconds", "Time of a stage.", ["model", "stage"], buckets=SECONDS)
QUEUE_SECONDS = Histogram("segment_queue_seconds", "Time an image waited for a core.", buckets=SECONDS)
IN_FLIGHT = Gauge("segment_in_flight", "Images being parsed.")
QUEUED = Gauge("segment_queued", "Images waiting for a core.")
REJECTED = Counter("segment_rejected_total", "Requests sent away with 503.")
RELOADS = Counter("model_reloads_total", "Bundles loaded, by how that ended.", ["model", "result"])

REQUESTS = Counter("django_http_requests_total_by_method", "Requests by method.", ["method"])
RESPONSES_NAME = "django_http_responses_total_by_status_view_method"
RESPONSES = Counter(RESPONSES_NAME, "Responses by status, view, method.", ["status", "view", "method"])
LATENCY_NAME = "django_http_requests_latency_seconds_by_view_method"
REQUEST_SECONDS = Histogram(LATENCY_NAME, "Time of a request.", ["view", "method"], buckets=SECONDS)

GetResponse = Callable[[HttpRequest], HttpResponse]


def request_id(get_response: GetResponse) -> GetResponse:
    """Middleware, the outermost: X-Request-Id as the client or proxy gave it, if sane, else a new one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        sane = given if SANE_ID.fullmatch(given) else uuid.uuid4().hex
        request.META["HTTP_X_REQUEST_ID"] = sane
        request.request_id = sane  # type: ignore[attr-defined]
        request.started = time.perf_counter()  # type: ignore[attr-defined]
        response = get_response(request)
        response["X-Request-Id"] = sane
        return response

    return middleware


def seconds_since_start(request: HttpRequest) -> float:
    """Seconds since `request_id` saw the request."""
    started: float = request.started  # type: ignore[attr-defined]
    return time.perf_counter() - started


def http_metrics(get_response: GetResponse) -> GetResponse:
    """Middleware that counts requests. No label comes from the client, except a method that HTTP knows.

    The names are django-prometheus's, whose middleware takes a client's own methods as labels.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        method = request.method if request.method in HTTPMethod.__members__ else "<invalid method>"
        view = (request.resolver_match and request.resolver_match.view_name) or "<unnamed view>"
        REQUESTS.labels(method).inc()
        RESPONSES.labels(str(response.status_code), view, method).inc()
        REQUEST_SECONDS.labels(view, method).observe(seconds_since_start(request))
        return response

    return middleware


class RequestLog(RequestMiddleware):
    """One line per request. The query stays out of it: it is the client's, and may hold anything."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path; of a job's id the beginning, since all of it may be what lets one see the job."""
        path = JOB_ID.sub(r"\1...", request.path[:200]) if settings.JOBS else request.path[:200]
        return f"{request.method} {path}"


@receiver(signals.bind_extra_request_finished_metadata)
def add_duration(request: HttpRequest, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """How long the answer took; if it is streamed, how long until it began."""
    log_kwargs["ms"] = round(1000 * seconds_since_start(request), 1)


def metrics_page() -> HttpResponse:
    """All metrics, summed over the workers."""
    shared_metrics.make_children()
    text = prometheus_client.generate_latest()
    if settings.JOBS:
        from segmentation_api.jobs.metrics import jobs_page

        text += jobs_page()
    return HttpResponse(text, content_type=prometheus_client.CONTENT_TYPE_LATEST)


def count_image(model: str, output: str, timing_ms: dict[str, float]) -> None:
    """One image parsed and rendered."""
    IMAGES.labels(model, output).inc()
    for stage, milliseconds in timing_ms.items():
        STAGE_SECONDS.labels(model, stage).observe(milliseconds / 1000)
