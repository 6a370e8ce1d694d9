"""The JSON shapes of answers, for OpenAPI; the models' are written by them too."""

from typing import Any

from rest_framework.fields import (
    BooleanField,
    CharField,
    ChoiceField,
    DictField,
    Field,
    FloatField,
    IntegerField,
    ListField,
)
from rest_framework.serializers import Serializer

from ml_core.bundle import PRECISIONS
from ml_core.faces import LANDMARKS
from ml_core.labels import ROLES
from segmentation_api.serializers import PICTURES

AnyField = Field[Any, Any, Any, Any]


def shape(name: str, meaning: str, /, **fields: AnyField) -> type[Serializer[Any]]:
    """A JSON object; OpenAPI shows its name, its meaning and its fields."""
    return type(name, (Serializer,), {"__doc__": meaning, **fields})


def numbers(kind: type[AnyField], length: int | None, meaning: str | None = None) -> ListField:
    """A list of `length` numbers, or of any length."""
    return ListField(child=kind(), min_length=length, max_length=length, help_text=meaning)


XYWH = "x, y, width, height in pixels"

Size = shape("Size", "A size in pixels.", width=IntegerField(), height=IntegerField())
Landmarks = shape(
    "Landmarks",
    "Points of a face, left and right as its classes have them.",
    **{name: numbers(FloatField, 2, "x, y in pixels") for name in LANDMARKS},
)
Rle = shape(
    "Rle", "A mask in COCO's compressed run lengths.", size=numbers(IntegerField, 2), counts=CharField()
)
ModelUsed = shape("ModelUsed", "What answered.", name=CharField(), version=CharField(), sha256=CharField())
Timing = shape("Timing", "Milliseconds.", decode=FloatField(), locate=FloatField(), infer=FloatField())
Inline = shape("Inline", "Pictures as data: URLs.", **{name: CharField(required=False) for name in PICTURES})

LISTED: dict[str, AnyField] = {
    "name": CharField(),
    "version": CharField(),
    "default": BooleanField(help_text="the one that serves requests without `model`"),
    "sha256": CharField(help_text="of its ONNX file"),
}
Model = shape("Model", "A model in the list.", **LISTED)
ClassRow = shape(
    "ClassRow",
    "A row of the class table.",
    id=IntegerField(),
    name=CharField(),
    color=numbers(IntegerField, 3),
    mirror=IntegerField(help_text="the class it becomes in a mirrored image"),
    role=ChoiceField(choices=ROLES, required=False, help_text="what it is part of, if it is of either"),
)
ModelDetail = shape(
    "ModelDetail",
    "All of a model that a client may want to know.",
    **LISTED,
    precision=ChoiceField(choices=PRECISIONS, help_text="of its weights"),
    cut=ChoiceField(choices=("face", "whole"), help_text="what it parses where `faces` is not given"),
    classes=ClassRow(many=True),
    input=Size(),
    temperature=FloatField(help_text="the one that fits all classes together best"),
    temperatures=numbers(
        FloatField,
        None,
        "a class, by its id: its confidence is softmax(logits / its temperature), averaged over its pixels",
    ),
    metrics=DictField(help_text="as its evaluation wrote them"),
    licence=CharField(),
)

REGION: dict[str, AnyField] = {
    "id": IntegerField(),
    "name": CharField(),
    "pixels": IntegerField(),
    "box": numbers(IntegerField, 4, XYWH),
    "confidence": FloatField(allow_null=True),
}
FaceRegion = shape(
    "FaceRegion",
    "A class present in a face.",
    **REGION,
    share=FloatField(help_text="of all pixels of the face, `classes` or not"),
)
Face = shape(
    "Face",
    "A face that was found.",
    number=IntegerField(help_text="from 1, from left to right; the one that `face` takes"),
    box=numbers(FloatField, 4, XYWH),
    score=FloatField(),
    landmarks=Landmarks(),
    classes=FaceRegion(many=True),
)
Region = shape(
    "Region",
    "A class present in the image.",
    **REGION,
    color=numbers(IntegerField, 3),
    share=FloatField(help_text="of the image's pixels"),
    rle=Rle(required=False),
    polygons=ListField(
        child=ListField(child=FloatField()),
        required=False,
        help_text="[x0, y0, x1, y1, ...] each; only with polygons=true",
    ),
)
Answer = shape(
    "Answer",
    "output=json.",
    image=Size(),
    model=ModelUsed(),
    faces=Face(many=True),
    classes=Region(many=True),
    timing_ms=Timing(),
    warnings=ListField(
        child=CharField(),
        help_text="no_face_found; image_damaged: some of the file's data is missing or wrong; "
        "faces_left_out: more faces than one photo may have, or than its time sufficed for; the largest are there",
    ),
    faces_found=IntegerField(required=False, help_text="how many there are; only with faces_left_out"),
    inline=Inline(required=False),
)
Problem = shape(
    "Problem",
    "Every error (RFC 9457).",
    type=CharField(help_text="a stable code, such as image_too_large"),
    title=CharField(),
    status=IntegerField(),
    detail=CharField(),
    request_id=CharField(),
    errors=DictField(child=ListField(child=CharField()), required=False),
)
BatchEntry = shape(
    "BatchEntry",
    "One image of a batch: what was found in it, or the problem it had.",
    index=IntegerField(),
    result=Answer(required=False),
    problem=Problem(required=False),
)
