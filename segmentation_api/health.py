"""/healthz and /readyz, answered before anything else looks at the request, whatever its Host."""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from segmentation_api.engine import engine
from segmentation_api.errors import GET_ONLY, not_ready, respond
from segmentation_api.slots import shared_slots
from segmentation_api.telemetry import GetResponse

DRAINING = "draining"
"""A file of this name in RUN_DIR makes /readyz say no: the front sends no more requests here, all else goes on."""


def probes(get_response: GetResponse) -> GetResponse:
    """Middleware that answers the probes: no database, no queue, no host check (probes call by address)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path not in ("/healthz", "/readyz"):
            return get_response(request)
        if request.method not in ("GET", "HEAD"):
            return respond(request, GET_ONLY)
        response = JsonResponse({"status": "ok"}) if request.path == "/healthz" else _ready(request)
        response["Cache-Control"] = "no-store"
        return response

    return middleware


def _ready(request: HttpRequest) -> HttpResponse:
    if os.access(settings.RUN_DIR / DRAINING, os.F_OK):  # raises never, unlike Path.exists
        return respond(request, not_ready("Draining: another takes over."))
    if not engine.ready():
        return respond(request, not_ready("No model is loaded."))
    if shared_slots.stalled() > settings.STALL_TIMEOUT:
        return respond(request, not_ready(f"No slot has come free for {settings.STALL_TIMEOUT} s."))
    return JsonResponse({"status": "ready"})
