"""A model bundle: a folder with everything that serving a model needs, verified when it is loaded.

model.onnx         input `image` uint8 RGB (N, H, W, 3); outputs `labels` uint8 (N, H, W) and `logits` float32
                   (N, h, w, C), h x w being H x W or a fraction of it; normalisation is inside the graph
model.json         what the model is: `ModelCard` below
golden.png         a drawn or public-domain face, and
golden-labels.png  what this model answers to it
weights.npz        Keras weights to go on training from; serving never opens it
README.md          the model card, with the plots of figures.png
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml_core.labels import LabelSet

MODEL, CARD, GOLDEN, GOLDEN_LABELS = "model.onnx", "model.json", "golden.png", "golden-labels.png"
FORMAT = 1


class BundleError(ValueError):
    """A bundle that cannot be served; the message names the file and the reason."""


class _InputSize(BaseModel):
    height: int = Field(gt=0)
    width: int = Field(gt=0)


class _Losses(BaseModel):
    """Points of mean F1 lost at each step of the way from Keras, on validation photos."""

    int8: float


class _Int8Parity(BaseModel):
    """What `parity` of an int8 model must say: how much worse it is than the float32 one, and may be."""

    f1_loss: _Losses
    f1_limit: float


class _ModelCard(BaseModel):
    """model.json. Further keys are kept in `Bundle.info` and ignored here."""

    model_config = ConfigDict(protected_namespaces=())

    format: Literal[1]
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    classes: list[dict[str, Any]]
    input: _InputSize
    temperature: float = Field(gt=0)
    class_temperatures: list[Annotated[float, Field(gt=0)]] | None = None
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    precision: Literal["fp32", "int8"] = "fp32"
    metrics: dict[str, Any]
    parity: dict[str, Any]
    data: str | dict[str, Any]
    licence: str


@dataclass(frozen=True)
class Bundle:
    """A verified bundle folder. `input_size` is (height, width); `info` is model.json as it stands.

    temperatures  a class: what the logits of a pixel called so are divided by for its confidence
    """

    path: Path
    name: str
    version: str
    labels: LabelSet
    input_size: tuple[int, int]
    temperature: float
    temperatures: tuple[float, ...]
    sha256: str
    metrics: dict[str, Any]
    parity: dict[str, Any]
    data: str | dict[str, Any]
    licence: str
    info: dict[str, Any]

    @classmethod
    def load(cls, path: Path | str, *, golden: bool = True) -> "Bundle":
        """Read model.json and verify the files. Raises BundleError, which names the file and the reason.

        An int8 model is refused unless its recorded loss of F1 is within its limit.
        `golden=False` is for the exporter, which needs the model to make the golden labels.
        """
        path = Path(path)
        if not path.is_dir():
            raise BundleError(f"{path}: no such folder")
        info = _read_json(path / CARD)
        card = _validate(path / CARD, info)
        if card.precision == "int8":
            _check_loss(path / CARD, card.parity)
        try:
            labels = LabelSet.from_json(card.classes)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{path / CARD}: classes: {error}") from error
        temperatures = tuple(card.class_temperatures or [card.temperature] * len(labels))
        if len(temperatures) != len(labels):
            raise BundleError(
                f"{path / CARD}: class_temperatures: {len(temperatures)} of them for {len(labels)} classes"
            )
        for name in (MODEL, GOLDEN, GOLDEN_LABELS) if golden else (MODEL,):
            if not (path / name).is_file():
                raise BundleError(f"{path / name}: missing")
        found = sha256_of(path / MODEL)
        if found != card.sha256:
            raise BundleError(f"{path / MODEL}: sha256 is {found}, but {CARD} says {card.sha256}")
        return cls(
            path=path,
            name=card.name,
            version=card.version,
            labels=labels,
            input_size=(card.input.height, card.input.width),
            temperature=card.temperature,
            temperatures=temperatures,
            sha256=card.sha256,
            metrics=card.metrics,
            parity=card.parity,
            data=card.data,
            licence=card.licence,
            info=info,
        )


def write_model_json(
    folder: Path | str,
    *,
    name: str,
    version: str,
    labels: LabelSet,
    input_size: tuple[int, int],
    temperature: float,
    metrics: Mapping[str, Any],
    parity: Mapping[str, Any],
    data: str | Mapping[str, Any],
    licence: str,
    **more: Any,
) -> None:
    """Describe the model.onnx that lies in `folder`; its sha256 is computed. `more` goes in as it is."""
    folder = Path(folder)
    info = {
        "format": FORMAT,
        "name": name,
        "version": version,
        "classes": labels.to_json(),
        "input": {"height": input_size[0], "width": input_size[1]},
        "temperature": temperature,
        "sha256": sha256_of(folder / MODEL),
        "metrics": metrics,
        "parity": parity,
        "data": data,
        "licence": licence,
        **more,
    }
    _validate(folder / CARD, info)
    _write_json(folder / CARD, info)


def update_model_json(folder: Path | str, **changes: Any) -> None:
    """Replace some entries of a bundle's model.json, in one step. Raises BundleError."""
    folder = Path(folder)
    info = {**_read_json(folder / CARD), **changes}
    _validate(folder / CARD, info)
    _write_json(folder / CARD, info)


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


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BundleError(f"{path}: not JSON: {error}") from error
    if not isinstance(info, dict):
        raise BundleError(f"{path}: not a JSON object")
    return info


def _write_json(path: Path, info: Mapping[str, Any]) -> None:
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _validate(path: Path, info: Mapping[str, Any]) -> _ModelCard:
    if info.get("format", FORMAT) != FORMAT:
        raise BundleError(f"{path}: format {info['format']!r} is unknown, this version reads {FORMAT}")
    try:
        return _ModelCard.model_validate(info)
    except ValidationError as error:
        raise BundleError(f"{path}: {_problems(error)}") from error


def _check_loss(path: Path, parity: Mapping[str, Any]) -> None:
    try:
        found = _Int8Parity.model_validate(parity)
    except ValidationError as error:
        raise BundleError(f"{path}: parity of an int8 model: {_problems(error)}") from error
    if not found.f1_loss.int8 <= found.f1_limit:  # not a number is refused too
        raise BundleError(
            f"{path}: int8 loses {found.f1_loss.int8:g} points of F1 against fp32, more than its limit of "
            f"{found.f1_limit:g}"
        )


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
