"""A model bundle: a folder with everything that serving a model needs, verified when it is loaded.

model.onnx         input `image` uint8 RGB (N, H, W, 3); outputs `labels` uint8 (N, H, W) and `logits` float32
                   (N, h, w, C), h x w being H x W or a fraction of it; normalisation is inside the graph
model.json         what the model is: `ModelCard`
golden.png         a drawn or public-domain face, and
golden-labels.png  what this model answers to it
weights.npz        Keras weights to train on from; serving never opens it
README.md          the model card, with the plots of figures.png
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import AliasPath, BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError

from ml_core.labels import LabelSet

MODEL, CARD, GOLDEN, GOLDEN_LABELS = "model.onnx", "model.json", "golden.png", "golden-labels.png"
FORMAT = 1


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
    temperature         divides the logits for calibrated probabilities, one for all classes
    class_temperatures  per class: divides the logits of the pixels labelled so
    metrics, parity     as evaluation and export wrote them
    network, training   configuration and history of the Keras model, for a run that starts from it
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, protected_namespaces=())

    format: Literal[1]
    name: str = Field(min_length=1)
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]*$")
    precision: Literal["fp32", "int8"] = "fp32"
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
        return cls._of(Path(folder), _read_json(Path(folder) / CARD))

    @classmethod
    def _of(cls, folder: Path, info: Mapping[str, Any]) -> Self:
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
        """Per class, what the logits of a pixel labelled so are divided by for its confidence."""
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
        bundle = cls._of(path, {**_read_json(path / CARD), "path": path})
        if bundle.precision == "int8":
            _check_loss(path / CARD, bundle.parity)
        for name in (MODEL, GOLDEN, GOLDEN_LABELS) if golden else (MODEL,):
            if not (path / name).is_file():
                raise BundleError(f"{path / name}: missing")
        found = sha256_of(path / MODEL)
        if found != bundle.sha256:
            raise BundleError(f"{path / MODEL}: sha256 is {found}, but {CARD} says {bundle.sha256}")
        return bundle


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
    _write_card(Path(folder), {**_read_json(Path(folder) / CARD), **changes})


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


def _write_card(folder: Path, info: Mapping[str, Any]) -> None:
    card = ModelCard._of(folder, info)
    text = json.dumps(card.model_dump(mode="json", by_alias=True, exclude_unset=True), indent=2)
    unfinished = folder / f".{CARD}"
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(folder / CARD)


class _Int8Parity(BaseModel):
    """Entries of an int8 model's `parity`: points of mean F1 lost against Keras on validation photos, and allowed."""

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


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, row['loc']))}: {row['msg'].removeprefix('Value error, ')}"
        for row in error.errors()
    )
