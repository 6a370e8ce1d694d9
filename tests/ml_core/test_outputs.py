import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml_core.images import colorize
from ml_core.outputs import FORMATS, OutputOptions, bit_png
from ml_core.segmentation import Segmentation
from ml_core.segmenter import Segmenter
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

SIDE = 64


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    folder: Path = make_palette_bundle(tmp_path_factory.mktemp("bundles") / "tiny", size=SIDE, logits_scale=1)
    return Segmenter.load(folder, threads=1).predict(colorize(draw_face(SIDE), LAPA), faces="whole")


def test_every_format_writes_what_its_media_type_says(found: Segmentation) -> None:
    for written in FORMATS:
        body = written.encode(found, OutputOptions(inline=("mask",)))
        if written.media_type == "application/json":
            assert json.loads(body)["inline"].keys() == {"mask"}
        elif written.media_type == "application/zip":
            assert "classes.json" in zipfile.ZipFile(io.BytesIO(body)).namelist()
        else:
            picture = Image.open(io.BytesIO(body))
            assert Image.MIME[str(picture.format)] == written.media_type
            assert picture.size == (SIDE, SIDE)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 64])
def test_a_one_bit_png_of_any_width_reads_back(width: int) -> None:
    mask = np.random.default_rng(width).random((5, width)) > 0.5
    picture = Image.open(io.BytesIO(bit_png(mask)))
    assert picture.mode == "1"
    assert (np.asarray(picture) == mask).all()


def test_of_a_background_that_classes_were_made_part_of_nothing_is_known(found: Segmentation) -> None:
    skin = LAPA.names.index("skin")
    only = found.only([skin])
    assert set(np.unique(only.labels)) == {0, skin}
    assert only.confidence[0] is None
    assert only.confidence[skin] == found.confidence[skin]
