"""The int8 bundle that a training run leaves beside the fp32 one, and when it is refused."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_core.bundle import Bundle
from ml_core.segmenter import Segmenter
from ml_core.unetr.schedule import Phase
from tests.training.conftest import BrokenOffRun, tiny_params
from training import quantize, train
from training.manifest import Manifest
from training.options import RunError
from training.quantize import TooLossy, quantize_bundle
from training.synthetic import draw_data_set

PARAMS = tiny_params(Phase(64, 4, 1.0))


def test_a_run_leaves_an_int8_bundle_that_serves(broken_off_run: BrokenOffRun) -> None:
    fp32 = Bundle.load(broken_off_run.options.bundle)
    int8 = Bundle.load(fp32.path.with_name("lite-int8"))
    assert int8.name == "lite-int8"
    assert (fp32.precision, int8.precision) == ("fp32", "int8")
    assert Segmenter.load(int8.path).golden_agreement() == 1.0
    assert not (int8.path / "weights.npz").exists()
    assert int8.network == fp32.network
    assert int8.metrics["photos"] == 4


def test_the_parity_figures_tell_what_each_step_costs(broken_off_run: BrokenOffRun) -> None:
    fp32 = Bundle.load(broken_off_run.options.bundle).parity
    assert fp32["max_logit_difference"] <= 1e-4
    assert list(fp32["f1"]) == ["keras", "fp32"]
    assert fp32["f1_loss"] == {"fp32": pytest.approx(0, abs=0.02)}
    int8 = Bundle.load(broken_off_run.options.bundle.with_name("lite-int8")).parity
    assert list(int8["f1"]) == ["keras", "fp32", "int8"]
    assert int8["f1_loss"]["int8"] == pytest.approx(int8["f1"]["fp32"] - int8["f1"]["int8"], abs=0.011)
    assert (int8["f1_photos"], int8["f1_limit"]) == (4, 100)


def test_an_int8_bundle_that_loses_too_much_is_not_written(
    broken_off_run: BrokenOffRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    f1 = iter([0.85, 0.84])
    monkeypatch.setattr(quantize, "validation_f1", lambda *rest: next(f1))
    options = broken_off_run.options
    params = PARAMS.export.model_copy(update={"f1_photos": 3, "f1_limit": 0.5})
    with pytest.raises(TooLossy, match=r"lose 1 points of F1 .*f1_limit, 0\.5"):
        quantize_bundle(
            options.bundle, tmp_path / "lite-int8", Manifest.read(options.out / "data.json"), params
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("contents", ["as they were", "others"])
def test_on_other_photos_fp32_is_measured_again(
    broken_off_run: BrokenOffRun, monkeypatch: pytest.MonkeyPatch, contents: str
) -> None:
    asked: list[str] = []

    def half(infer: Any, *rest: Any) -> float:
        asked.append(infer)
        return 0.5

    monkeypatch.setattr(quantize, "validation_f1", half)
    manifest = Manifest.read(broken_off_run.options.out / "data.json")
    known = {"f1": {"fp32": 80.0}, "f1_photos": 4, "f1_contents": manifest.contents}
    other = manifest.model_copy(update={} if contents == "as they were" else {"contents": contents})
    graphs: Any = {"fp32": "fp32", "int8": "int8"}
    found = quantize.compare(graphs, other, 32, 4, known=known)
    assert asked == (["int8"] if contents == "as they were" else ["fp32", "int8"])
    assert found["f1_loss"]["int8"] == (30.0 if contents == "as they were" else 0.0)


def test_quantising_with_other_data_leaves_a_run_its_own(
    broken_off_run: BrokenOffRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """python -m training.quantize --data ... --bundle DIR --out ..."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quantize, "load_params", lambda: PARAMS)
    bundle = shutil.copytree(broken_off_run.options.bundle, tmp_path / "lite")
    out, other = shutil.copytree(broken_off_run.options.out, tmp_path / "out"), tmp_path / "other"
    before = (out / "data.json").read_text()
    draw_data_set(other, {"train": 4, "val": 1, "test": 1}, size=64, seed=2)
    arguments = ["quantize", "--data", str(other), "--bundle", str(bundle), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    quantize.main()
    assert Bundle.load(tmp_path / "lite-int8").parity["f1_photos"] == 1
    assert (out / "data.json").read_text() == before


def test_an_int8_bundle_is_not_quantised_again(broken_off_run: BrokenOffRun, tmp_path: Path) -> None:
    options = broken_off_run.options
    manifest = Manifest.read(options.out / "data.json")
    with pytest.raises(RunError, match="no fp32 bundle"):
        quantize_bundle(options.bundle.with_name("lite-int8"), tmp_path / "new", manifest, PARAMS.export)


def test_a_run_whose_int8_loses_too_much_still_leaves_its_fp32(
    broken_off_run: BrokenOffRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*rest: object) -> None:
        raise TooLossy("lite-int8 would lose 9 points")

    monkeypatch.setattr("training.export.quantize_bundle", refuse)
    exported = train.train(replace(broken_off_run.options, resume=True), PARAMS)
    assert [path.name for path in exported.iterdir()] == ["lite"]
    assert "lose 9 points" in capsys.readouterr().out


def test_a_graph_that_answers_otherwise_ends_the_run_with_a_message(
    broken_off_run: BrokenOffRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = broken_off_run.options.exported
    before = sorted(path.name for path in exported.iterdir())
    monkeypatch.setattr("training.export.PARITY", {"lite": 0.0})
    with pytest.raises(RunError, match="ONNX Runtime and Keras differ"):
        train.train(replace(broken_off_run.options, resume=True), PARAMS)
    assert sorted(path.name for path in exported.iterdir()) == before
