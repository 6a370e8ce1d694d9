"""The one use case: parse the face parts of an image. Views and commands both call it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from ml_core.labels import UnknownClass
from ml_core.outputs import FORMATS, OutputOptions
from ml_core.segmentation import Segmentation
from ml_core.segmenter import Segmenter
from segmentation_api.engine import engine
from segmentation_api.errors import invalid

OUTPUTS = tuple(dict.fromkeys(written.name for written in FORMATS))


@dataclass(frozen=True)
class SegmentOptions(OutputOptions):
    """What is asked for. None: `output` as Accept says, `faces` as the model's `cut`, all `classes`, every `face`."""

    output: str | None = None
    classes: tuple[str, ...] | None = None
    faces: Literal["auto", "whole"] | None = None
    face: int | None = None
    model: str | None = None


def segment_image(
    *, data: bytes, options: SegmentOptions, keep_going: Callable[[], bool] = lambda: True
) -> Segmentation:
    """Parse the face parts in one encoded image.

    Returns labels of shape (height, width), uint8 class ids, in the upright image's own size; classes not asked for
    and faces not asked for are background. Between faces `keep_going` is asked, which may raise. Raises an ImageError
    before any inference is done, NoSuchFace after it, and Problem for an unknown model or class, or when no model is
    loaded.
    """
    segmenter, keep = resolve(options)
    found = segmenter.predict(
        data,
        faces=options.faces,
        max_pixels=settings.MAX_IMAGE_PIXELS,
        max_faces=settings.MAX_FACES,
        keep_going=keep_going,
    )
    if options.face is not None:
        found = found.face(options.face)
    return found if keep is None else found.only(keep)


def resolve(options: SegmentOptions) -> tuple[Segmenter, tuple[int, ...] | None]:
    """The model and the class ids that the options name, None for all. Raises Problem for unknown ones."""
    segmenter = engine.segmenter(options.model)
    if options.classes is None:
        return segmenter, None
    labels = segmenter.bundle.labels
    try:
        return segmenter, labels.ids(options.classes)
    except UnknownClass as error:
        raise invalid("classes", f"{str(error)[:50]!r} is not one of {', '.join(labels.names)}") from None
