"""The one use case: parse the face parts of an image. Views and commands both come here."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from django.conf import settings

from ml_core.bundle import Bundle
from ml_core.labels import UnknownClass
from ml_core.segmenter import Segmentation, Segmenter
from segmentation_api.engine import engine
from segmentation_api.errors import invalid

Output = Literal["mask", "labels", "overlay", "classes", "json"]
OUTPUTS: tuple[Output, ...] = ("mask", "labels", "overlay", "classes", "json")


@dataclass(frozen=True)
class SegmentOptions:
    """What is asked for; `output` None leaves the choice to the Accept header, `classes` None means all."""

    output: Output | None = None
    classes: tuple[str, ...] | None = None
    alpha: float = 0.6
    faces: Literal["auto", "whole"] = "auto"
    model: str | None = None
    polygons: bool = False
    inline: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parsed:
    """What was found, by which model, and what was asked for: all that a renderer needs."""

    segmentation: Segmentation
    bundle: Bundle
    options: SegmentOptions


def segment_image(*, data: bytes, options: SegmentOptions) -> Parsed:
    """Parse the face parts in one encoded image.

    The labels have shape (height, width), uint8 class ids, in the upright image's own size; classes not asked
    for are background. Raises ImageTooLarge, UnsupportedImage or BrokenImage before any inference is done,
    and Problem for an unknown model or class, or when no model is loaded.
    """
    segmenter, keep = resolve(options)
    found = segmenter.predict(data, faces=options.faces, max_pixels=settings.MAX_IMAGE_PIXELS)
    return Parsed(found if keep is None else _only(found, keep), segmenter.bundle, options)


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


def _only(found: Segmentation, keep: tuple[int, ...]) -> Segmentation:
    """All but the classes `keep` made background."""
    table = np.zeros(256, np.uint8)
    table[list(keep)] = keep
    return replace(found, labels=table[found.labels])
