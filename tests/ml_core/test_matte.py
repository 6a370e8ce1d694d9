"""Soft edges: what the matte says of drawn scenes whose right values are known."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.guided import refined
from ml_core.images import colorize
from ml_core.labels import LabelSet
from ml_core.matte import cutout, matte
from ml_core.segmentation import Parsed, Segmentation
from ml_core.segmenter import Segmenter
from tests.ml_core.test_segmenter import KnownFaces, face_in, put
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

SIZE = 128
HAIR = LAPA.names.index("hair")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_palette_bundle(tmp_path_factory.mktemp("bundles") / "tiny", size=SIZE, logits_scale=0.5)


def parsed(
    bundle: Path, labels: NDArray[np.uint8], *places: tuple[tuple[float, float], float, float]
) -> Segmentation:
    """A scene painted in the palette's colours, parsed whole or face by face."""
    finder = KnownFaces(*(face_in(*place) for place in places))
    segmenter = Segmenter.load(bundle, threads=1, finder=finder)
    return segmenter.predict(colorize(labels, LAPA), faces="auto" if places else "whole")


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


@pytest.mark.parametrize("size", [(128, 128), (300, 400), (900, 777)])
def test_at_a_half_the_matte_is_nearer_to_the_truth_than_the_mask(
    bundle: Path, size: tuple[int, int]
) -> None:
    truth = draw_face(*size)
    found = parsed(bundle, truth)
    assert matte(found).shape == size
    assert f1(matte(found) >= 128, truth > 0) > 0.999 > f1(found.labels > 0, truth > 0)
    for c in range(1, 11):
        assert f1(matte(found.only([c])) >= 128, truth == c) > f1(found.labels == c, truth == c)


@pytest.mark.parametrize("size", [(1, 513), (2000, 3), (4, 5000), (1, 65500)])
def test_a_photo_that_is_next_to_a_line(bundle: Path, size: tuple[int, int]) -> None:
    found = parsed(bundle, np.full(size, HAIR, np.uint8))
    middle = [slice(side // 4, side - side // 4) for side in size]
    assert (found.labels[*middle] == HAIR).all()
    assert matte(found)[*middle].min() > 200
    assert not matte(found.only([1])).any()
    assert cutout(found).shape == (*size, 4)


def test_far_from_borders_it_is_all_or_none(bundle: Path) -> None:
    truth = draw_face(600)
    soft = matte(parsed(bundle, truth))
    around = np.ones((41, 41), np.uint8)
    inside = cv2.erode((truth > 0).astype(np.uint8), around) > 0
    outside = cv2.dilate((truth > 0).astype(np.uint8), around) == 0
    assert (soft[inside] == 255).all()
    assert (soft[outside] == 0).all()


def test_strands_finer_than_the_networks_grid_show(bundle: Path) -> None:
    """A comb of hair on background: the logits see its teeth as one grey, the photo's own colours tell them."""
    truth = np.zeros((1024, 1024), np.uint8)
    truth[:500, 200:800] = HAIR
    truth[500:530, 200:800:9] = truth[500:530, 201:800:9] = HAIR  # two pixels wide; a cell is sixteen
    soft = matte(parsed(bundle, truth))[505:515, 250:750]
    teeth = truth[505:515, 250:750] > 0
    assert soft[teeth].mean() > soft[~teeth].mean() + 60


def test_of_the_background_it_is_the_rest(bundle: Path) -> None:
    found = parsed(bundle, draw_face(200))
    assert (matte(found.only([0])) == 255 - matte(found)).all()
    assert (matte(found.only(range(len(LAPA)))) == 255).all()


def test_without_a_face_there_is_none(bundle: Path) -> None:
    found = Segmenter.load(bundle, finder=KnownFaces()).predict(colorize(draw_face(64), LAPA))
    assert not matte(found).any()
    assert not cutout(found).any()
    assert (matte(found.only([0])) == 255).all()


def two_faces(bundle: Path) -> Segmentation:
    scene = np.zeros((300, 600), np.uint8)
    places = [((150.0, 150.0), 280.0, 0.0), ((345.0, 160.0), 200.0, 20.0)]
    for place in places:
        put(scene, draw_face(512), *place)
    return parsed(bundle, scene, *places)


def test_each_face_has_its_own(bundle: Path) -> None:
    found = two_faces(bundle)
    for number in (1, 2):
        alone = found.face(number)
        assert f1(matte(alone) >= 128, found.instances == number) > 0.96
        assert not matte(alone)[(found.instances > 0) & (found.instances != number)].any()
    both = np.maximum(matte(found.face(1)), matte(found.face(2)))
    assert (matte(found) == both).all()


def test_faces_that_touch_meet_without_a_seam(bundle: Path) -> None:
    """Hair of two, each of whom sees none where the other one is."""
    found = parsed(bundle, np.full((200, 300), HAIR, np.uint8))
    one = found.parsed[0]
    left, right = one.look.copy(), one.look.copy()
    middle = one.look.shape[1] // 2
    left[:, middle:, 0] = right[:, :middle, 0] = one.look.max() + 5
    owners = np.where(np.arange(300) < 150, 1, 2)[None].repeat(200, axis=0).astype(np.uint16)
    both = tuple(Parsed(number, look, look, one.cut) for number, look in ((1, left), (2, right)))
    found = replace(found, parsed=both, owners=owners)
    assert matte(found).min() > 200
    assert [matte(found.face(number)).any(axis=0).sum() for number in (1, 2)] == [150, 150]


def test_a_part_that_goes_on_beyond_the_cut_fades(bundle: Path) -> None:
    """Hair all over a photo of which a square was parsed."""
    found = parsed(bundle, np.full((300, 300), HAIR, np.uint8))
    look, cut = found.parsed[0].look, np.array([[128.0, 0.0, 100.0], [0.0, 128.0, 100.0]])
    labels = np.zeros_like(found.labels)
    labels[100:228, 100:228] = HAIR
    soft = matte(replace(found, parsed=(Parsed(1, look, look, cut),), labels=labels)).astype(int)
    assert (soft[labels > 0] == 255).all()
    steps = np.diff(soft[160, 60:101])
    assert (soft[160, 60], soft[160, 100]) == (0, 255)
    assert steps.min() >= 0
    assert 0 < steps.max() < 45  # over twelve cells


def test_where_colours_say_nothing_the_filter_blurs_nothing() -> None:
    share = np.zeros((80, 80), np.float32)
    share[:, 40:] = 255
    wall = np.full((160, 160, 3), 20, np.uint8)
    (_, soft), *_ = refined(wall, share, step=2, radius=4, stride=2, fade=None)
    assert not soft[:, :72].any()
    assert (soft[:, 88:] == 255).all()


def test_what_was_refused_is_in_no_matte(bundle: Path) -> None:
    scene = np.zeros((300, 300), np.uint8)
    put(scene, draw_face(512), (150, 150), 280, 0)
    scene[20:60, 120:180] = HAIR
    face = face_in((150, 150), 280, 0)
    other = face_in((40, 260), 30, 0)  # on the background
    object.__setattr__(other, "box", (130.0, 30.0, 40.0, 20.0))
    found = Segmenter.load(bundle, finder=KnownFaces(face, other)).predict(colorize(scene, LAPA))
    assert len(found.faces) == 1
    assert found.labels[40, 150] == 0
    assert matte(found)[40, 150] == 0


def test_a_cutout_has_the_photo_and_nothing_of_what_is_behind(bundle: Path) -> None:
    photo_labels = LabelSet(("background", "disc"), ((0, 0, 255), (255, 0, 0)))
    rows, columns = np.mgrid[:256, :256] - 127.5
    share = np.clip(80 - np.hypot(rows, columns) + 0.5, 0, 1)[..., None]
    photo = np.rint(share * (255, 0, 0) + (1 - share) * (0, 0, 255)).astype(np.uint8)
    folder = make_palette_bundle(bundle.parent / "disc", size=SIZE, labels=photo_labels, logits_scale=0.5)
    picture = cutout(Segmenter.load(folder, threads=1).predict(photo, faces="whole"))
    assert picture.shape == (256, 256, 4)
    assert (picture[128, 128] == (255, 0, 0, 255)).all()
    assert not picture[picture[..., 3] == 0].any()
    edge = (picture[..., 3] > 60) & (picture[..., 3] < 255)
    assert edge.any()
    assert picture[edge][:, 2].max() < 80  # of the blue; in the photo it is up to 200
