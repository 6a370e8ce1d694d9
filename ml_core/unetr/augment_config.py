"""How strong the augmentation is, and the types it works on."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Image = NDArray[np.uint8]
Codes = NDArray[np.uint8]
Pair = tuple[Image, Codes]
Rng = np.random.Generator
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AugmentConfig:
    """Ranges of the augmentation; sizes are relative to the frame."""

    features: tuple[str, ...] = ()
    """Names of the classes that are eyes, nose or mouth. They tell where a head is, on and around which hands, hats,
    hair and bodies are drawn; without any, none are."""
    scale: tuple[Positive, Positive] = (0.4, 2.0)
    """Least and most enlargement of the wide draws."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 45.0
    """Degrees, of the wide draws."""
    shift: Share = 0.25
    """Of the frame's side, of the wide draws."""
    near: Share = 0.65
    """Share of narrow draws around the aligned cut."""
    near_spread: Positive = 1.0
    """Width of the narrow draws: 1 is some four times the face finder's errors (docs/experiments.md)."""
    wide: Share = 0.12
    """Share of draws like the second, wider look that serving takes (ml_core/wide.py)."""
    wide_scale: tuple[Positive, Positive] = (0.34, 0.62)
    """Least and most enlargement of those."""
    scene: Share = 0.4
    """Share of samples with a real scene behind the face instead of its own surroundings."""
    wide_scene: Share = 0.85
    """At least this share where the photo takes less than WIDE of the frame (ml_core/unetr/augment.py)."""
    empty: Share = 0.04
    """Share of samples that show a scene and no face."""
    neighbour: Share = 0.3
    """Share of scene samples with a second face beside the first."""
    body: Share = 0.7
    """Share of scene samples with a drawn neck, shoulders and clothes below the face."""
    longer: Share = 0.75
    """Share of scene samples where hair goes on beyond the photo; in the others that is "ignore"."""
    hair_scene: Share = 0.25
    """Share of scene samples whose scene has the colour of the hair."""
    occluder: Share = 0.08
    """Share of samples with a random shape before the face, textured with a scene."""
    hand: Share = 0.1
    """Share of samples with drawn hands on or before the head, most of them in the skin's own colour."""
    thing: Share = 0.05
    """Share of samples with a phone, a microphone, a cup or a bar before the face."""
    hat: Share = 0.07
    """Share of samples with a cap, hat, hood or headband over the hair."""
    white: Share = 0.05
    """Share of samples whose hair is turned grey or white."""
    colour: Share = 0.8
    grey: Share = 0.1
    """Share of samples without colour, some of them like old prints."""
    light: Share = 0.15
    blur: Share = 0.2
    noise: Share = 0.12
    jpeg: Share = 0.15
