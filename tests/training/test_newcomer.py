"""docs/training.md's way from LaPa's archive to a served model, on a miniature."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from ml_core.bundle import Bundle
from ml_core.unetr.schedule import Phase
from segmentation_api.engine import Engine
from tests.conftest import ROOT
from tests.training.conftest import tiny_params
from tests.training.published import lapa_archive
from training import pipeline
from training.lapa import LAPA
from training.options import RunOptions


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_guide_has_the_way() -> None:
    guide = (ROOT / "docs/training.md").read_text()
    for line in (
        "python -m training.ingest --data lapa=LaPa.tar.gz",
        "python manage.py train_unetr --data lapa=LaPa.tar.gz",
        "MODELS_DIR=outputs/train/bundles MODEL=lite-int8 make serve",
    ):
        assert line in guide


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_tiny_preset")
def test_from_lapas_archive_to_a_served_model(
    drawn: Path, client: Client, db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step after the other; then the API answers with the classes of LaPa, in int8, as the guide serves it."""
    lapa_archive(drawn, tmp_path / "LaPa.tar.gz")
    ingest = [sys.executable, "-m", "training.ingest", "--data", "lapa=LaPa.tar.gz"]
    checked = subprocess.run(
        ingest, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "agrees to its licence" in checked.stderr

    params = tiny_params(Phase(64, 8, 1.0))
    params = params.model_copy(
        update={"train": {"lite": dataclasses.replace(params.train["lite"], samples_per_epoch=32)}}
    )
    options = RunOptions(data="lapa=LaPa.tar.gz", epochs=2)
    pipeline.run(options, params=params)
    bundles = tmp_path / "outputs/train/bundles"
    bundle = Bundle.load(bundles / "lite-int8")
    assert (bundle.labels, bundle.cut) == (LAPA, "face")
    assert set(bundle.metrics["strata"]["turn"]) == {"frontal", "profile"}, "as the landmarks say"

    settings.MODELS_DIR, settings.MODEL = str(bundles), "lite-int8"
    engine = Engine()
    for module in ("services", "views"):
        monkeypatch.setattr(f"segmentation_api.{module}.engine", engine)
    photo = next((drawn / "test/images").iterdir()).read_bytes()
    answer = client.post("/api/segment/?output=json&faces=whole", photo, "image/jpeg")
    assert answer.status_code == 200
    assert {row["name"] for row in answer.json()["classes"]} <= set(LAPA.names)
