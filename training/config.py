"""config.yaml (where data comes from) and params.yaml (how to train), typed and validated."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ml_core.unetr.schedule import FitConfig
from training.layouts import Split
from training.options import RunError, RunOptions

FOLDER = Path(__file__).parent
QUICK = 64
"""Photos of a quick evaluation."""


class ConfigError(RunError):
    """A wrong setting of a training run; the message names the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drawing(_Strict):
    """Drawn faces per split of a generated data set, and their side in pixels."""

    train: int = Field(gt=0)
    val: int = Field(gt=0)
    test: int = Field(gt=0)
    size: int = Field(ge=64, le=1024)


class DataSet(_Strict):
    """One entry of config.yaml's `data_sets`."""

    source: str | None = None
    """Folder, archive, URL (with `sha256`), s3:// address or Google Drive link; relative to the working directory."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    draw: Drawing | None = None
    layout: Literal["lapa", "flat", "photos"] = "lapa"
    values: dict[int, list[str]] | None = None
    train_with: tuple[str, ...] = ()
    scenes: str | None = None
    weight: float = Field(default=1.0, gt=0)
    hold_out: str | None = None
    hold_out_every: int | None = Field(default=None, gt=1)
    licence: str = "not stated"
    agreement: str | None = None
    """What its licence asks of who uses it, and where the data is to be had; ingest prints it."""
    counts: dict[Split, int] | None = None
    """Photos per split as published; ingest warns where they differ."""
    classes: Literal["own", "lapa"] = "own"
    """CelebAMask-HQ's 19 classes, or LaPa's 11 made of them."""

    @model_validator(mode="after")
    def _one_origin(self) -> "DataSet":
        if (self.source is None) == (self.draw is None):
            raise ValueError("give either `source` or `draw`")
        return self


class Config(_Strict):
    """config.yaml."""

    default: str
    unpack_limit_gb: float = Field(default=200, gt=0)
    """An archive that unpacks to more, in 10^9 bytes, is refused."""
    data_sets: dict[str, DataSet]

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        named = [self.default]
        for data_set in self.data_sets.values():
            named += [*data_set.train_with, *([data_set.scenes] if data_set.scenes else [])]
        unknown = sorted(set(named) - set(self.data_sets))
        if unknown:
            raise ValueError(f"no data set named {', '.join(unknown)}")
        return self

    @property
    def unpack_limit(self) -> float:
        """In bytes."""
        return self.unpack_limit_gb * 1e9

    def find(self, data: str | None) -> tuple[str, DataSet]:
        """The data set for a --data argument: NAME of this file, NAME=SOURCE where it lies elsewhere, or a SOURCE."""
        data = self.default if data is None else data
        if not data:
            raise ConfigError("--data: it is empty; leave it out to train on drawn faces")
        if data in self.data_sets:
            return data, self.data_sets[data]
        name, given, source = data.partition("=")
        if given and name in self.data_sets:
            if not source:
                raise ConfigError(f"--data {data}: say where {name} lies, a path or an address, after the =")
            told = self.data_sets[name].model_dump(exclude={"source", "sha256", "draw"})
            return name, _from(source, data, **told)
        if "://" not in data and not Path(data.partition("#sha256=")[0]).exists():
            known = ", ".join(sorted(self.data_sets))
            raise ConfigError(
                f"--data {data}: neither a path nor one of the data sets of config.yaml ({known})"
            )
        return source_name(data), _from(data, data)


def source_name(source: str) -> str:
    """What a data set that is given by its source is called: LaPa for https://example.org/LaPa.tar.gz?key=1."""
    address = re.split(r"[#?]", source)[0].rstrip("/")
    return Path(address).name.partition(".")[0] or "data"


def _from(source: str, data: str, **told: Any) -> DataSet:
    address, _, checksum = source.partition("#sha256=")
    try:
        return DataSet(source=address, sha256=checksum or None, **told)
    except ValidationError as error:
        raise ConfigError(f"--data {data}: {_problems(error)}") from error


class PrepareParams(_Strict):
    image_size: int | None = Field(default=None, ge=32)
    """Side of the input in pixels; None: the preset's own."""


class VolumeParams(_Strict):
    """Of --preset unetr3d."""

    window: tuple[float, float] = (-175.0, 250.0)
    """Intensities, Hounsfield units in CT, that become 0 and 1; what lies beyond is cut off."""

    @model_validator(mode="after")
    def _rises(self) -> "VolumeParams":
        if not self.window[0] < self.window[1]:
            raise ValueError("window: the first value must be the smaller one")
        return self


class ExportParams(_Strict):
    parity_photos: int = Field(default=8, gt=0)
    """Validation photos on which Keras' and ONNX Runtime's logits are compared."""
    calibration_photos: int = Field(default=64, gt=0)
    """Training photos from which the scales of int8 are taken."""
    f1_photos: int = Field(default=512, gt=0)
    """At most so many validation photos on which the F1 of Keras, fp32 and int8 is compared."""
    f1_limit: float = Field(default=0.5, ge=0)
    """Points of F1 that int8 may lose against fp32."""


class EvaluateParams(_Strict):
    providers: tuple[str, ...] = Field(default=("CPUExecutionProvider",), min_length=1)
    """ONNX Runtime's execution providers, each measured separately; the card has the figures of the first."""
    worst: int = Field(default=10, ge=0)
    """Photos on the contact sheet of the lowest F1."""
    robustness_photos: int = Field(default=128, ge=0)
    """Test photos that are rotated, blurred, darkened, and pasted into scenes if the data set has any."""
    photos: int | None = Field(default=None, gt=0)
    """At most so many validation and test photos; None: all of them."""


class RunParams(_Strict):
    """What `dvc repro` runs."""

    data: str = "synthetic"
    source: str = "training/synthetic.py"
    """The file or folder whose change makes `ingest` run again."""
    preset: str = "lite"
    epochs: int = Field(default=4, gt=0)


class Params(_Strict):
    """params.yaml."""

    run: RunParams = RunParams()
    prepare: PrepareParams = PrepareParams()
    volumes: VolumeParams = VolumeParams()
    train: dict[str, FitConfig]
    export: ExportParams = ExportParams()
    evaluate: EvaluateParams = EvaluateParams()

    def fit(self, preset: str) -> FitConfig:
        """How to train a preset. Raises ConfigError when there is no section for it."""
        if preset not in self.train:
            raise ConfigError(f"params.yaml: train has no section {preset}, which --preset asks for")
        return self.train[preset]

    def quick(self) -> "Params":
        """Exported and evaluated on QUICK photos with the first provider, without robustness."""
        export = self.export.model_copy(update={"f1_photos": min(self.export.f1_photos, QUICK)})
        evaluate = self.evaluate.model_copy(
            update={"photos": QUICK, "robustness_photos": 0, "providers": self.evaluate.providers[:1]}
        )
        return self.model_copy(update={"export": export, "evaluate": evaluate})


def measuring_params(options: RunOptions, params: Params | None = None) -> Params:
    """params.yaml, or `params`, for a stage that does not train: with --quick on few photos. Raises ConfigError."""
    params = params or load_params()
    return params.quick() if options.quick else params


def params_of(options: RunOptions, params: Params | None = None) -> Params:
    """How to make this run: `measuring_params`, with what the options say of the recipe.

    Raises ConfigError.
    """
    params = measuring_params(options, params)
    config = params.fit(options.preset)
    changes: dict[str, Any] = {
        name: value
        for name in ("encoder_rate", "accumulate", "patience", "class_weights")
        if (value := getattr(options, name)) is not None
    }
    if options.batch_size is not None:
        changes["phases"] = tuple(replace(phase, batch_size=options.batch_size) for phase in config.phases)
    if options.learning_rate is not None:
        changes["learning_rate"] = options.learning_rate
        changes["final_rate"] = config.final_rate * options.learning_rate / config.learning_rate
    return params.model_copy(update={"train": {**params.train, options.preset: replace(config, **changes)}})


_Model = TypeVar("_Model", bound=BaseModel)


def load_config(path: Path = FOLDER / "config.yaml") -> Config:
    """Read config.yaml. Raises ConfigError, which names the file and the key."""
    return _load(Config, path)


def load_params(path: Path = FOLDER / "params.yaml") -> Params:
    """Read params.yaml. Raises ConfigError, which names the file and the key."""
    return _load(Params, path)


def _load(kind: type[_Model], path: Path) -> _Model:
    try:
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return kind.model_validate(values)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {_problems(error)}") from error


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
