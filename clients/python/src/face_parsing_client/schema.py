"""The JSON of the answers, as the service's OpenAPI schema has it; a test holds the two together."""

from typing import Any, Literal, NotRequired, TypedDict


class Size(TypedDict):
    """A size in pixels."""

    width: int
    height: int


class ModelUsed(TypedDict):
    """What answered."""

    name: str
    version: str
    sha256: str


class Landmarks(TypedDict):
    """Points of a face, left and right as its classes have them."""

    left_eye: list[float]  # x, y in pixels
    right_eye: list[float]  # x, y in pixels
    nose: list[float]  # x, y in pixels
    left_mouth_corner: list[float]  # x, y in pixels
    right_mouth_corner: list[float]  # x, y in pixels


class FaceRegion(TypedDict):
    """A class present in a face."""

    id: int
    name: str
    pixels: int
    box: list[int]  # x, y, width, height in pixels
    confidence: float | None  # 0..1; None where the model gives none
    share: float  # of all pixels of the face, `classes` or not


class Face(TypedDict):
    """A face that was found."""

    number: int  # from 1, from left to right; the one that `face` takes
    box: list[float]  # x, y, width, height in pixels
    score: float
    landmarks: Landmarks
    classes: list[FaceRegion]


class Rle(TypedDict):
    """A mask in COCO's compressed run lengths."""

    size: list[int]
    counts: str


class Region(TypedDict):
    """A class present in the image."""

    id: int
    name: str
    pixels: int
    box: list[int]  # x, y, width, height in pixels
    confidence: float | None  # 0..1; None where the model gives none
    color: list[int]
    share: float  # of the image's pixels
    rle: NotRequired[Rle]
    polygons: NotRequired[list[list[float]]]  # [x0, y0, x1, y1, ...] each; only with polygons=true


class Timing(TypedDict):
    """Milliseconds."""

    decode: float
    locate: float
    infer: float


class Inline(TypedDict):
    """Pictures as data: URLs."""

    mask: NotRequired[str]
    labels: NotRequired[str]
    overlay: NotRequired[str]


class Answer(TypedDict):
    """output=json."""

    image: Size
    model: ModelUsed
    faces: list[Face]
    classes: list[Region]
    timing_ms: Timing
    warnings: list[str]
    faces_found: NotRequired[int]  # how many there are; only with faces_left_out
    inline: NotRequired[Inline]


class ProblemBody(TypedDict):
    """Every error (RFC 9457)."""

    type: str  # a stable code, such as image_too_large
    title: str
    status: int
    detail: str
    request_id: str
    errors: NotRequired[dict[str, list[str]]]


class BatchEntry(TypedDict):
    """One image of a batch: what was found in it, or the problem it had."""

    index: int
    result: NotRequired[Answer]
    problem: NotRequired[ProblemBody]


class Model(TypedDict):
    """A model in the list."""

    name: str
    version: str
    default: bool  # the one that serves requests without `model`
    sha256: str  # of its ONNX file


class ClassRow(TypedDict):
    """A row of the class table."""

    id: int
    name: str
    color: list[int]
    mirror: int  # the class it becomes in a mirrored image
    role: NotRequired[Literal["face", "hair"]]  # what it is part of, if it is of either


class ModelDetail(TypedDict):
    """All of a model that a client may want to know."""

    name: str
    version: str
    default: bool  # the one that serves requests without `model`
    sha256: str  # of its ONNX file
    precision: Literal["fp32", "int8"]  # of its weights
    cut: Literal["face", "whole"]  # what it parses where `faces` is not given
    classes: list[ClassRow]
    input: Size
    temperature: float  # the one that fits all classes together best
    temperatures: list[float]
    metrics: dict[str, Any]  # as its evaluation wrote them
    licence: str
