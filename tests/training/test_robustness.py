"""The robustness figures of a parser that is always right are near 100, of one that sees nothing near 0."""

from pathlib import Path

import cv2
import numpy as np

from tests.training.readers import ColourReader
from training.manifest import Manifest
from training.robustness import robustness


def test_a_parser_that_is_always_right(painted: Manifest) -> None:
    figures = robustness(ColourReader(), painted, photos=4)  # type: ignore[arg-type]
    strata = figures["strata"]
    assert set(strata) == {"rotation", "blur", "brightness", "scale", "head turn, posed"}
    assert strata["rotation"]["0"] == {"photos": 4, "mean_f1": 100}
    assert strata["blur"]["0"] == {"photos": 4, "mean_f1": 100}
    assert min(row["mean_f1"] for row in strata["rotation"].values()) > 60
    assert strata["scale"]["1/3"]["mean_f1"] > 85
    assert figures["mosaics"]["recall"] == 100
    assert figures["mosaics"]["false"] == 0
    assert figures["empty_scenes"] == {"scenes": 2, "with_faces": 0, "painted": 0}


def test_heads_are_scored_by_turn_and_only_of_who_was_held_out(painted: Manifest) -> None:
    turns = robustness(ColourReader(), painted, photos=1)["strata"]["head turn, posed"]  # type: ignore[arg-type]
    assert set(turns) == {"30"}  # the other person, turned by 60, was trained on
    assert turns["30"]["photos"] == 2  # to either side
    assert turns["30"]["f1"] == {"hair + left_eyebrow + right_eyebrow": 100, "nose": 100}


def test_a_parser_that_sees_nothing(painted: Manifest) -> None:
    figures = robustness(ColourReader(blind=True), painted, photos=2)  # type: ignore[arg-type]
    assert max(row["mean_f1"] for row in figures["strata"]["rotation"].values()) == 0
    assert figures["mosaics"]["recall"] == 0
    assert figures["mosaics"]["missed"] == figures["mosaics"]["faces"]
    assert figures["strata"]["head turn, posed"]["30"]["mean_f1"] == 0


def test_skin_painted_into_an_empty_scene_is_counted(painted: Manifest) -> None:
    skin = np.full((90, 160, 3), painted.labels.colors[1][::-1], np.uint8)
    cv2.imwrite(str(painted.root / "scenes/0.jpg"), skin)
    figures = robustness(ColourReader(), painted, photos=1)  # type: ignore[arg-type]
    assert figures["empty_scenes"] == {"scenes": 2, "with_faces": 1, "painted": 50}


def test_without_scenes_what_needs_them_is_left_out(painted: Manifest, tmp_path: Path) -> None:
    bare = Manifest(name="drawn", labels=painted.labels, root=painted.root)
    figures = robustness(ColourReader(), bare, photos=2)  # type: ignore[arg-type]
    assert set(figures) == {"strata"}
    assert set(figures["strata"]) == {"rotation", "blur", "brightness"}
