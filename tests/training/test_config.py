"""The two yaml files: what ships is valid, and what is wrong is named."""

from pathlib import Path

import pytest

from ml_core.unetr.config import PRESETS
from training.config import ConfigError, load_config, load_params
from training.lapa import LAPA
from training.options import RunOptions, parse_options


def test_the_files_that_ship_are_valid() -> None:
    config, params = load_config(), load_params()
    assert config.default == "synthetic"
    assert set(params.train) <= set(PRESETS)
    posed = config.data_sets["faces-posed"].values
    assert posed is not None
    assert all(LAPA.ids(names) for names in posed.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default: a\ndata_sets: {a: {source: x, sha256: zz}}", "data_sets.a.sha256"),
        ("default: a\ndata_sets: {b: {source: x}}", "no data set named a"),
        ("default: a\ndata_sets: {a: {}}", "`source` or `draw`"),
        ("default: a\ndata_sets: {a: {source: x, sorce: y}}", "sorce"),
        ("default: [", "config.yaml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_wrong_parameter_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("train: {lite: {phases: [{size: 128, batch_size: 8, until: 1}], augment: {blur: 2}}}")
    with pytest.raises(ConfigError, match=r"train\.lite\.augment\.blur"):
        load_params(path)


def test_a_url_may_carry_its_checksum() -> None:
    digest = "ab" * 32
    name, data_set = load_config().find(f"https://example.org/sets/faces.zip#sha256={digest}")
    assert (name, data_set.source, data_set.sha256) == (
        "faces",
        "https://example.org/sets/faces.zip",
        digest,
    )


def test_a_checksum_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"--data .*faces\.zip#sha256=zz: sha256"):
        load_config().find("https://example.org/faces.zip#sha256=zz")


def test_the_command_line_of_a_stage() -> None:
    options = parse_options(None, ["--preset", "full", "--minutes", "2.5", "--out", "elsewhere", "--resume"])
    assert options == RunOptions(preset="full", minutes=2.5, out=Path("elsewhere"), resume=True)


@pytest.mark.parametrize(
    "arguments", [["--minutes", "0"], ["--epochs", "-1"], ["--epochs", "1", "--minutes", "1"]]
)
def test_a_length_that_is_none_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(None, arguments)
