"""Volumes: NIfTI folders in their layouts, and a short run that learns, exports and keeps parity."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import nibabel
import numpy as np
import onnxruntime as ort
import pytest

from ml_core.unetr.config import PRESETS
from ml_core.unetr.schedule import FitConfig, Phase
from ml_core.unetr.volumes import cube, predict
from tests.training.conftest import tiny_params
from training import pipeline
from training.nifti import draw_volumes, find_volumes, read_volumes
from training.options import RunError, RunOptions

SIDE = 16
SMALL: dict[str, Any] = {
    **PRESETS["unetr3d"],
    "image_size": SIDE,
    "patch_size": 8,
    "hidden_size": 32,
    "num_layers": 4,
    "num_heads": 2,
    "mlp_dim": 64,
    "decoder_channels": (8, 8, 8),
}
PARAMS = tiny_params(Phase(64, 4, 1.0)).model_copy(
    update={
        "train": {
            "unetr3d": FitConfig(
                phases=(Phase(32, 2, 1.0),),
                epochs=5,
                samples_per_epoch=80,
                learning_rate=1e-2,
                final_rate=1e-4,
            )
        },
        "prepare": tiny_params(Phase(64, 4, 1.0)).prepare.model_copy(update={"image_size": None}),
    }
)


def save(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.asarray(values, np.int16), np.eye(4)), path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_short_run_learns_drawn_volumes_and_exports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(PRESETS, "unetr3d", SMALL)
    draw_volumes(tmp_path / "data/volumes", {"train": 8, "val": 2}, size=SIDE)
    pipeline.run(RunOptions(preset="unetr3d", data="volumes", out=tmp_path / "out"), params=PARAMS)
    card = json.loads((tmp_path / "out/unetr3d/model.json").read_text())
    assert card["validation_f1"] > 0.9
    assert card["classes"] == ["background", "ball", "box"]
    assert card["parity"]["max_logit_difference"] < 1e-3
    assert "8 volumes to train on, 2 for validation" in capsys.readouterr().out
    opened = keras.saving.load_model(tmp_path / "out/unetr3d/network.keras")
    session = ort.InferenceSession(str(tmp_path / "out/unetr3d/model.onnx"))
    data = find_volumes(tmp_path / "data/volumes")
    image, truth = cube(read_volumes(data.val, (-175, 250))[0], SIDE, np.random.default_rng(0))
    labels, logits = session.run(["labels", "logits"], {"image": image[None, ..., None]})
    assert (labels[0] == truth).mean() > 0.95
    np.testing.assert_allclose(opened.predict_on_batch(image[None, ..., None]), logits, atol=1e-3)


class EveryVoxelIsBright:
    """A network that sees one voxel at a time: class 1 where it is brighter than one half."""

    input_shape, output_shape = (None, 8, 8, 8, 1), (None, 8, 8, 8, 2)

    def predict_on_batch(self, image: Any) -> Any:
        assert image.shape == (1, 8, 8, 8, 1)
        return np.concatenate([0.5 - image, image - 0.5], axis=-1)


@pytest.mark.parametrize("shape", [(8, 8, 8), (5, 9, 20), (16, 8, 13)])
def test_a_whole_volume_is_parsed_window_by_window(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    np.testing.assert_array_equal(predict(EveryVoxelIsBright(), image), image > 0.5)


def test_a_cube_beyond_the_volume_is_not_counted() -> None:
    image, codes = cube(
        (np.ones((4, 8, 8), np.float32), np.ones((4, 8, 8), np.uint8)), 8, np.random.default_rng(0)
    )
    assert image.shape == codes.shape == (8, 8, 8)
    assert (codes == 255).sum() == 4 * 8 * 8


def test_the_layout_of_the_decathlon_is_read(tmp_path: Path) -> None:
    for index in range(6):
        save(tmp_path / f"imagesTr/liver_{index}_0000.nii.gz", np.full((4, 5, 6), index * 100))
        save(tmp_path / f"labelsTr/liver_{index}.nii.gz", np.full((4, 5, 6), index % 2))
        for name in (f"imagesTr/._liver_{index}_0000.nii.gz", f"labelsTr/._liver_{index}.nii.gz"):
            (tmp_path / name).write_bytes(b"\0\5\x16\7")
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 1}}))
    found = find_volumes(tmp_path)
    assert found.classes == ("background", "liver")
    assert [pair.image.name for pair in found.val] == ["liver_0_0000.nii.gz", "liver_5_0000.nii.gz"]
    assert len(found.train) == 4
    volumes = read_volumes(found.train, (0, 400))
    assert [float(image.max()) for image, _ in volumes] == [0.25, 0.5, 0.75, 1.0]
    assert [int(codes.max()) for _, codes in volumes] == [1, 0, 1, 0]


def _another_shape(root: Path) -> None:
    save(root / "val/labels/1.nii", np.zeros((4, 4, 5)))


def _a_label_too_many(root: Path) -> None:
    save(root / "train/labels/0.nii", np.full((4, 4, 4), 7))


def _four_axes(root: Path) -> None:
    save(root / "train/images/0.nii", np.zeros((4, 4, 4, 2)))


def _no_nifti(root: Path) -> None:
    (root / "train/images/0.nii").write_bytes(b"no such thing")


def _cut_off(root: Path) -> None:
    path = root / "train/images/0.nii"
    path.write_bytes(path.read_bytes()[:400])


def _no_labels(root: Path) -> None:
    (root / "train/labels/0.nii").unlink()


def _gzip_spoilt(root: Path) -> None:
    path = root / "train/images/0.nii"
    packed = bytearray(gzip.compress(path.read_bytes()))
    packed[40:60] = bytes(20)
    path.unlink()
    path.with_suffix(".nii.gz").write_bytes(packed)


def _of_no_kind(root: Path) -> None:
    path = root / "train/images/0.nii"
    header = bytearray(path.read_bytes())
    header[70:72] = b"\x99\x99"
    path.write_bytes(header)


def _enormous(root: Path) -> None:
    path = root / "train/images/0.nii"
    header = bytearray(path.read_bytes())
    header[40:48] = np.array([3, 30000, 30000, 30000], "<i2").tobytes()
    path.with_suffix(".nii.gz").write_bytes(gzip.compress(header))
    path.unlink()


def _all_background(root: Path) -> None:
    (root / "dataset.json").unlink()
    for path in root.glob("*/labels/*"):
        save(path, np.zeros((4, 4, 4)))


def _misnamed_classes(root: Path) -> None:
    (root / "dataset.json").write_text('{"labels": ["a", "b"]}')


def _gaps(root: Path) -> None:
    (root / "dataset.json").write_text('{"labels": {"0": "background", "2": "b"}}')


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_another_shape, r"val/labels/1\.nii: of \(4, 4, 5\) voxels, its image of \(4, 4, 4\)"),
        (_a_label_too_many, r"train/labels/0\.nii: labels that are no classes: 7"),
        (_four_axes, r"train/images/0\.nii: 4 axes, where a volume of one channel has 3"),
        (_no_nifti, r"train/images/0\.nii or its labels: "),
        (_cut_off, r"train/images/0\.nii or its labels: "),
        (_gzip_spoilt, r"train/images/0\.nii\.gz or its labels: "),
        (_of_no_kind, r"train/images/0\.nii or its labels: "),
        (_enormous, r"train/images/0\.nii\.gz or its labels: "),
        (_all_background, "a second class is needed"),
        (_no_labels, r"train/images/0\.nii: no labels of that name"),
        (_misnamed_classes, "does not name the classes"),
        (_gaps, "must number the classes"),
    ],
)
def test_what_cannot_be_used_is_listed_by_name(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    for split in ("train", "val"):
        for index in range(2):
            save(tmp_path / f"{split}/images/{index}.nii", np.zeros((4, 4, 4)))
            save(tmp_path / f"{split}/labels/{index}.nii", np.ones((4, 4, 4)))
    (tmp_path / "dataset.json").write_text('{"labels": {"0": "background", "1": "all"}}')
    assert find_volumes(tmp_path).classes == ("background", "all")
    spoil(tmp_path)
    with pytest.raises(RunError, match=message) as caught:
        find_volumes(tmp_path)
    assert "\n" not in str(caught.value)


def test_several_problems_have_a_line_each(tmp_path: Path) -> None:
    for index in range(3):
        save(tmp_path / f"train/images/{index}.nii", np.zeros((4, 4, 4)))
        save(tmp_path / f"train/labels/{index}.nii", np.ones((4, 4, 4)))
    _no_labels(tmp_path)
    _enormous(tmp_path)
    (tmp_path / "train/images/1.nii").write_bytes(b"")
    with pytest.raises(RunError) as caught:
        find_volumes(tmp_path)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        f"3 problems in {tmp_path}",
        f"  {tmp_path}/train/images/0.nii.gz",
        f"  {tmp_path}/train/images/1.nii or its labels",
        f"  {tmp_path}",
    ]


def test_a_folder_that_is_not_there_and_resuming_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="--data nowhere: no such folder"):
        pipeline.run(RunOptions(preset="unetr3d", data="nowhere"), params=PARAMS)
    with pytest.raises(RunError, match="start anew"):
        pipeline.run(RunOptions(preset="unetr3d", init=tmp_path), params=PARAMS)
