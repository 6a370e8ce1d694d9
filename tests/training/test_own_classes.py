"""Classes of one's own: from drawn roads and a classes.json to a model that the API serves as it is."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.test import Client

from ml_core.bundle import Bundle
from ml_core.unetr.schedule import Phase
from segmentation_api.engine import Engine
from tests.training.conftest import tiny_params
from training import pipeline
from training.ingest import ingest
from training.lapa import LAPA
from training.options import RunOptions
from training.photos import DataError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


ROAD = [
    {"name": "verge", "color": [70, 130, 60]},
    {"name": "road", "color": [90, 90, 95]},
    {"name": "sky", "color": [150, 190, 240]},
]


def draw_roads(root: Path) -> None:
    """Roads that run from the lower edge to a horizon, with labels in the colours of ROAD."""
    colors = np.array([row["color"] for row in ROAD], np.float64)
    for split, count in (("train", 24), ("val", 6), ("test", 6)):
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for index in range(count):
            rng = np.random.default_rng((len(split), index))
            labels = np.zeros((64, 96), np.uint8)
            horizon, middle, half = rng.integers(16, 32), rng.integers(30, 66), rng.integers(18, 34)
            corners = np.array([[middle, horizon], [middle - half, 64], [middle + half, 64]], np.int32)
            cv2.fillPoly(labels, [corners], 1)
            labels[:horizon] = 2
            noisy = np.clip(colors[labels] + rng.normal(0, 12, (64, 96, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(root / split / f"images/{index}.jpg"), noisy[..., ::-1])
            cv2.imwrite(str(root / split / f"labels/{index}.png"), colors[labels].astype(np.uint8)[..., ::-1])
    (root / "classes.json").write_text(json.dumps(ROAD))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_tiny_preset")
def test_own_classes_travel_from_the_data_to_the_service(
    client: Client, db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A road model: nothing says "whole" but that none of its classes is part of a face."""
    draw_roads(tmp_path / "own")
    params = tiny_params(Phase(64, 8, 1.0))
    longer = dataclasses.replace(params.train["lite"], samples_per_epoch=128, learning_rate=1e-2)
    params = params.model_copy(update={"train": {"lite": longer}})
    options = RunOptions(
        data=str(tmp_path / "own"), out=tmp_path / "out", epochs=6, name="road", version="2.1"
    )
    pipeline.run(options, params=params)
    bundle = Bundle.load(options.bundle)
    assert (bundle.name, bundle.version, bundle.cut) == ("road", "2.1", "whole")
    assert bundle.labels.names == ("verge", "road", "sky")
    assert bundle.metrics["mean_f1"] > 60
    assert bundle.metrics["strata"]["blur"]["0"]["mean_f1"] > 60  # changed photos are taken whole as well
    card = (bundle.path / "README.md").read_text()
    assert "segments a photo into 3 classes: verge, road, sky" in card
    assert "face" not in card.lower().replace("`faces", "")
    assert Bundle.load(options.out / "bundles/road-int8").cut == "whole"

    settings.MODELS_DIR, settings.MODEL = str(options.bundle.parent), "road"
    engine = Engine()
    for module in ("services", "views"):
        monkeypatch.setattr(f"segmentation_api.{module}.engine", engine)
    photo = (tmp_path / "own/test/images/0.jpg").read_bytes()
    answer = client.post("/api/segment/?output=json", photo, "image/jpeg").json()
    assert answer["warnings"] == []
    share = {row["name"]: row["share"] for row in answer["classes"]}
    assert share.keys() == {"verge", "road", "sky"}
    assert client.get("/api/models/road/").json()["cut"] == "whole"


def test_a_class_list_may_name_its_cut(drawn: Path, tmp_path: Path) -> None:
    root = shutil.copytree(drawn, tmp_path / "own")
    for cut in ("whole", "face"):
        (root / "classes.json").write_text(json.dumps({"cut": cut, "classes": LAPA.to_json()}))
        assert ingest(RunOptions(data=str(root), out=tmp_path / "out")).cut == cut
    (root / "classes.json").write_text(json.dumps({"cut": "half", "classes": LAPA.to_json()}))
    with pytest.raises(DataError, match="cut is 'half' and neither face nor whole"):
        ingest(RunOptions(data=str(root), out=tmp_path / "out"))
