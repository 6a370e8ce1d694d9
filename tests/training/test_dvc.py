"""dvc.yaml: its dependencies are what the stages import, and DVC itself reads it."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from training.config import load_params

STAGES = ("ingest", "prepare", "train", "evaluate")


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    """dvc.yaml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return found


def imported(path: Path) -> Iterator[str]:
    """The modules that a file may import, at its head or later."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(stage: str) -> set[str]:
    """The files that a stage runs: all that it imports, but for other stages, whose results are files."""
    found: set[str] = set()
    others = {f"training.{name}" for name in STAGES if name != stage} - {"training.prepare"}
    left = [f"training.{stage}"]
    while left:
        name = left.pop()
        parts = name.split(".")
        stem = ROOT.joinpath(*parts)
        file = next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.exists()), None)
        if file is None or parts[0] not in ("training", "ml_core") or name in others:
            continue
        relative = str(file.relative_to(ROOT))
        if relative not in found:
            found.add(relative)
            left += imported(file)
    return {path for path in found if (ROOT / path).stat().st_size}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_that_it_runs(pipeline: dict[str, Any], stage: str) -> None:
    source = load_params().run.source
    listed = [source if path == "${run.source}" else path for path in pipeline["stages"][stage]["deps"]]
    missing = {
        path
        for path in sources(stage)
        if not any(path == dep or path.startswith(f"{dep}/") for dep in listed)
        and path
        not in ("training/__init__.py", "training/synthetic.py")  # the latter as run.source, if drawn
    }
    assert not missing, f"add to the deps of {stage} in dvc.yaml: {sorted(missing)}"
    made = [
        out if isinstance(out, str) else next(iter(out))
        for other in pipeline["stages"].values()
        for out in other["outs"]
    ]
    assert all((ROOT / path).exists() or path in made for path in listed)


def test_the_network_is_prepared_anew_for_what_it_is_made_of_alone(pipeline: dict[str, Any]) -> None:
    """Every preset has a seed of its own, which DVC finds by that name; the recipe is of later stages."""
    (listed,) = pipeline["stages"]["prepare"]["params"]
    assert listed == {"training/params.yaml": ["run.preset", "prepare", "train.${run.preset}.seed"]}
    presets = yaml.safe_load((ROOT / "training/params.yaml").read_text(encoding="utf-8"))["train"]
    assert [name for name, recipe in presets.items() if "seed" not in recipe] == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the pipeline, which draws a few small faces."""
    for name in ("training", "ml_core"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "bundles"))
    for name in ("dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    config = tmp_path / "training/config.yaml"
    few = config.read_text().replace(
        "train: 1200, val: 60, test: 60, size: 256", "train: 4, val: 2, test: 2, size: 64"
    )
    config.write_text(few)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    dvc(tmp_path, "init", "-q")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "base"], check=True)
    return tmp_path


def dvc(folder: Path, *arguments: str) -> str:
    """What DVC prints."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_dvc_runs_a_stage_and_sees_what_changed(clone: Path) -> None:
    dvc(clone, "repro", "-q", "ingest")
    assert "synthetic" in (clone / "outputs/train/data.json").read_text()
    assert '"root": "../../data/synthetic-4-2-2-64"' in (clone / "outputs/train/data.json").read_text()
    (log,) = (clone / "outputs/train/logs").glob("*-ingest.log")
    assert "'train': 4" in log.read_text()
    state = json.loads(dvc(clone, "status", "--json"))
    assert "ingest" not in state
    for path in ("training/layouts.py", "training/synthetic.py"):
        with (clone / path).open("a") as file:
            file.write("\n")
        assert path in json.dumps(json.loads(dvc(clone, "status", "--json"))["ingest"])
    metrics = clone / "outputs/train/metrics.json"
    metrics.write_text('{"lite": {"mean_f1": 80.0}}')
    subprocess.run(["git", "-C", str(clone), "add", "-A"], check=True)
    assert "metrics.json" in subprocess.check_output(
        ["git", "-C", str(clone), "status", "--short"], text=True
    )
    subprocess.run(
        [
            "git",
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-C",
            str(clone),
            "commit",
            "-qm",
            "run",
        ],
        check=True,
    )
    metrics.write_text('{"lite": {"mean_f1": 81.5}}')
    assert "| outputs/train/metrics.json | lite.mean_f1 | 80.0 | 81.5" in " ".join(
        dvc(clone, "metrics", "diff", "--md").split()
    )
    (clone / "outputs/train/log.csv").write_text("epoch,loss,mean_f1\n1,2.0,0.3\n2,1.0,0.5\n")
    (clone / "outputs/train/confusion.csv").write_text("truth,predicted\nskin,skin\nhair,skin\n")
    dvc(clone, "plots", "show", "-o", "plots")
    page = (clone / "plots/index.html").read_text()
    assert "Mean F1 of the validation photos" in page
    assert "Confusion of the test photos" in page
