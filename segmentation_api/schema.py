"""What OpenAPI says of the views: bodies, options, answers and problems, as they are."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from segmentation_api.access import keys_asked
from segmentation_api.serializers import (
    AnswerSerializer,
    BatchEntrySerializer,
    ModelDetailSerializer,
    ModelSerializer,
    ProblemSerializer,
)
from segmentation_api.services import OUTPUTS

PROBLEM = "application/problem+json"
IMAGE = {"type": "string", "format": "binary"}
MEANINGS = {
    400: "an option out of range or unknown, no image, a malformed body",
    401: "no API key, where keys are asked for",
    403: "a wrong, revoked or expired API key",
    404: "no such model",
    405: "not this method",
    406: "nothing of `Accept` can be sent",
    408: "the upload took too long",
    413: "too many bytes, or too many pixels",
    415: "not an image of the formats that are read",
    422: "an image that is cut short or damaged",
    429: "over the rate; see `Retry-After`",
    503: "too many images in flight, or no model yet; see `Retry-After`",
}
READ_PROBLEMS = (401, 403, 405, 406, 429)
UPLOAD_PROBLEMS = (400, *READ_PROBLEMS, 408, 413, 415, 503)

OPTION_SCHEMAS: dict[str, dict[str, Any]] = {
    "output": {"type": "string", "enum": list(OUTPUTS)},
    "classes": {"type": "string", "pattern": "^[^,]+(,[^,]+)*$", "examples": ["hair,skin"]},
    "alpha": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.6},
    "faces": {"type": "string", "enum": ["auto", "whole"], "default": "auto"},
    "model": {"type": "string", "maxLength": 100},
    "polygons": {"type": "boolean", "default": False},
    "inline": {"type": "string", "pattern": "^(mask|overlay)(,(mask|overlay))*$"},
}
OPTION_MEANINGS = {
    "output": "What is answered; wins over `Accept`. By default `json` for application/json, `classes` for "
    "application/zip, else `mask`.",
    "classes": "Comma list of class names or ids; the others become background.",
    "alpha": "Of the overlay.",
    "faces": "`auto`: find each face and parse it at full detail; `whole`: the image as one crop.",
    "model": "A name of /api/models/; the default one if not given.",
    "polygons": "With output=json: polygons beside the run lengths.",
    "inline": "With output=json: `mask` and `overlay` as data: URLs.",
}
OPTIONS = [
    OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=OPTION_MEANINGS[name])
    for name, schema in OPTION_SCHEMAS.items()
]
HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, response=[200], description=meaning)
    for name, meaning in {
        "X-Model": "name/version of the model that answered",
        "X-Request-Id": "as sent, or made here; the log has it",
    }.items()
]
SERVER_TIMING = OpenApiParameter(
    "Server-Timing", str, OpenApiParameter.HEADER, response=[200], description="decode, locate, infer, encode"
)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Api-Key <key>`."""

    target_class = "segmentation_api.access.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI wants it; its apiKey type is a whole header value."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key <key>`"}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The envelope for each status."""
    return {
        (status, PROBLEM): OpenApiResponse(ProblemSerializer, description=MEANINGS[status])
        for status in statuses
    }


def body(image: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An object with the image and the options."""
    return {
        "type": "object",
        "properties": {image: schema, **OPTION_SCHEMAS},
        "required": [image],
        "additionalProperties": False,
    }


ENCODED_IMAGE = {"type": "string", "description": "base64, or a data: URL"}
RAW_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/gif",
    "application/octet-stream",
)
segment = extend_schema_view(
    post=extend_schema(
        operation_id="segment",
        summary="Parse the face parts of a photo",
        parameters=[*OPTIONS, *HEADERS, SERVER_TIMING],
        request={
            "multipart/form-data": body("image", IMAGE),
            **dict.fromkeys(RAW_TYPES, IMAGE),
            "application/json": body("image", ENCODED_IMAGE),
        },
        responses={
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/jpeg"): OpenApiTypes.BINARY,
            (200, "application/zip"): OpenApiTypes.BINARY,
            (200, "application/json"): AnswerSerializer,
            **problems(*UPLOAD_PROBLEMS, 422),
        },
    )
)
batch = extend_schema_view(
    post=extend_schema(
        operation_id="segment_batch",
        summary="Parse several photos",
        description="At most 32 images. The zip names them by their place: 000.png, 001.png; results.json says "
        "which had a problem. With output=json or `Accept: application/json` a list in the order sent.",
        parameters=[*OPTIONS, *HEADERS],
        request={
            "multipart/form-data": body(
                "images", {"type": "array", "items": IMAGE, "minItems": 1, "maxItems": 32}
            )
        },
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (200, "application/json"): BatchEntrySerializer(many=True),
            **problems(*UPLOAD_PROBLEMS),
        },
    )
)
model_list = extend_schema_view(
    get=extend_schema(
        operation_id="list_models",
        summary="The models that are loaded",
        responses={(200, "application/json"): ModelSerializer(many=True), **problems(*READ_PROBLEMS)},
    )
)
model_detail = extend_schema_view(
    get=extend_schema(
        operation_id="get_model",
        summary="One model: class table, input size, metrics, licence",
        responses={(200, "application/json"): ModelDetailSerializer, **problems(*READ_PROBLEMS, 404)},
    )
)

model_file = extend_schema_view(
    get=extend_schema(
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
)


def tell_if_open(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: while no keys are asked for, the schema says that one may come without."""
    if not keys_asked():
        for methods in result["paths"].values():
            for operation in methods.values():
                operation["security"] = [*operation.get("security", []), {}]
    return result


class SchemaView(SpectacularAPIView):
    """GET /api/schema/: it says nothing that the documentation does not; open to everybody."""

    http_method_names = ("get", "head")
    authentication_classes = []
    permission_classes = []
    throttle_classes = []


class DocsView(SpectacularSwaggerView):
    """GET /api/docs/: a page to try the API at, its assets from this origin."""

    http_method_names = ("get", "head")
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    url_name = "schema"
