from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml_core.bundle import Bundle, BundleError
from tests.tiny_bundle import make_palette_bundle
from training.bundle_files import replacing, write_golden, write_model_json
from training.lapa import LAPA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_palette_bundle(tmp_path / "tiny")


def test_the_writer_refuses_what_the_reader_would(folder: Path) -> None:
    before = (folder / "model.json").read_text()
    with pytest.raises(BundleError, match="temperature"):
        write_model_json(
            folder,
            name="tiny",
            version="1",
            labels=LAPA,
            input_size=(32, 32),
            temperature=-1,
            metrics={},
            parity={},
            data="",
            licence="",
        )
    assert (folder / "model.json").read_text() == before


def test_golden_files_hold_the_image_and_the_answer(tmp_path: Path) -> None:
    image = np.full((6, 4, 3), 9, np.uint8)
    write_golden(tmp_path, image, lambda asked: asked[:, :, 0])
    assert (np.asarray(Image.open(tmp_path / "golden.png")) == image).all()
    assert (np.asarray(Image.open(tmp_path / "golden-labels.png")) == 9).all()


def test_replacing_puts_the_new_folder_in_place_whole(folder: Path) -> None:
    with replacing(folder) as new:
        (new / "model.json").write_text("new")
        assert (folder / "golden.png").exists()
    assert [path.name for path in folder.iterdir()] == ["model.json"]
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_replacing_keeps_the_old_folder_after_an_error(folder: Path) -> None:
    with pytest.raises(KeyError), replacing(folder):
        raise KeyError
    assert Bundle.load(folder).name == "tiny"
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_replacing_makes_a_new_folder(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b") as new:
        (new / "file").touch()
    assert (tmp_path / "a" / "b" / "file").exists()
