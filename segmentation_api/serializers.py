"""The options of a request, in one place for validation, OpenAPI and the command line."""

import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.fields import BooleanField, CharField, ChoiceField, Field, FloatField, IntegerField
from rest_framework.serializers import Serializer, ValidationError

from ml_core.outputs import INLINE
from segmentation_api.errors import too_large
from segmentation_api.parsers import Upload
from segmentation_api.services import OUTPUTS, SegmentOptions

PICTURES = tuple(written.name for written in INLINE)
"""What JSON can carry inline."""
MOST_ERRORS = 10
"""How many unknown or repeated names an answer lists at most."""


@extend_schema_field({"type": "string", "pattern": "^[^,]+(,[^,]+)*$", "examples": ["hair,skin"]})
class CommaListField(Field[Any, Any, Any, Any]):
    """A comma list, or in JSON a list of strings."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """The words, without repeats."""
        words = data.split(",") if isinstance(data, str) else data
        if not isinstance(words, list) or not all(isinstance(word, str | int) for word in words):
            raise ValidationError("must be a comma list")
        found = tuple(dict.fromkeys(str(word).strip() for word in words))
        if not found or "" in found or len(found) > 255:
            raise ValidationError("must be a comma list without empty items")
        return found


@extend_schema_field({"type": "string", "pattern": "^({0})(,({0}))*$".format("|".join(PICTURES))})
class PicturesField(CommaListField):
    """A comma list of PICTURES."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """The words, without repeats."""
        found = super().to_internal_value(data)
        if not set(found) <= set(PICTURES):
            raise ValidationError(f"must be of {', '.join(PICTURES)}")
        return found


class ShareField(FloatField):
    """A number from 0 to 1."""

    def to_internal_value(self, data: Any) -> float:
        """Raises ValidationError for what Python takes for a number but is none, such as true and nan."""
        if isinstance(data, bool) or not math.isfinite(value := super().to_internal_value(data)):
            raise ValidationError("A valid number is required.")
        return float(value)


@extend_schema_field(OpenApiTypes.BINARY)
class PhotoField(Field[Any, Any, Any, Any]):
    """One photo."""

    default_error_messages = {
        "required": "is missing or empty",
        "null": "is missing or empty",
        "text": "must be a file (a part with a file name or an image's Content-Type), or in JSON a base64 string",
        "repeated": "is given more than once; /api/segment/batch/ takes several",
    }

    def to_internal_value(self, data: Any) -> Any:
        """The Upload. Raises Problem (413) over MAX_UPLOAD_BYTES."""
        if not isinstance(data, Upload):
            self.fail("text")
        if not data:
            self.fail("required")
        if len(data) > settings.MAX_UPLOAD_BYTES:
            raise too_large(settings.MAX_UPLOAD_BYTES)
        return data


PHOTOS = {"type": "array", "items": {"type": "string", "format": "binary"}}


@extend_schema_field({**PHOTOS, "minItems": 1, "maxItems": settings.MAX_BATCH_IMAGES})
class PhotosField(PhotoField):
    """Several photos; each is checked by itself, so that one cannot spoil the others."""

    default_error_messages = {
        "required": "must be one or more files",
        "most": "are {given}; at most {most} are taken",
    }

    def to_internal_value(self, data: list[Any]) -> Any:
        """From one photo to MAX_BATCH_IMAGES."""
        if not all(isinstance(image, Upload) for image in data):
            self.fail("required")
        if len(data) > settings.MAX_BATCH_IMAGES:
            self.fail("most", given=len(data), most=settings.MAX_BATCH_IMAGES)
        return data


class OptionsSerializer(Serializer[Any]):
    """The options of a request.

    Bind it once, not per request: it is stateless, and a bound serializer is a reference cycle, which would hold the
    photo until the garbage collector comes.
    """

    file_field = ""
    """The one that takes files, if any."""

    output = ChoiceField(
        choices=OUTPUTS,
        required=False,
        help_text="What is answered; wins over `Accept`, which asks for `json` by application/json, for `classes` by "
        "application/zip, else for `mask`.",
    )
    classes = CommaListField(
        required=False, help_text="Class names or ids, by commas; others are background."
    )
    alpha = ShareField(
        min_value=0, max_value=1, default=SegmentOptions.alpha, help_text="Opacity of the overlay."
    )
    faces = ChoiceField(
        choices=("auto", "whole"),
        required=False,
        help_text="`auto`: find each face and parse it at full detail; `whole`: the image as one crop. As the model's "
        "`cut` says if not given: `auto` for `face`.",
    )
    face = IntegerField(
        min_value=1, required=False, help_text="One face alone, from 1, from left to right; with `whole` 1."
    )
    model = CharField(max_length=100, required=False, help_text="A name of /api/models/; else the default.")
    rle = BooleanField(default=SegmentOptions.rle, help_text="With output=json: run lengths.")
    polygons = BooleanField(default=SegmentOptions.polygons, help_text="With output=json: polygons, too.")
    inline = PicturesField(
        required=False, help_text="With output=json: `mask`, `labels`, `overlay` as data: URLs."
    )

    def to_internal_value(self, data: Mapping[str, list[Any]]) -> dict[str, Any]:
        """The checked options, from all values of each name. Raises ValidationError."""
        given: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for name, values in data.items():
            field = self.fields.get(name)
            if field is None:
                errors[name[:50]] = [self.unknown(values[0])]
            elif len(values) > 1 and not isinstance(field, PhotosField):
                errors[name] = [str(field.error_messages.get("repeated", "is given more than once"))]
            elif isinstance(values[0], Upload) and not isinstance(field, PhotoField):
                errors[name] = ["must be text, not a file"]
            given[name] = values if isinstance(field, PhotosField) else values[0]
            if len(errors) == MOST_ERRORS:
                break
        if errors:
            raise ValidationError(errors)
        checked: dict[str, Any] = super().to_internal_value(given)
        return checked

    def unknown(self, value: Any) -> str:
        """What is wrong with a name that is none of the fields, and which to take."""
        if isinstance(value, Upload) and self.file_field:
            return f"is not a field for files; it is `{self.file_field}`"
        return f"is not an option; there are {', '.join(self.fields)}"


class SegmentSerializer(OptionsSerializer):
    """A photo and its options."""

    file_field = "image"
    image = PhotoField()


class EncodedSegmentSerializer(OptionsSerializer):
    """A photo and its options, in JSON. For OpenAPI only: JsonParser decodes the image."""

    image = CharField(help_text="base64, or a data: URL")


class BatchSerializer(OptionsSerializer):
    """Photos and the options they share."""

    file_field = "images"
    images = PhotosField()
