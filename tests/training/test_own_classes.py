"""Classes of one's own: from drawn roads and a classes.json to a model that the API serves as it is."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from ml_core.bundle import Bundle
from segmentation_api.engine import Engine
from tests.training.roads import train_roads
from training.ingest import ingest
from training.lapa import LAPA
from training.options import RunOptions
from training.photos import DataError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_tiny_preset")
def test_own_classes_travel_from_the_data_to_the_service(
    client: Client, db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A road model: nothing says "whole" but that none of its classes is part of a face."""
    options = train_roads(tmp_path)
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
    photo = (tmp_path / "roads/test/images/0.jpg").read_bytes()
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
