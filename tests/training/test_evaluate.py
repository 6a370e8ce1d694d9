"""Every exported bundle is scored with every provider that is there, and written with its figures and card."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ml_core.bundle import Bundle
from ml_core.labels import LabelSet
from tests.conftest import ROOT
from tests.tiny_bundle import make_palette_bundle
from tests.training.published import landmarks_text
from training import evaluate as stage
from training.bundle_files import update_model_json
from training.config import EvaluateParams, Params
from training.evaluate import evaluate
from training.manifest import Manifest
from training.options import RunError, RunOptions

pytestmark = pytest.mark.slow
CPU = "CPUExecutionProvider"
DATA: dict[str, Any] = {"name": "drawn", "sha256": None, "train_with": [], "scenes": None}


def params(*providers: str) -> Params:
    return Params(
        train={}, evaluate=EvaluateParams(providers=providers or (CPU,), worst=2, robustness_photos=0)
    )


@pytest.fixture
def run(painted: Manifest, tmp_path: Path) -> RunOptions:
    """A run that has exported two bundles which read painted faces, one of them coarsely."""
    options = RunOptions(out=tmp_path / "run")
    painted.write(options.out / "data.json")
    for name, size in (("lite", 128), ("lite-int8", 32)):
        update_model_json(make_palette_bundle(options.exported / name, size=size, name=name), data=DATA)
    return options


def test_a_quick_evaluation_says_that_it_is_one_and_how_long_it_takes(
    run: RunOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.config.QUICK", 3)
    shutil.rmtree(run.exported / "lite-int8")
    figures = evaluate(replace(run, quick=True), params(CPU, "OpenVINOExecutionProvider"))["lite"]
    assert list(figures) == [CPU]
    assert (figures[CPU]["photos"], figures[CPU]["quick"]) == (3, True)
    assert "(the first 3 photos" in (run.out / "bundles/lite/README.md").read_text()
    assert re.search(
        r"evaluating lite with CPUExecutionProvider: about \d+ (seconds|minutes)", capsys.readouterr().out
    )


def test_each_bundle_is_scored_and_written(run: RunOptions, painted: Manifest) -> None:
    (painted.root / "test/landmarks").mkdir()
    for index in range(8):
        text = landmarks_text(0.5 if index < 3 else 0.05, 256)
        (painted.root / f"test/landmarks/{index}.txt").write_text(text)
    results = evaluate(run, params())
    assert json.loads((run.out / "figures.json").read_text()) == results
    few = json.loads((run.out / "metrics.json").read_text())
    assert few["lite"]["mean_f1"] == results["lite"][CPU]["mean_f1"]
    assert few["lite"]["f1_nose"] == results["lite"][CPU]["f1"]["nose"]
    rows = (run.out / "confusion.csv").read_text().splitlines()
    assert rows[0] == "truth,predicted"
    assert 90 <= rows.count("hair,hair") <= 100
    assert len(rows) == 1 + 100 * 11
    assert results["lite"][CPU]["mean_f1"] > 60 > results["lite-int8"][CPU]["mean_f1"]
    for name in ("lite", "lite-int8"):
        bundle, figures = Bundle.load(run.out / "bundles" / name), results[name][CPU]
        assert bundle.metrics["f1"] == figures["f1"]
        assert figures["photos"] == 8
        assert len(set(bundle.temperatures)) > 1  # fitted, each class its own
        assert figures["calibration"]["ece"] < figures["calibration"]["ece_before"]
        assert {name: row["photos"] for name, row in figures["strata"]["turn"].items()} == {
            "frontal": 3,
            "profile": 5,
        }
        assert "by the landmarks" in (bundle.path / "README.md").read_text()
        assert f"| nose | {figures['f1']['nose']:.2f}" in (bundle.path / "README.md").read_text()
        assert (bundle.path / "figures.png").stat().st_size < 150_000
        worst = cv2.imread(str(run.out / f"worst-{name}.png"))
        assert worst is not None
        assert worst.shape == (2 * 256, 4 * 256, 3)
        assert (run.out / f"confusion-{name}.png").exists()
        assert not (run.exported / name / "figures.png").exists()


def test_a_provider_that_is_not_here_is_named(run: RunOptions, capsys: pytest.CaptureFixture[str]) -> None:
    results = evaluate(run, params("NoSuchExecutionProvider", CPU))
    assert set(results["lite"]) == {CPU}
    assert "not measured with NoSuchExecutionProvider" in capsys.readouterr().out
    with pytest.raises(RunError, match="NoSuchExecutionProvider"):
        evaluate(run, params("NoSuchExecutionProvider"))


def test_a_mirrored_photo_is_compared_with_sides_swapped(run: RunOptions, painted: Manifest) -> None:
    for path in (painted.root / "test/images").glob("*"):  # the colour of the left eye wherever one looks
        cv2.imwrite(str(path), np.full((256, 256, 3), painted.labels.colors[4][::-1], np.uint8))
    assert evaluate(run, params())["lite"][CPU]["flip_consistency"] == 0


def test_a_broken_bundle_and_one_for_other_classes_are_refused(run: RunOptions, painted: Manifest) -> None:
    other = painted.model_copy(update={"labels": LabelSet(("rest", "head"), ((0, 0, 0), (9, 9, 9)))})
    other.write(run.out / "data.json")
    with pytest.raises(RunError, match="other classes than drawn"):
        evaluate(run, params())
    (run.exported / "lite" / "model.onnx").write_bytes(b"")
    with pytest.raises(RunError, match="sha256"):
        evaluate(run, params())
    shutil.rmtree(run.exported)
    with pytest.raises(RunError, match="run the train stage first"):
        evaluate(run, params())


def test_a_bundle_from_elsewhere_is_scored_on_its_own(
    run: RunOptions, painted: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """python -m training.evaluate --bundle DIR --data ... --out ..."""
    asked: dict[str, Any] = {}

    def gather(options: RunOptions) -> Manifest:
        asked["data"] = options.data
        return painted

    monkeypatch.setattr(stage, "gather", gather)
    monkeypatch.setattr("training.config.load_params", params)
    out, mine = tmp_path / "out", run.exported / "lite"
    out.mkdir()
    (out / "data.json").write_text("of a run")
    before = (mine / "model.json").read_text()
    arguments = ["evaluate", "--bundle", str(mine), "--data", "somewhere", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    stage.main()
    assert asked["data"] == "somewhere"
    assert Bundle.load(out / "bundles" / "lite").metrics["data"] == "drawn"
    assert (mine / "model.json").read_text() == before
    assert (out / "data.json").read_text() == "of a run"
    monkeypatch.setattr(sys, "argv", [*arguments[:2], str(tmp_path), *arguments[3:]])
    with pytest.raises(SystemExit, match=r"error: .*model\.json"):
        stage.main()


WITHOUT_TENSORFLOW = """
import sys
sys.modules.update(dict.fromkeys(("tensorflow", "keras", "tf2onnx")))  # None: an import raises
from pathlib import Path
from training.config import EvaluateParams, Params
from training.evaluate import evaluate
from training.options import RunOptions
evaluate(RunOptions(out=Path(sys.argv[1])), Params(train={}, evaluate=EvaluateParams(robustness_photos=1)))
"""


def test_evaluation_needs_no_tensorflow(run: RunOptions) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, str(run.out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert Bundle.load(run.out / "bundles" / "lite").metrics["mean_f1"] > 60
