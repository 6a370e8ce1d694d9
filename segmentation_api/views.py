"""Thin views: check, hand to the service, answer."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_exempt
from django_prometheus.exports import ExportToDjangoView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml_core.bundle import Bundle
from ml_core.segmenter import Segmenter
from segmentation_api import schema
from segmentation_api.access import may_see_metrics
from segmentation_api.admission import gate
from segmentation_api.batch import segment_batch
from segmentation_api.engine import engine
from segmentation_api.errors import GET_ONLY, Problem, not_ready, respond
from segmentation_api.renderers import choose_batch_renderer, choose_renderer, render
from segmentation_api.serializers import read_options
from segmentation_api.services import segment_image
from segmentation_api.uploads import (
    ANY_BODY,
    FORM,
    Fields,
    Reader,
    check_length,
    read_body,
    take_image,
    take_images,
)


class BytesNegotiation(DefaultContentNegotiation):
    """Leaves Accept to the view, which answers with bytes of its own."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Any: it is not asked."""
        return renderers[0], renderers[0].media_type


class UploadView(APIView):
    """A view that takes photos, `max_bytes` of them at most: the setting named `limit`."""

    http_method_names = ("post",)
    content_negotiation_class = BytesNegotiation
    readers: dict[str, Reader]
    limit: str
    fields: Fields
    """What the body brings."""

    @property
    def max_bytes(self) -> int:
        """How many bytes of photos a request may bring."""
        value: int = getattr(settings, self.limit)
        return value

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """REST framework's request, but for what its parsers would be told: that holds the view and the request itself,
        and with them photo and answer until the garbage collector comes.
        """
        wrapped = super().initialize_request(request, *args, **kwargs)
        wrapped.parser_context = {}
        return wrapped

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who may come in is decided first, then how much and whether there is room; only then is the body read.

        Not by REST framework's parsers, which take longer over it than all else but the network.
        """
        super().initial(request, *args, **kwargs)
        check_length(request._request, limit=self.max_bytes)
        gate().check_room()
        self.fields = read_body(request._request, self.readers, limit=self.max_bytes)


@schema.segment
class SegmentView(UploadView):
    """POST /api/segment/"""

    readers = ANY_BODY
    limit = "MAX_UPLOAD_BYTES"

    def post(self, request: Request) -> HttpResponse:
        """Parse the face parts of one photo."""
        options = read_options(self.fields, request.query_params, image_field="image")
        renderer = choose_renderer(_accept(request), options.output)
        image = take_image(self.fields, limit=self.max_bytes)
        with gate().place():
            parsed = segment_image(data=image, options=options)
            body, timing = render(parsed, renderer)
        response = HttpResponse(body, content_type=renderer.media_type)
        response["Server-Timing"] = ", ".join(f"{stage};dur={value:.2f}" for stage, value in timing.items())
        return _private(response, parsed.segmentation.bundle)


@schema.batch
class BatchView(UploadView):
    """POST /api/segment/batch/"""

    readers = FORM
    limit = "MAX_BATCH_BYTES"

    def post(self, request: Request) -> HttpResponse:
        """Parse several photos; one that is broken does not stop the others."""
        options = read_options(self.fields, request.query_params, image_field="images")
        renderer = choose_batch_renderer(_accept(request), options.output)
        images = take_images(self.fields, most=settings.MAX_BATCH_IMAGES)
        body, media_type = segment_batch(images, options, renderer, request.META["HTTP_X_REQUEST_ID"])
        response = HttpResponse(body, content_type=media_type)
        return _private(response, engine.segmenter(options.model).bundle)


@schema.model_list
class ModelListView(APIView):
    """GET /api/models/"""

    http_method_names = ("get", "head")

    def get(self, request: Request) -> Response:
        """The models that are loaded."""
        return Response([_summary(name, segmenter) for name, segmenter in engine.models().items()])


@schema.model_detail
class ModelDetailView(APIView):
    """GET /api/models/<name>/"""

    http_method_names = ("get", "head")

    def get(self, request: Request, name: str) -> Response:
        """One model: class table, input size, metrics, licence."""
        segmenter = engine.models().get(name)
        if segmenter is None:
            raise Http404
        bundle = segmenter.bundle
        height, width = bundle.input_size
        return Response(
            {
                **_summary(name, segmenter),
                "precision": bundle.precision,
                "classes": bundle.labels.to_json(),
                "input": {"width": width, "height": height},
                "temperature": bundle.temperature,
                "temperatures": bundle.temperatures,
                "metrics": bundle.metrics,
                "licence": bundle.licence,
            }
        )


@schema.model_file
class ModelFileView(APIView):
    """GET /api/models/<name>/model.onnx"""

    http_method_names = ("get", "head")
    content_negotiation_class = BytesNegotiation

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """The ONNX file that this process runs; 304 for a client that has it."""
        file = engine.files().get(name)
        if file is None:
            raise Http404
        etag = f'"{file.bundle.sha256}"'
        known = parse_etags(request.headers.get("If-None-Match", ""))
        response: HttpResponseBase
        if {etag, f"W/{etag}", "*"} & set(known):
            response = HttpResponse(status=304)
        elif not file.intact():
            raise not_ready("The model is being replaced.")
        else:
            content = file.blocks() if request.method == "GET" else iter(())
            response = StreamingHttpResponse(content, content_type="application/octet-stream")
            response["Content-Length"] = str(file.size)
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        response["X-Model"] = f"{name}/{file.bundle.version}"
        return response


@csrf_exempt  # it changes nothing; a POST is to hear that, not of a token
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics, for this machine and key holders."""
    if request.method not in ("GET", "HEAD"):
        return respond(request, GET_ONLY)
    if not may_see_metrics(request):
        problem = Problem(401, "api_key_missing", "Metrics are for this machine and key holders.")
        problem.headers["WWW-Authenticate"] = "Api-Key"
        return respond(request, problem)
    page: HttpResponse = ExportToDjangoView(request)
    return page


def _accept(request: Request) -> str:
    """What the client takes: anything, if it does not say."""
    accept: str = request._request.META.get("HTTP_ACCEPT", "")
    return accept.strip() or "*/*"


def _private(response: HttpResponse, bundle: Bundle) -> HttpResponse:
    """Say which model answered, and that nobody is to keep the answer."""
    response["X-Model"] = f"{bundle.name}/{bundle.version}"
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response


def _summary(name: str, segmenter: Segmenter) -> dict[str, Any]:
    bundle = segmenter.bundle
    return {
        "name": name,
        "version": bundle.version,
        "default": name == settings.MODEL,
        "sha256": bundle.sha256,
    }
