"""The robustness figures of a parser that is always right are near 100, of one that sees nothing near 0."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.images import decode
from ml_core.labels import LAPA
from tests.drawn import painted_face
from training.ingest import Manifest
from training.robustness import robustness


class ColourReader:
    """Stands in for a Segmenter: reads each pixel's class off its colour, or is blind."""

    bundle = SimpleNamespace(labels=LAPA)

    def __init__(self, *, blind: bool = False) -> None:
        self.blind = blind

    def predict(self, photo: NDArray[np.uint8] | Path) -> Any:
        image = decode(photo.read_bytes()) if isinstance(photo, Path) else photo
        distances = np.abs(image[:, :, None].astype(int) - np.array(LAPA.colors)).sum(axis=3)
        labels = distances.argmin(axis=2).astype(np.uint8)
        if self.blind:
            labels[:] = 0
        count, _, stats, _ = cv2.connectedComponentsWithStats(((labels > 0) & (labels < 10)).astype(np.uint8))
        boxes = [tuple(map(float, row[:4])) for row in stats[1:count] if row[4] > 200]
        return SimpleNamespace(labels=labels, faces=[SimpleNamespace(box=box) for box in boxes])


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for kind in ("test/images", "test/labels", "posed/images", "posed/labels", "scenes"):
        (tmp_path / kind).mkdir(parents=True)
    for index in range(8):
        image, labels = painted_face(256, seed=index)
        cv2.imwrite(str(tmp_path / f"test/images/{index}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / f"test/labels/{index}.png"), labels)
    image, labels = painted_face(256)
    coarse = np.zeros_like(labels)
    for value, names in {1: ["skin"], 2: ["hair", "left_eyebrow", "right_eyebrow"], 3: ["nose"]}.items():
        coarse[np.isin(labels, LAPA.ids(names))] = value
    for name in ("someone+30", "someone-30", "other+60"):
        cv2.imwrite(str(tmp_path / f"posed/images/{name}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / f"posed/labels/{name}.png"), coarse)
    for index in range(4):
        cv2.imwrite(str(tmp_path / f"scenes/{index}.jpg"), np.zeros((90, 160, 3), np.uint8))
    posed = {
        "name": "posed",
        "root": str(tmp_path / "posed"),
        "values": {"0": [0], "1": [1, 0], "2": [10, 2, 3], "3": [6]},
        "hold_out": "someone*",
    }
    scenes = {"name": "scenes", "root": str(tmp_path / "scenes"), "hold_out_every": 2}
    return Manifest("drawn", LAPA, tmp_path, "none", None, {}, (posed,), scenes)


def test_a_parser_that_is_always_right(manifest: Manifest) -> None:
    figures = robustness(ColourReader(), manifest, photos=8)  # type: ignore[arg-type]
    assert figures["rotated"]["0"] == 100
    assert min(figures["rotated"].values()) > 60
    assert figures["third_of_the_frame"] > 85
    assert figures["mosaics"]["recall"] == 100
    assert figures["mosaics"]["false_faces"] == 0
    assert figures["empty_scenes"] == {"scenes": 2, "painted": 0}
    assert figures["posed by turn"] == {"30": 100}  # the other person was trained on


def test_a_parser_that_sees_nothing(manifest: Manifest) -> None:
    figures = robustness(ColourReader(blind=True), manifest, photos=8)  # type: ignore[arg-type]
    assert max(figures["rotated"].values()) == 0
    assert figures["mosaics"]["recall"] == 0
    assert figures["posed by turn"] == {"30": 0}


def test_skin_painted_into_an_empty_scene_is_counted(manifest: Manifest, tmp_path: Path) -> None:
    skin = np.full((90, 160, 3), LAPA.colors[1][::-1], np.uint8)
    cv2.imwrite(str(tmp_path / "scenes/0.jpg"), skin)
    figures = robustness(ColourReader(), manifest, photos=8)  # type: ignore[arg-type]
    assert figures["empty_scenes"]["painted"] == 50
