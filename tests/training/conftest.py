"""A network and a data set small enough to train in a second."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.unetr.augment_config import AugmentConfig
from ml_core.unetr.config import PRESETS
from ml_core.unetr.schedule import FitConfig, Phase
from tests.drawn import painted_face
from training.config import EvaluateParams, ExportParams, Params, PrepareParams
from training.lapa import LAPA
from training.manifest import ExtraSet, Manifest, SceneSet
from training.options import RunOptions
from training.pipeline import run
from training.progress import ProgressTable
from training.synthetic import draw_data_set

TINY: dict[str, Any] = {
    "patch_size": 8,
    "hidden_size": 16,
    "num_layers": 4,
    "num_heads": 2,
    "mlp_dim": 32,
    "decoder_channels": (16, 12, 8),
    "stage_convs": 1,
    "skip_channels": (8, 8, 8),
    "stem_channels": (8,),
}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn faces in LaPa's layout."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_data_set(folder, {"train": 8, "val": 4, "test": 4}, size=64, seed=1)
    return folder


@pytest.fixture(scope="session")
def _tiny_preset() -> Iterator[None]:
    """Make `lite` a network that trains in a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "lite", TINY)
        yield


def tiny_params(*phases: Phase) -> Params:
    """Three steps an epoch."""
    fit = FitConfig(
        phases=phases,
        epochs=2,
        samples_per_epoch=12,
        learning_rate=3e-3,
        augment=AugmentConfig(near=1.0),
    )
    return Params(
        prepare=PrepareParams(image_size=64),
        train={"lite": fit},
        export=ExportParams(parity_photos=2, calibration_photos=4, f1_limit=100),
        evaluate=EvaluateParams(worst=2),
    )


@dataclass(frozen=True)
class BrokenOffRun:
    """A run of two epochs, of 32 and of 64 pixels, broken off after the first and then resumed."""

    options: RunOptions
    sizes_after_resume: list[int]


@pytest.fixture(scope="session")
def broken_off_run(drawn: Path, tmp_path_factory: pytest.TempPathFactory, _tiny_preset: None) -> BrokenOffRun:
    options = RunOptions(data=str(drawn), out=tmp_path_factory.mktemp("run"))
    params = tiny_params(Phase(32, 4, 0.5), Phase(64, 4, 1.0))
    start_epoch, sizes = ProgressTable.start_epoch, list[int]()

    def break_off(table: ProgressTable, epoch: int, *rest: int) -> None:
        if epoch == 1:
            raise KeyboardInterrupt
        start_epoch(table, epoch, *rest)

    def count(table: ProgressTable, epoch: int, steps: int, batch_size: int, size: int) -> None:
        sizes.append(size)
        start_epoch(table, epoch, steps, batch_size, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgressTable, "start_epoch", break_off)
        with pytest.raises(KeyboardInterrupt):
            run(options, params=params)
        patch.setattr(ProgressTable, "start_epoch", count)
        run(replace(options, resume=True), params=params)
    return BrokenOffRun(options, sizes)


@pytest.fixture
def painted(tmp_path: Path) -> Manifest:
    """Faces painted in the palette's colours as val and test photos, coarse labels, and black scenes."""
    for split in ("val", "test"):
        for index in range(8):
            _save(tmp_path / split, str(index), *painted_face(256, seed=index))
    image, labels = painted_face(256)
    coarse = np.zeros_like(labels)
    for value, names in {1: ["skin"], 2: ["hair", "left_eyebrow", "right_eyebrow"], 3: ["nose"]}.items():
        coarse[np.isin(labels, LAPA.ids(names))] = value
    for name in ("someone+30", "someone-30", "other+60"):
        _save(tmp_path / "posed", name, image, coarse)
    (tmp_path / "scenes").mkdir()
    for index in range(4):
        cv2.imwrite(str(tmp_path / f"scenes/{index}.jpg"), np.zeros((90, 160, 3), np.uint8))
    posed = ExtraSet(
        name="posed",
        root=tmp_path / "posed",
        values={0: (0,), 1: (1, 0), 2: (10, 2, 3), 3: (6,)},
        hold_out="someone*",
    )
    scenes = SceneSet(name="scenes", root=tmp_path / "scenes", hold_out_every=2)
    return Manifest(name="drawn", labels=LAPA, root=tmp_path, extra=(posed,), scenes=scenes)


def _save(folder: Path, name: str, image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    for kind, pixels in (("images", image[..., ::-1]), ("labels", labels)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / kind / f"{name}.png"), pixels)
