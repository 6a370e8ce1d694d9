"""What OpenAPI says of the views: bodies, options, answers and problems, as they are."""

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from ml_core.outputs import FORMATS
from segmentation_api import answers
from segmentation_api.access import keys_asked
from segmentation_api.serializers import (
    BatchSerializer,
    EncodedSegmentSerializer,
    OptionsSerializer,
    SegmentSerializer,
)

PROBLEM = "application/problem+json"
MEANINGS = {
    400: "an option out of range or unknown, no image, a malformed body",
    401: "no API key, where keys are asked for",
    403: "a wrong, revoked or expired API key",
    404: "no such model",
    405: "not this method",
    406: "nothing of `Accept` can be sent",
    408: "the upload took too long",
    413: "too many bytes, or too many pixels",
    415: "not an image of the formats that are read, or a compressed body",
    422: "cut short, damaged, of a structure without end, too slow to decode, or with fewer faces than `face`",
    429: "over the rate; see `Retry-After`",
    503: "too many images in flight, or no model yet; see `Retry-After`",
}
READ_PROBLEMS = (401, 403, 405, 406, 429)
UPLOAD_PROBLEMS = (400, *READ_PROBLEMS, 408, 413, 415, 503)

HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, response=[200], description=meaning)
    for name, meaning in {
        "X-Model": "name/version of the model that answered",
        "X-Request-Id": "as sent, or made here; the log has it",
    }.items()
]
SEGMENT_HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, response=[200], description=meaning)
    for name, meaning in {
        "Server-Timing": "decode, locate, infer, encode",
        "X-Warnings": "those of the JSON, such as no_face_found, image_damaged",
    }.items()
]


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Api-Key <key>`."""

    target_class = "segmentation_api.access.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI wants it; its apiKey type is a whole header value."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key <key>`"}


def problems(
    *statuses: int, meanings: Mapping[int, str] = MEANINGS
) -> dict[tuple[int, str], OpenApiResponse]:
    """The envelope for each status."""
    return {
        (status, PROBLEM): OpenApiResponse(answers.Problem, description=meanings[status])
        for status in statuses
    }


class StrictObject(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Request bodies take no names but those listed."""

    target_class = "segmentation_api.serializers.OptionsSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """The schema as it would be made, closed."""
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


RAW_TYPES = (
    *(f"image/{kind}" for kind in ("jpeg", "png", "webp", "bmp", "tiff", "gif", "avif", "heic")),
    "application/octet-stream",
)
segment = extend_schema(
    operation_id="segment",
    summary="Parse the face parts of a photo",
    parameters=[OptionsSerializer, *HEADERS, *SEGMENT_HEADERS],
    request={
        "multipart/form-data": SegmentSerializer,
        **dict.fromkeys(RAW_TYPES, OpenApiTypes.BINARY),
        "application/json": EncodedSegmentSerializer,
    },
    responses={
        **{(200, one.media_type): OpenApiTypes.BINARY for one in FORMATS},
        (200, "application/json"): answers.Answer,
        **problems(*UPLOAD_PROBLEMS, 422),
    },
)
batch = extend_schema(
    operation_id="segment_batch",
    summary="Parse several photos",
    description=f"At most {settings.MAX_BATCH_IMAGES} images. The zip names them by their place: 000.png, 001.png; "
    "results.json says which had a problem. With output=json or `Accept: application/json` a list in the order sent.",
    parameters=[OptionsSerializer, *HEADERS],
    request={"multipart/form-data": BatchSerializer},
    responses={
        (200, "application/zip"): OpenApiTypes.BINARY,
        (200, "application/json"): answers.BatchEntry(many=True),
        **problems(*UPLOAD_PROBLEMS),
    },
)
model_list = extend_schema(
    operation_id="list_models",
    summary="The models that are loaded",
    responses={(200, "application/json"): answers.Model(many=True), **problems(*READ_PROBLEMS)},
)
model_detail = extend_schema(
    operation_id="get_model",
    summary="One model: class table, input size, metrics, licence",
    responses={(200, "application/json"): answers.ModelDetail, **problems(*READ_PROBLEMS, 404)},
)

model_file = extend_schema(
    operation_id="get_model_file",
    summary="The model itself: its ONNX file",
    description="What the service runs, for use elsewhere, as the web page does in the browser. Input `image`: "
    "uint8 RGB (1, height, width, 3); output `logits`: float32 (1, h, w, classes). The `ETag` is the file's "
    "sha256, as in the model's table; with `If-None-Match` an unchanged file is not sent again.",
    parameters=[
        OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304], description="sha256"),
        *HEADERS,
    ],
    responses={
        (200, "application/octet-stream"): OpenApiTypes.BINARY,
        304: OpenApiResponse(description="the client has it"),
        **problems(401, 403, 404, 405, 429, 503),
    },
)


class SchemaView(SpectacularAPIView):
    """OpenAPI as YAML or JSON. Writing it takes 33 ms of CPU, so it is written once and not for everybody who asks."""

    written: ClassVar[dict[tuple[type[BaseRenderer], bool], str | bytes]] = {}
    """By type, and by whether keys are asked for."""
    writing: ClassVar[threading.Lock] = threading.Lock()

    @extend_schema(exclude=True)
    def get(self, request: Request, *_: Any, **__: Any) -> HttpResponse:
        """The schema in the type that was negotiated."""
        renderer = request.accepted_renderer
        with self.writing:
            key = (type(renderer), keys_asked())
            content = self.written.get(key)
            if content is None:
                schema = self.generator_class().get_schema(public=True)  # type: ignore[no-untyped-call]
                content = renderer.render(schema)
                if keys_asked() == key[1]:  # else the first key was made meanwhile
                    self.written[key] = content
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        return HttpResponse(
            content,
            content_type=renderer.media_type + charset,
            headers={"Content-Disposition": f'inline; filename="Face parsing API.{renderer.format}"'},
        )


def tell_if_open(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: while no keys are asked for, the schema says that one may come without."""
    if not keys_asked():
        for methods in result["paths"].values():
            for operation in methods.values():
                operation["security"] = [*operation.get("security", []), {}]
    return result
