"""Seen from outside: request ids, one log line a request, Prometheus metrics. Never a photo, a name or a key."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_prometheus.middleware import PrometheusAfterMiddleware
from django_structlog import signals
from django_structlog.middlewares import RequestMiddleware
from prometheus_client import Counter, Gauge, Histogram

SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

IMAGES = Counter("segment_images_total", "Images parsed.", ["model", "output"])
STAGE_SECONDS = Histogram("segment_stage_seconds", "Time of a stage.", ["model", "stage"], buckets=SECONDS)
QUEUE_SECONDS = Histogram("segment_queue_seconds", "Time an image waited for a core.", buckets=SECONDS)
IN_FLIGHT = Gauge("segment_in_flight", "Images being parsed.", multiprocess_mode="livesum")
QUEUED = Gauge("segment_queued", "Images waiting for a core.", multiprocess_mode="livesum")
REJECTED = Counter("segment_rejected_total", "Requests sent away with 503.")
RELOADS = Counter("model_reloads_total", "Bundles loaded, by how that ended.", ["model", "result"])

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


class RequestLog(RequestMiddleware):
    """One line a request. The query stays out of it: it is the client's, and may hold anything."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path."""
        return f"{request.method} {request.path[:200]}"


class HttpMetrics(PrometheusAfterMiddleware):  # type: ignore[misc]  # django-prometheus is not typed
    """django-prometheus, but for the one label it takes from the client as it comes."""

    def label_metric(
        self, metric: Any, request: HttpRequest, response: HttpResponse | None = None, **labels: Any
    ) -> Any:
        """A method that HTTP does not know is not remembered by name: there may be any number of them."""
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)


@receiver(signals.bind_extra_request_finished_metadata)
def add_duration(request: HttpRequest, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """How long the request took."""
    started: float = request.started  # type: ignore[attr-defined]
    log_kwargs["ms"] = round(1000 * (time.perf_counter() - started), 1)


def count_image(model: str, output: str, timing_ms: dict[str, float]) -> None:
    """One image parsed and rendered."""
    IMAGES.labels(model, output).inc()
    for stage, milliseconds in timing_ms.items():
        STAGE_SECONDS.labels(model, stage).observe(milliseconds / 1000)
