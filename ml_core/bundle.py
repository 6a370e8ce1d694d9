"""A model bundle: a folder with everything that serving a model needs, verified when it is loaded.

model.onnx         input `image` uint8 RGB (N, H, W, 3); outputs `labels` uint8 (N, H, W) and `logits` float32
                   (N, h, w, C), h x w being H x W or a fraction of it; H and W may be free; normalisation is inside
model.json         what the model is: `ModelCard`
golden.png         a drawn or public-domain face, and
golden-labels.png  what this model answers to it
weights.npz        Keras weights to train on from; serving never opens it
README.md          the model card, with the plots of figures.png
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AliasPath, BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from ml_core.external_data import has_external_data
from ml_core.labels import LabelSet

MODEL, CARD, GOLDEN, GOLDEN_LABELS = "model.onnx", "model.json", "golden.png", "golden-labels.png"
FORMAT = 1
Precision = Literal["fp32", "int8"]
PRECISIONS = get_args(Precision)


class BundleError(ValueError):
    """A bundle that cannot be served; the message names the file and the reason."""


def _class_table(value: Any) -> LabelSet:
    try:
        return value if isinstance(value, LabelSet) else LabelSet.from_json(value)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


Classes = Annotated[LabelSet, PlainValidator(_class_table), PlainSerializer(LabelSet.to_json)]
Positive = Annotated[float, Field(gt=0)]


class InputSize(BaseModel):
    """Of the network's input, in pixels."""

    height: int = Field(gt=0)
    width: int = Field(gt=0)


class ModelCard(BaseModel):
    """model.json. Further keys are kept in `model_extra`.

    precision           of the weights in model.onnx
    cut                 what a photo is parsed in unless asked otherwise: each face's cut, or the whole photo
    temperature         divides the logits for calibrated probabilities, one for all classes
    class_temperatures  per class, for the pixels predicted as it
    metrics, parity     as evaluation and export wrote them
    network, training   configuration and history of the Keras model, for a run that starts from it
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, protected_namespaces=())

    format: Literal[1]
    name: str = Field(min_length=1, max_length=200)
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]*$", max_length=64)
    precision: Precision = "fp32"
    cut: Literal["face", "whole"] = "face"
    labels: Classes = Field(alias="classes")
    input: InputSize
    temperature: Positive
    class_temperatures: tuple[Positive, ...] | None = None
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    metrics: dict[str, Any]
    parity: dict[str, Any]
    data: str | dict[str, Any]
    licence: str
    network: dict[str, Any] | None = None
    training: dict[str, Any] | None = None

    @classmethod
    def read(cls, folder: Path | str) -> Self:
        """The card of a bundle folder. Raises BundleError."""
        return cls.of(Path(folder), read_json(Path(folder) / CARD))

    @classmethod
    def of(cls, folder: Path, info: Mapping[str, Any]) -> Self:
        """Validate `info`, the content of the folder's model.json. Raises BundleError."""
        path = folder / CARD
        if info.get("format", FORMAT) != FORMAT:
            raise BundleError(f"{path}: format {info['format']!r} is unknown, this version reads {FORMAT}")
        try:
            card = cls.model_validate(info)
        except ValidationError as error:
            raise BundleError(f"{path}: {_problems(error)}") from error
        if len(card.temperatures) != len(card.labels):
            raise BundleError(
                f"{path}: class_temperatures: {len(card.temperatures)} of them for {len(card.labels)} classes"
            )
        return card

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.input.height, self.input.width

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Per class, what divides the logits of the pixels predicted as it, for their confidence."""
        return self.class_temperatures or (self.temperature,) * len(self.labels)


class Bundle(ModelCard):
    """The card of a bundle whose files were verified, and the folder they lie in."""

    path: Path = Field(exclude=True)

    @classmethod
    def load(cls, path: Path | str, *, golden: bool = True) -> Self:
        """Read model.json and verify the files. Raises BundleError, which names the file and the reason.

        An int8 model is refused unless its recorded loss of F1 is within its limit.
        `golden=False` is for the exporter, which needs the model to make the golden labels.
        """
        path = Path(path)
        if not path.is_dir():
            raise BundleError(f"{path}: no such folder")
        info = read_json(path / CARD)
        bundle = cls.of(path, {**info, "path": path})
        if bundle.precision == "int8":
            _check_loss(path / CARD, bundle.parity)
        for where, reason in _unfit(info):
            raise BundleError(f"{path / CARD}: {where}: {reason}")
        for name in (MODEL, GOLDEN, GOLDEN_LABELS) if golden else (MODEL,):
            if not (path / name).is_file():
                raise BundleError(f"{path / name}: missing")
        found = sha256_of(path / MODEL)
        if found != bundle.sha256:
            raise BundleError(f"{path / MODEL}: sha256 is {found}, but {CARD} says {bundle.sha256}")
        try:
            external = has_external_data(path / MODEL)
        except ValueError as error:
            raise BundleError(f"{path / MODEL}: {error}") from error
        if external:
            raise BundleError(
                f"{path / MODEL}: has external data, which no checksum covers; save the weights inside the file"
            )
        return bundle


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises BundleError."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not JSON: {error}") from error
    if not isinstance(info, dict):
        raise BundleError(f"{path}: not a JSON object")
    return info


class _Int8Parity(BaseModel):
    """Entries of an int8 model's `parity`: points of mean F1 lost against fp32 on validation photos, and allowed."""

    f1_loss: float = Field(validation_alias=AliasPath("f1_loss", "int8"))
    f1_limit: float


def _check_loss(path: Path, parity: Mapping[str, Any]) -> None:
    try:
        found = _Int8Parity.model_validate(parity)
    except ValidationError as error:
        raise BundleError(f"{path}: parity of an int8 model: {_problems(error)}") from error
    if not found.f1_loss <= found.f1_limit:  # refuses NaN too
        raise BundleError(
            f"{path}: int8 loses {found.f1_loss:g} points of F1 against fp32, more than its limit of "
            f"{found.f1_limit:g}"
        )


def _unfit(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """What of a JSON value Python reads but the API could not send: where it is, and why."""
    if isinstance(value, float) and not math.isfinite(value):
        yield where, f"{value} is no finite number"
    elif (
        isinstance(value, str)
        and not value.isascii()
        and any("\ud800" <= letter <= "\udfff" for letter in value)
    ):
        yield where, "half a character"
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unfit(key, f"a name in {where}")
            yield from _unfit(item, f"{where}.{key}".removeprefix("."))


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, row['loc']))}: {row['msg'].removeprefix('Value error, ')}"
        for row in error.errors()
    )
