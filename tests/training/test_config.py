"""The two yaml files: what ships is valid, and what is wrong is named."""

from pathlib import Path

import pytest

from ml_core.unetr.config import PRESETS
from training.config import QUICK, ConfigError, load_config, load_params, params_of
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
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


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


def test_a_path_may_carry_its_checksum(tmp_path: Path) -> None:
    path, checksum = tmp_path / "faces.zip", "0" * 64
    with pytest.raises(ConfigError, match="neither a path nor"):
        load_config().find(f"{path}#sha256={checksum}")
    path.touch()
    assert load_config().find(f"{path}#sha256={checksum}")[1].sha256 == checksum


def test_the_command_line_of_a_stage() -> None:
    options = parse_options(None, ["--preset", "full", "--minutes", "2.5", "--out", "elsewhere", "--resume"])
    assert options == RunOptions(preset="full", minutes=2.5, out=Path("elsewhere"), resume=True)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--minutes 0", "--minutes: must be more than 0"),
        ("--minutes inf", "--minutes: must be more than 0 and finite"),
        ("--learning-rate nan", "--learning-rate: must be more than 0 and finite"),
        ("--epochs -1", "--epochs: must be more than 0"),
        ("--epochs 1.5", "--epochs: invalid int value: '1.5'"),
        ("--epochs 1 --minutes 1", "not allowed with argument"),
        ("--class-weights hair=inf", "--class-weights: say `frequency`, or classes with weights"),
        ("--class-weights =1", "--class-weights: say `frequency`, or classes with weights"),
    ],
)
def test_a_value_that_is_none_is_refused(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(None, line.split())
    assert told in capsys.readouterr().err


def test_ctrl_c_says_whether_there_is_something_to_resume(tmp_path: Path) -> None:
    run = RunOptions(out=tmp_path)
    assert "starts anew" in run.stopped
    run.checkpoint.touch()
    assert "--resume goes on" in run.stopped
    assert "cannot be resumed" in RunOptions(preset="unetr3d", out=tmp_path).stopped


def test_options_replace_parts_of_the_recipe() -> None:
    plain = load_params().fit("lite")
    line = (
        "--batch-size 6 --learning-rate 0.0003 --encoder-rate 0.1 --accumulate 2 --patience 5 "
        "--class-weights hair=2,nose=1.5 --workers 0 --quick"
    )
    options = parse_options(None, line.split())
    params = params_of(options)
    config = params.fit("lite")
    assert {phase.batch_size for phase in config.phases} == {6}
    assert [phase.size for phase in config.phases] == [phase.size for phase in plain.phases]
    assert (config.learning_rate, config.encoder_rate) == (0.0003, 0.1)
    assert config.final_rate == pytest.approx(plain.final_rate * 0.0003 / plain.learning_rate)
    assert (config.accumulate, config.patience) == (2, 5)
    assert config.class_weights == {"hair": 2, "nose": 1.5}
    assert options.workers == 0
    assert (params.evaluate.photos, params.evaluate.robustness_photos) == (QUICK, 0)
    assert len(params.evaluate.providers) == 1
    assert (
        params_of(parse_options(None, ["--class-weights", "frequency"])).fit("lite").class_weights
        == "frequency"
    )
    assert params_of(RunOptions()) == load_params()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--class-weights hair", "say `frequency`, or classes with weights"),
        ("--class-weights hair=0", "say `frequency`, or classes with weights"),
        ("--encoder-rate 1.5", "at most 1"),
        ("--batch-size 0", "must be more than 0"),
        ("--workers -1", "must be 0 or more"),
        ("--patience no", "invalid"),
    ],
)
def test_a_wrong_option_is_named(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(None, arguments.split())
    assert message in capsys.readouterr().err
