"""Request options, checked; and the JSON shapes, as OpenAPI shows them."""

import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ml_core.faces import LANDMARKS
from ml_core.labels import ROLES
from segmentation_api.errors import too_large
from segmentation_api.services import OUTPUTS, SegmentOptions


def comma_list(word: str) -> dict[str, Any]:
    """The schema of a comma list whose words match a pattern."""
    return {"type": "string", "pattern": f"^{word}(,{word})*$"}


@extend_schema_field({**comma_list("[^,]+"), "examples": ["hair,skin"]})
class CommaListField(serializers.Field[Any, Any, Any, Any]):
    """A comma list, or in JSON a list of strings."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """The words, without repeats."""
        words = data.split(",") if isinstance(data, str) else data
        if not isinstance(words, list) or not all(isinstance(word, str | int) for word in words):
            raise serializers.ValidationError("must be a comma list")
        found = tuple(dict.fromkeys(str(word).strip() for word in words))
        if not found or "" in found or len(found) > 255:
            raise serializers.ValidationError("must be a comma list without empty places")
        return found


PICTURES = ("mask", "overlay")


@extend_schema_field(comma_list(f"({'|'.join(PICTURES)})"))
class PicturesField(CommaListField):
    """A comma list of PICTURES."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """The words, without repeats."""
        found = super().to_internal_value(data)
        if not set(found) <= set(PICTURES):
            raise serializers.ValidationError(f"must be of {', '.join(PICTURES)}")
        return found


class ShareField(serializers.FloatField):
    """A number from 0 to 1."""

    def to_internal_value(self, data: Any) -> float:
        """Raises ValidationError for what Python takes for a number but is none, such as true and nan."""
        if isinstance(data, bool) or not math.isfinite(value := super().to_internal_value(data)):
            raise serializers.ValidationError("A valid number is required.")
        return float(value)


PHOTOS = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "minItems": 1,
    "maxItems": settings.MAX_BATCH_IMAGES,
}


@extend_schema_field(OpenApiTypes.BINARY)
class PhotoField(serializers.Field[Any, Any, Any, Any]):
    """The bytes of one photo."""

    default_error_messages = {
        "required": "is missing or empty",
        "null": "is missing or empty",
        "text": "must be a file, or in JSON a base64 string",
        "repeated": "is given more than once; /api/segment/batch/ takes several",
    }

    def to_internal_value(self, data: Any) -> Any:
        """The bytes. Raises Problem (413) over MAX_UPLOAD_BYTES."""
        if not isinstance(data, bytes):
            self.fail("text")
        if not data:
            self.fail("required")
        if len(data) > settings.MAX_UPLOAD_BYTES:
            raise too_large(settings.MAX_UPLOAD_BYTES)
        return data


@extend_schema_field(PHOTOS)
class PhotosField(PhotoField):
    """The bytes of several photos; each is checked by itself, so that one cannot spoil the others."""

    default_error_messages = {
        "required": "must be one or more files",
        "most": "are {given}; at most {most} are taken",
    }

    def to_internal_value(self, data: list[Any]) -> Any:
        """From one photo to MAX_BATCH_IMAGES."""
        if not all(isinstance(image, bytes) for image in data):
            self.fail("required")
        if len(data) > settings.MAX_BATCH_IMAGES:
            self.fail("most", given=len(data), most=settings.MAX_BATCH_IMAGES)
        return data


class OptionsSerializer(serializers.Serializer[Any]):
    """The options of a request, for API, OpenAPI and command line alike.

    Bind it once, not per request: it is stateless, and a bound serializer is a reference cycle, which would hold the
    photo until the garbage collector comes.
    """

    output = serializers.ChoiceField(
        choices=OUTPUTS,
        required=False,
        help_text="What is answered; wins over `Accept`, which asks for `json` by application/json, for `classes` by "
        "application/zip, else for `mask`.",
    )
    classes = CommaListField(
        required=False, help_text="Comma list of class names or ids; the others become background."
    )
    alpha = ShareField(
        min_value=0, max_value=1, default=SegmentOptions.alpha, help_text="Opacity of the overlay."
    )
    faces = serializers.ChoiceField(
        choices=("auto", "whole"),
        default=SegmentOptions.faces,
        help_text="`auto`: find each face and parse it at full detail; `whole`: the image as one crop.",
    )
    model = serializers.CharField(
        max_length=100, required=False, help_text="A name of /api/models/; the default one if not given."
    )
    polygons = serializers.BooleanField(
        default=SegmentOptions.polygons, help_text="With output=json: polygons beside the run lengths."
    )
    inline = PicturesField(required=False, help_text="With output=json: `mask` and `overlay` as data: URLs.")

    def to_internal_value(self, data: Mapping[str, list[Any]]) -> dict[str, Any]:
        """The checked options, from the values of each name. Raises ValidationError."""
        errors: dict[str, list[str]] = {}
        for name, values in data.items():
            field = self.fields.get(name)
            if field is None:
                errors[name[:50]] = [f"is not an option; there are {', '.join(OPTIONS)}"]
            elif len(values) > 1 and not isinstance(field, PhotosField):
                errors[name] = [str(field.error_messages.get("repeated", "is given more than once"))]
            elif isinstance(values[0], bytes) and not isinstance(field, PhotoField):
                errors[name] = ["must be text, not a file"]
            if len(errors) == MOST_ERRORS:
                break
        if errors:
            raise serializers.ValidationError(errors)
        photos = {name for name, field in self.fields.items() if isinstance(field, PhotosField)}
        given = {name: values if name in photos else values[0] for name, values in data.items()}
        checked: dict[str, Any] = super().to_internal_value(given)
        return checked


OPTIONS = tuple(OptionsSerializer().fields)
MOST_ERRORS = 10
"""How many wrong names and repetitions an answer lists at most."""


class SegmentSerializer(OptionsSerializer):
    """A photo and its options."""

    image = PhotoField()


class EncodedSegmentSerializer(OptionsSerializer):
    """A photo and its options, in JSON. For OpenAPI only: JsonParser decodes the image."""

    image = serializers.CharField(help_text="base64, or a data: URL")


class BatchSerializer(OptionsSerializer):
    """Photos and the options they share."""

    images = PhotosField()


class ModelSerializer(serializers.Serializer[Any]):
    """A model in the list."""

    name = serializers.CharField()
    version = serializers.CharField()
    default = serializers.BooleanField(help_text="the one that serves requests without `model`")
    sha256 = serializers.CharField(help_text="of its ONNX file")


class ClassRowSerializer(serializers.Serializer[Any]):
    """A row of the class table."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    color = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    mirror = serializers.IntegerField(help_text="the class it becomes in a mirrored image")
    role = serializers.ChoiceField(
        choices=ROLES, required=False, help_text="what it is part of, if it is of either"
    )


class SizeSerializer(serializers.Serializer[Any]):
    """A size in pixels."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()


class ModelDetailSerializer(ModelSerializer):
    """All of a model that a client may want to know."""

    precision = serializers.ChoiceField(choices=("fp32", "int8"), help_text="of its weights")
    classes = ClassRowSerializer(many=True)
    input = SizeSerializer()
    temperature = serializers.FloatField(help_text="the one that fits all classes together best")
    temperatures = serializers.ListField(
        child=serializers.FloatField(),
        help_text="a class, by its id: its confidence is softmax(logits / its temperature), averaged over its pixels",
    )
    metrics = serializers.DictField(help_text="as its evaluation wrote them")
    licence = serializers.CharField()


class ModelUsedSerializer(serializers.Serializer[Any]):
    """Which model answered."""

    name = serializers.CharField()
    version = serializers.CharField()
    sha256 = serializers.CharField()


class LandmarksSerializer(serializers.Serializer[Any]):
    """Points of a face, left and right as its classes have them."""

    def get_fields(self) -> dict[str, Any]:
        """One for each point that the finder places."""
        return {
            name: serializers.ListField(
                child=serializers.FloatField(), min_length=2, max_length=2, help_text="x, y in pixels"
            )
            for name in LANDMARKS
        }


class FaceSerializer(serializers.Serializer[Any]):
    """A face that was found."""

    box = serializers.ListField(
        child=serializers.FloatField(), min_length=4, max_length=4, help_text="x, y, width, height in pixels"
    )
    score = serializers.FloatField()
    landmarks = LandmarksSerializer()


class RleSerializer(serializers.Serializer[Any]):
    """A mask in COCO's compressed run lengths."""

    size = serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)
    counts = serializers.CharField()


class RegionSerializer(serializers.Serializer[Any]):
    """A class present in the image."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    color = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    pixels = serializers.IntegerField()
    share = serializers.FloatField(help_text="of the image's pixels")
    box = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=4,
        max_length=4,
        help_text="x, y, width, height in pixels",
    )
    confidence = serializers.FloatField(allow_null=True)
    rle = RleSerializer()
    polygons = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        required=False,
        help_text="[x0, y0, x1, y1, ...] each; only with polygons=true",
    )


class TimingSerializer(serializers.Serializer[Any]):
    """Milliseconds by stage."""

    decode = serializers.FloatField()
    locate = serializers.FloatField()
    infer = serializers.FloatField()


class InlineSerializer(serializers.Serializer[Any]):
    """Pictures as data: URLs."""

    mask = serializers.CharField(required=False)
    overlay = serializers.CharField(required=False)


class AnswerSerializer(serializers.Serializer[Any]):
    """output=json."""

    image = SizeSerializer()
    model = ModelUsedSerializer()
    faces = FaceSerializer(many=True)
    classes = RegionSerializer(many=True)
    timing_ms = TimingSerializer()
    warnings = serializers.ListField(child=serializers.CharField())
    inline = InlineSerializer(required=False)


class ProblemSerializer(serializers.Serializer[Any]):
    """Every error (RFC 9457)."""

    type = serializers.CharField(help_text="a stable code, such as image_too_large")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """`errors` cannot be a class attribute: that is a property of every serializer."""
        lines = serializers.ListField(child=serializers.CharField())
        return {**super().get_fields(), "errors": serializers.DictField(child=lines, required=False)}


class BatchEntrySerializer(serializers.Serializer[Any]):
    """One image of a batch: what was found in it, or the problem it had."""

    index = serializers.IntegerField()
    result = AnswerSerializer(required=False)
    problem = ProblemSerializer(required=False)
