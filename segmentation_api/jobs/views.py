"""/api/jobs/: thin views."""

import uuid
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation_api.budgets import bytes_in_flight
from segmentation_api.database import give_back_connection
from segmentation_api.errors import Problem
from segmentation_api.jobs import schema
from segmentation_api.jobs.intake import take_in
from segmentation_api.jobs.models import SHOWN, Job, State
from segmentation_api.jobs.results import zipped
from segmentation_api.jobs.serializers import described
from segmentation_api.jobs.stores import MANIFEST
from segmentation_api.negotiation import AnyAccept
from segmentation_api.parsers import READ_BYTES, body_bytes, check_coding

IN_MEMORY = 4 * READ_BYTES
"""Of an upload at once, or of the directory of its zip: the rest is on disk."""


class AnyBody(BaseParser):
    """The body as a stream, of whatever type: intake reads it piece by piece."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The stream itself."""
        return {"stream": stream}


class JobsView(APIView):
    """POST /api/jobs/"""

    http_method_names = ("post",)
    parser_classes = (AnyBody,)
    content_negotiation_class = AnyAccept

    @schema.create
    def post(self, request: Request) -> HttpResponse:
        """Queue a job."""
        check_coding(request.META)
        with bytes_in_flight.hold(IN_MEMORY):
            job = take_in(
                owner_of(request),
                request._request,
                request.content_type or "application/zip",
                body_bytes(request.META, in_chunks=settings.JOB_BYTES),
                {name: list(values) for name, values in request.query_params.lists()},
            )
        location = reverse("job", args=[job.pk])
        return private(Response(described(job), status=202, headers={"Location": location}))


class JobView(APIView):
    """GET and DELETE /api/jobs/<id>/"""

    http_method_names = ("get", "head", "delete")
    content_negotiation_class = AnyAccept

    @schema.detail
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponse:
        """State and progress."""
        return private(Response(described(find(request, pk))))

    @schema.remove
    def delete(self, request: Request, pk: uuid.UUID) -> HttpResponse:
        """Cancel the job if it has not ended, and remove all of it."""
        find(request, pk).remove()
        return HttpResponse(status=204)


class JobResultView(APIView):
    """GET /api/jobs/<id>/result/"""

    http_method_names = ("get", "head")
    content_negotiation_class = AnyAccept

    @schema.result
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """The results: a zip, or the prefix that has them."""
        job = find(request, pk)
        if job.state == State.FAILED:
            raise Problem(409, "job_failed", f"The job failed: {job.error_detail}")
        if job.state != State.DONE:
            raise Problem(409, "job_not_done", "The job is not done yet.", headers={"Retry-After": "5"})
        if job.target:
            return private(Response({"prefix": job.target, "manifest": f"{job.target}{MANIFEST}"}))
        give_back_connection()
        body = zipped(job) if request.method == "GET" else iter(())
        response = StreamingHttpResponse(body, content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="job-{job}.zip"'
        return private(response)


Answer = TypeVar("Answer", bound=HttpResponseBase)


def owner_of(request: Request) -> str:
    """The public prefix of the key; empty without one."""
    key: Any = request.auth
    return str(key.prefix) if key else ""


def find(request: Request, pk: uuid.UUID) -> Job:
    """A job of this key, or one of nobody's. Raises Http404: also for others', so that none can be guessed at."""
    kept = Q(state=State.RUNNING) | Q(expires_at__gt=timezone.now())
    job = Job.objects.filter(kept, pk=pk, state__in=SHOWN).first()
    if job is None or job.owner not in ("", owner_of(request)):
        raise Http404
    return job


def private(response: Answer) -> Answer:
    """Nobody is to keep the answer."""
    response["Cache-Control"] = "no-store"
    return response
