"""Request options, checked; and the JSON shapes, as OpenAPI shows them."""

import math
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from ml_core.faces import LANDMARKS
from ml_core.labels import ROLES
from segmentation_api.errors import Problem
from segmentation_api.services import OUTPUTS, SegmentOptions


class CommaListField(serializers.Field[Any, Any, Any, Any]):
    """A comma list, or in JSON a list of strings; with `choices` only those."""

    def __init__(self, choices: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """The words, without repeats."""
        words = data.split(",") if isinstance(data, str) else data
        if not isinstance(words, list) or not all(isinstance(word, str | int) for word in words):
            raise serializers.ValidationError("must be a comma list")
        found = tuple(dict.fromkeys(str(word).strip() for word in words))
        if not found or "" in found or len(found) > 255:
            raise serializers.ValidationError("must be a comma list without empty places")
        if self.choices and not set(found) <= set(self.choices):
            raise serializers.ValidationError(f"must be of {', '.join(self.choices)}")
        return found


class ShareField(serializers.FloatField):
    """A number from 0 to 1."""

    def to_internal_value(self, data: Any) -> float:
        """Raises ValidationError for what Python takes for a number but is none, such as true and nan."""
        if isinstance(data, bool) or not math.isfinite(value := super().to_internal_value(data)):
            raise serializers.ValidationError("A valid number is required.")
        return float(value)


class OptionsSerializer(serializers.Serializer[Any]):
    """The options of a request; names not listed here are refused."""

    output = serializers.ChoiceField(choices=OUTPUTS, required=False)
    classes = CommaListField(required=False)
    alpha = ShareField(min_value=0, max_value=1, required=False)
    faces = serializers.ChoiceField(choices=("auto", "whole"), required=False)
    model = serializers.CharField(max_length=100, required=False)
    polygons = serializers.BooleanField(required=False)
    inline = CommaListField(choices=("mask", "overlay"), required=False)


CHECKS = OptionsSerializer().fields
"""Bound once for all requests: checking keeps nothing in them, and binding costs more than checking."""
MOST_ERRORS = 10
"""So many wrong options are named, however many there are."""


def read_options(fields: Mapping[str, list[Any]], query: QueryDict, *, image_field: str) -> SegmentOptions:
    """Options of body and query; the query wins. Raises Problem (400) for unknown or repeated, ValidationError for
    wrong ones.
    """
    options = {name: values for name, values in fields.items() if name != image_field}
    given = {**_once(options), **_once(dict(query.lists()))}
    checked: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for (
        name,
        value,
    ) in given.items():  # not the serializer, which makes an exception of each option that is not given
        try:
            checked[name] = CHECKS[name].run_validation(value)
        except serializers.ValidationError as error:
            errors[name] = error.detail
    if errors:
        raise serializers.ValidationError(errors)
    return SegmentOptions(**checked)


def _once(options: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The options, each known and given once."""
    given: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, values in options.items():
        if name not in CHECKS:
            if len(errors) < MOST_ERRORS:
                errors[name[:50]] = [f"is not an option; there are {', '.join(CHECKS)}"]
        elif len(values) > 1:
            errors[name] = ["is given more than once"]
        elif isinstance(values[0], bytes):
            errors[name] = ["must be text, not a file"]
        else:
            given[name] = values[0]
    if errors:
        detail = "; ".join(f"{name}: {lines[0]}" for name, lines in errors.items())
        raise Problem(400, "invalid_request", detail, errors=errors)
    return given


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
