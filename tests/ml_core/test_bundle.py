import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_core.bundle import Bundle, BundleError, sha256_of
from tests.tiny_bundle import make_palette_bundle
from training.lapa import LAPA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_palette_bundle(tmp_path / "tiny")


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    info = json.loads((folder / "model.json").read_text())
    change(info)
    (folder / "model.json").write_text(json.dumps(info))


def test_a_bundle_says_what_it_is(folder: Path) -> None:
    bundle = Bundle.load(str(folder))
    assert (bundle.name, bundle.version, bundle.licence) == ("tiny", "1.0.0", "Apache-2.0")
    assert bundle.path == folder
    assert bundle.labels == LAPA
    assert bundle.input_size == (32, 32)
    assert bundle.temperature == 1.0
    assert bundle.metrics == {"mean_f1": 1.0}
    assert bundle.sha256 == sha256_of(folder / "model.onnx")
    assert bundle.precision == "fp32"


def test_further_keys_are_kept(folder: Path) -> None:
    edit(folder, lambda info: info.update(trained="on a Monday"))
    assert Bundle.load(folder).model_extra == {"trained": "on a Monday"}


def test_a_changed_model_is_refused(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match=r"model\.onnx: sha256 is [0-9a-f]{64}, but model\.json says"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["model.onnx", "model.json", "golden.png", "golden-labels.png"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        Bundle.load(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nothing-here: no such folder"):
        Bundle.load(tmp_path / "nothing-here")


@pytest.mark.parametrize(
    "key",
    [
        "format",
        "name",
        "version",
        "classes",
        "input",
        "temperature",
        "sha256",
        "metrics",
        "parity",
        "data",
        "licence",
    ],
)
def test_a_missing_key_is_named(folder: Path, key: str) -> None:
    edit(folder, lambda info: info.pop(key))
    with pytest.raises(BundleError, match=rf"model\.json: {key}: Field required"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2 is unknown"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"version": "../1"}, "version"),
        ({"class_temperatures": [0.0] * 11}, "class_temperatures"),
        ({"class_temperatures": [1.0] * 3}, "class_temperatures: 3 of them for 11 classes"),
        ({"input": {"height": 32}}, r"input\.width"),
        ({"classes": [{"name": "a"}]}, "classes"),
        ({"classes": [{"name": "a", "color": [0, 0, 0]}]}, "classes: a label set has 2"),
        ({"classes": [{"name": "a", "color": 7}, {"name": "b", "color": 8}]}, "classes"),
        ({"sha256": "abc"}, "sha256"),
    ],
)
def test_a_bad_value_is_named(folder: Path, change: dict[str, Any], reason: str) -> None:
    edit(folder, lambda info: info.update(change))
    with pytest.raises(BundleError, match=reason):
        Bundle.load(folder)


PARITY = {"f1": {"fp32": 85.0, "int8": 84.6}, "f1_loss": {"int8": 0.4}, "f1_limit": 0.5}


def test_an_int8_model_within_its_limit_is_loaded(folder: Path) -> None:
    edit(folder, lambda info: info.update(precision="int8", parity=PARITY))
    assert Bundle.load(folder).parity == PARITY


@pytest.mark.parametrize(
    ("parity", "reason"),
    [
        (
            {"f1_loss": {"int8": 0.51}},
            r"int8 loses 0\.51 points of F1 against fp32, more than its limit of 0\.5",
        ),
        ({"f1_loss": {"int8": float("nan")}}, "int8 loses nan"),
        ({"f1_limit": 0.3}, r"limit of 0\.3"),
        ({"f1_loss": {}}, r"parity of an int8 model: f1_loss\.int8: Field required"),
        ({"f1_limit": None}, "parity of an int8 model: f1_limit"),
    ],
)
def test_an_int8_model_over_its_limit_is_refused(folder: Path, parity: dict[str, Any], reason: str) -> None:
    edit(folder, lambda info: info.update(precision="int8", parity={**PARITY, **parity}))
    with pytest.raises(BundleError, match=rf"model\.json: .*{reason}"):
        Bundle.load(folder)


def test_an_unknown_precision_is_refused(folder: Path) -> None:
    edit(folder, lambda info: info.update(precision="int4"))
    with pytest.raises(BundleError, match="precision"):
        Bundle.load(folder)


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_model_json_that_is_none(folder: Path, text: str) -> None:
    (folder / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"model\.json: not"):
        Bundle.load(folder)
