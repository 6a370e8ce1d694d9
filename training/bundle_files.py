"""Writing a bundle: model.json, the golden image, and the folder that replaces an old one in one step."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml_core.bundle import CARD, FORMAT, GOLDEN, GOLDEN_LABELS, MODEL, ModelCard, read_json, sha256_of
from ml_core.labels import LabelSet


def write_model_json(
    folder: Path | str, *, labels: LabelSet, input_size: tuple[int, int], **entries: Any
) -> None:
    """Describe the model.onnx that lies in `folder` by the other entries of ModelCard. Raises BundleError."""
    folder = Path(folder)
    size = {"height": input_size[0], "width": input_size[1]}
    given = {"format": FORMAT, "classes": labels, "input": size, "sha256": sha256_of(folder / MODEL)}
    _write_card(folder, {"precision": "fp32", **given, **entries})


def update_model_json(folder: Path | str, **changes: Any) -> None:
    """Replace some entries of a bundle's model.json, in one step. Raises BundleError."""
    _write_card(Path(folder), {**read_json(Path(folder) / CARD), **changes})


def write_golden(
    folder: Path | str,
    image: NDArray[np.uint8],
    predict: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> None:
    """Write golden.png and what `predict` (image -> labels, (H, W, 3) -> (H, W)) answers to it."""
    Image.fromarray(image).save(Path(folder) / GOLDEN, optimize=True)
    Image.fromarray(predict(image)).save(Path(folder) / GOLDEN_LABELS, optimize=True)


@contextmanager
def replacing(folder: Path | str) -> Iterator[Path]:
    """An empty folder to write a bundle into, which takes the place of `folder` when the block ends well.

    A served bundle is thus never half written; after an error the old one stays.
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
        new, old = Path(work, "new"), Path(work, "old")
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)


def _write_card(folder: Path, info: Mapping[str, Any]) -> None:
    card = ModelCard.of(folder, info)
    text = json.dumps(card.model_dump(mode="json", by_alias=True, exclude_unset=True), indent=2)
    unfinished = folder / f".{CARD}"
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(folder / CARD)
