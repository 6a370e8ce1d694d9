"""Thin views: check, hand to the service, answer."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml_core.bundle import Bundle
from ml_core.segmenter import Segmenter
from segmentation_api import answers, schema
from segmentation_api.access import may_see_metrics
from segmentation_api.admission import gate
from segmentation_api.batch import segment_batch
from segmentation_api.budgets import AnswerRoom, PhotoBudget, bytes_in_flight
from segmentation_api.engine import engine
from segmentation_api.errors import GET_ONLY, Problem, not_ready, respond
from segmentation_api.front_files import handed_over
from segmentation_api.negotiation import AnyAccept, BatchNegotiation, OutputNegotiation
from segmentation_api.parsers import (
    BytesParser,
    FormParser,
    JsonParser,
    PhotoParser,
    Upload,
    body_bytes,
    most_bytes,
)
from segmentation_api.renderers import RENDERERS, OutputRenderer, render
from segmentation_api.serializers import BatchSerializer, OptionsSerializer, SegmentSerializer
from segmentation_api.services import SegmentOptions, segment_image
from segmentation_api.telemetry import metrics_page


class UploadView(APIView):
    """A view that takes photos, in the field `photo_field`, of as many bytes as the setting named `limit` says."""

    http_method_names = ("post",)
    content_negotiation_class: type[OutputNegotiation] = OutputNegotiation
    serializer: OptionsSerializer
    photo_field: str
    limit: str
    uploads: Sequence[Upload] = ()

    def get_renderers(self) -> list[BaseRenderer]:
        """One for each format."""
        return list(RENDERERS)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and let go of the photos."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            for upload in self.uploads:
                upload.content = b""

    def room_for(self, request: Request) -> AbstractContextManager[None]:
        """Of the budget of bytes in flight, for as long as the photos are needed. Raises Problem (503)."""
        most = most_bytes(getattr(settings, self.limit))
        return bytes_in_flight.hold(min(body_bytes(request.META, in_chunks=most), most))

    def read(self, request: Request) -> tuple[Any, SegmentOptions, OutputRenderer]:
        """Photos, options and how to answer; options of the query win over those of the body."""
        body: Any = request.data
        self.uploads = [value for values in body.values() for value in values if isinstance(value, Upload)]
        given = {**body, **dict(request.query_params.lists())}
        checked: dict[str, Any] = self.serializer.run_validation(given)
        photos = checked.pop(self.photo_field)
        options = SegmentOptions(**checked)
        self.format_kwarg = options.output or ""
        renderer: Any = self.perform_content_negotiation(request)[0]
        return photos, options, renderer


class Answer(HttpResponse):
    """An answer that has its room in memory until it was sent."""

    def __init__(self, content: bytes, media_type: str, room: AnswerRoom) -> None:
        super().__init__(content, content_type=media_type)
        self._room = room

    def close(self) -> None:
        """Called by the server when it was sent, or cannot be."""
        super().close()
        self._room.close()


class SegmentView(UploadView):
    """POST /api/segment/"""

    parser_classes = (FormParser, JsonParser, PhotoParser, BytesParser)
    serializer = SegmentSerializer()
    photo_field = "image"
    limit = "MAX_UPLOAD_BYTES"

    @schema.segment
    def post(self, request: Request) -> HttpResponse:
        """Parse the face parts of one photo."""
        with AnswerRoom() as room, self.room_for(request):
            image, options, renderer = self.read(request)
            with gate.slot():
                going = PhotoBudget(request.META)
                found = segment_image(data=image.content, options=options, keep_going=going)
                body, timing = render(found, options, renderer, seconds=going.left())
            room.take(len(body))
            response = Answer(body, renderer.media_type, room.pop_all())
        response["Server-Timing"] = ", ".join(f"{stage};dur={value:.2f}" for stage, value in timing.items())
        if found.warnings:
            response["X-Warnings"] = ", ".join(found.warnings)
        return _private(response, found.bundle)


class BatchView(UploadView):
    """POST /api/segment/batch/"""

    parser_classes = (FormParser,)
    content_negotiation_class = BatchNegotiation
    serializer = BatchSerializer()
    photo_field = "images"
    limit = "MAX_BATCH_BYTES"

    @schema.batch
    def post(self, request: Request) -> HttpResponse:
        """Parse several photos; one that is broken does not stop the others."""
        with AnswerRoom() as room, self.room_for(request):
            images, options, renderer = self.read(request)
            body, media_type = segment_batch(images, options, renderer, request.META, room)
            response = Answer(body, media_type, room.pop_all())
        return _private(response, engine.segmenter(options.model).bundle)


class ModelListView(APIView):
    """GET /api/models/"""

    http_method_names = ("get", "head")

    @schema.model_list
    def get(self, request: Request) -> Response:
        """The models that are loaded."""
        return Response(answers.Model(map(_described, engine.models().values()), many=True).data)


class ModelDetailView(APIView):
    """GET /api/models/<name>/"""

    http_method_names = ("get", "head")

    @schema.model_detail
    def get(self, request: Request, name: str) -> Response:
        """One model: class table, input size, metrics, licence."""
        segmenter = engine.models().get(name)
        if segmenter is None:
            raise Http404
        return Response(answers.ModelDetail(_described(segmenter)).data)


class ModelFileView(APIView):
    """GET /api/models/<name>/model.onnx"""

    http_method_names = ("get", "head")
    content_negotiation_class = AnyAccept

    @schema.model_file
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """The ONNX file that this process runs; 304 for a client that has it."""
        segmenter = engine.models().get(name)
        if segmenter is None:
            raise Http404
        file = segmenter.file
        etag = quote_etag(file.bundle.sha256)
        # Not by the decorator `condition`, whose 412 would not be in the envelope
        known = get_conditional_response(request._request, etag=etag)
        response: HttpResponseBase
        if known is not None and known.status_code == 304:
            response = known
        elif not file.intact():
            raise not_ready("The model is being replaced.")
        else:
            content = file.blocks() if request.method == "GET" else iter(())
            response = StreamingHttpResponse(content, content_type="application/octet-stream")
            response["Content-Length"] = str(file.size)
            if settings.FRONT_FILES and request.method == "GET":
                response = handed_over(response, file.bundle.sha256, file.blocks)
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        response["X-Model"] = f"{name}/{file.bundle.version}"
        return response


@csrf_exempt  # it changes nothing: other methods get 405, not a complaint about a token
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics, for this machine and key holders."""
    if request.method not in ("GET", "HEAD"):
        return respond(request, GET_ONLY)
    if not may_see_metrics(request):
        problem = Problem(401, "api_key_missing", "Metrics are for this machine and key holders.")
        problem.headers["WWW-Authenticate"] = "Api-Key"
        return respond(request, problem)
    return metrics_page()


def _private(response: HttpResponse, bundle: Bundle) -> HttpResponse:
    """Say which model answered, and that nobody is to keep the answer."""
    response["X-Model"] = f"{bundle.name}/{bundle.version}"
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response


def _described(segmenter: Segmenter) -> dict[str, Any]:
    bundle = segmenter.bundle
    more = {"default": bundle.name == settings.MODEL, "classes": bundle.labels.to_json()}
    return {**dict(bundle), **more, "temperatures": bundle.temperatures}
