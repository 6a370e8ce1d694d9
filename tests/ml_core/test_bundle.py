import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import external_data_helper, helper, numpy_helper

from ml_core.bundle import Bundle, BundleError, sha256_of
from ml_core.segmenter import Segmenter
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
        *(
            ({"version": version}, "version")
            for version in ("1.0\n", "1\r\n0", "1\x00", "1\x7f", "1\u2028", "", "1" * 65)
        ),
        ({"metrics": {"f1": {"hair": float("nan")}}}, r"metrics\.f1\.hair: nan is no finite number"),
        ({"metrics": {"f1": [1.0, float("-inf")]}}, r"metrics\.f1\.1: -inf"),
        ({"metrics": {"half \ud83d": 1}}, "a name in metrics: half a character"),
        ({"trained": {"loss": float("inf")}}, r"trained\.loss: inf"),
        ({"licence": "\ud83d"}, "licence: "),
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


def test_a_number_too_large_for_a_float_is_refused(folder: Path) -> None:
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text.replace('"mean_f1": 1.0', '"mean_f1": 1e999'))
    with pytest.raises(BundleError, match=r"metrics\.mean_f1: inf"):
        Bundle.load(folder)


def test_nesting_without_end_is_refused(folder: Path) -> None:
    (folder / "model.json").write_text("[" * 100_000)
    with pytest.raises(BundleError, match=r"model\.json: not JSON"):
        Bundle.load(folder)


def branch(inside: onnx.GraphProto) -> onnx.NodeProto:
    """A node that computes a graph."""
    return helper.make_node("If", ["image"], ["labels"], then_branch=inside, else_branch=inside)


def in_a_graph(tensor: onnx.TensorProto) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph([], "g", [], [], [tensor]))


def in_a_constant(tensor: onnx.TensorProto) -> onnx.ModelProto:
    return helper.make_model(
        helper.make_graph([helper.make_node("Constant", [], ["c"], value=tensor)], "g", [], [])
    )


def in_a_branch(tensor: onnx.TensorProto) -> onnx.ModelProto:
    inside = helper.make_graph([], "inside", [], [], [tensor])
    return helper.make_model(helper.make_graph([branch(inside)], "g", [], []))


def in_a_function(tensor: onnx.TensorProto) -> onnx.ModelProto:
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    function = helper.make_function("own", "F", [], ["c"], [constant], [helper.make_opsetid("", 17)])
    return helper.make_model(helper.make_graph([], "g", [], []), functions=[function])


@pytest.mark.parametrize("place", [in_a_graph, in_a_constant, in_a_branch, in_a_function])
@pytest.mark.parametrize("external", [True, False])
def test_weights_in_another_file_are_refused(
    folder: Path, place: Callable[[onnx.TensorProto], onnx.ModelProto], external: bool
) -> None:
    tensor = numpy_helper.from_array(np.zeros((40, 40), np.float32), "weights")
    if external:
        external_data_helper.set_external_data(tensor, "weights.bin")
        tensor.ClearField("raw_data")
    onnx.save(place(tensor), folder / "model.onnx")
    edit(folder, lambda info: info.update(sha256=sha256_of(folder / "model.onnx")))
    with pytest.raises(BundleError, match=r"model\.onnx: has external data") if external else nullcontext():
        Bundle.load(folder)


@pytest.mark.parametrize("content", [b"", b"no ONNX", b"\x3a\xff\xff\xff\xff\x7f", b"\x00" * 100])
def test_a_file_that_is_no_model_is_refused(folder: Path, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    edit(folder, lambda info: info.update(sha256=sha256_of(folder / "model.onnx")))
    with pytest.raises((BundleError), match=r"model\.onnx"):
        Segmenter.load(folder)


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
