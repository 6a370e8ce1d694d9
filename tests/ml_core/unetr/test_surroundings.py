"""What is drawn around a head: hair that continues, shoulders, scenes in the colour of the hair, white hair."""

import cv2
import numpy as np
import pytest

from ml_core.unetr.augment import warp
from ml_core.unetr.augment_config import AugmentConfig, Pair
from ml_core.unetr.heads import head_in, parts_of, skin_colour
from ml_core.unetr.surroundings import Warped, body, carry_on, like_hair, on_scene, whiten
from ml_core.unetr.targets import target_table
from tests.drawn import painted_face
from training.lapa import LAPA

TABLE = target_table(LAPA)
FEATURES = ("left_eye", "right_eye", "nose", "upper_lip", "inner_mouth", "lower_lip")
found = parts_of(LAPA, TABLE, FEATURES)
assert found is not None
PARTS = found
HAIR = LAPA.names.index("hair")


@pytest.fixture
def long_haired() -> Pair:
    """Hair on both sides of the face, from its top to the photo's lower border."""
    labels = painted_face(192)[1]
    columns = np.arange(192)
    labels[60:, (columns > 15) & (columns < 55)] = HAIR
    labels[60:, (columns > 137) & (columns < 177)] = HAIR
    return LAPA.palette[labels], labels


@pytest.fixture
def wide(long_haired: Pair) -> Warped:
    return warp(long_haired, 128, (0.5, 0.0, 0.0, 0.0), flip=False, table=TABLE)


def test_the_head_is_where_its_features_are() -> None:
    codes = painted_face(192)[1]
    head = head_in(codes, PARTS)
    assert head is not None
    eyes = np.argwhere((codes == 4) | (codes == 5)).mean(axis=0)[::-1]
    assert np.linalg.norm(head.at(0, -0.2) - eyes) < 0.1 * head.unit
    rows = np.nonzero(codes == 1)[0]
    assert 0.6 < (rows.max() - rows.min()) / head.unit < 1.5


def test_a_head_without_features_is_not_drawn_on() -> None:
    assert head_in(np.ones((64, 64), np.uint8), PARTS) is None


def test_hair_continues_where_it_touches_the_border(wide: Warped) -> None:
    for seed in range(8):
        beyond = carry_on(wide, HAIR, drawn=True, rng=np.random.default_rng(seed))
        assert beyond.hair.any()
        assert not (beyond.hair & (wide.inside > 0)).any()
        rows, columns = np.nonzero(beyond.hair)
        assert rows.min() > 60, "hair touches the lower border alone"
        assert (np.abs(beyond.image[beyond.hair].astype(int) - LAPA.palette[HAIR]).mean()) < 60
        assert not ((columns > 60) & (columns < 68)).any(), "below the chin there is none"


def test_hair_that_is_not_continued_is_unknown(wide: Warped) -> None:
    beyond = carry_on(wide, HAIR, drawn=False, rng=np.random.default_rng(0))
    assert not beyond.hair.any()
    config = AugmentConfig(longer=0.0, body=0.0)
    canvas = np.full((128, 128, 3), 90, np.uint8), np.zeros((128, 128), np.uint8)
    _, codes = on_scene(
        canvas, wide, cut_out=True, rng=np.random.default_rng(0), config=config, table=TABLE, parts=PARTS
    )
    below = codes[97:100]  # just under the photo
    assert (below == TABLE.ignore).sum() > 40
    assert not (below == HAIR).any()


def test_short_hair_leaves_nothing_unknown() -> None:
    labels = painted_face(192)[1]
    labels[:4] = labels[-4:] = 0
    labels[:, :4] = labels[:, -4:] = 0
    warped = warp((LAPA.palette[labels], labels), 128, (0.5, 0.0, 0.0, 0.0), flip=False, table=TABLE)
    for drawn in (True, False):
        beyond = carry_on(warped, HAIR, drawn=drawn, rng=np.random.default_rng(1))
        assert not beyond.hair.any()
        assert not beyond.unknown.any()


def test_a_body_has_a_neck_in_the_skins_colour(wide: Warped) -> None:
    head = wide.head(PARTS)
    assert head is not None
    rng = np.random.default_rng(3)
    canvas = np.zeros((128, 128, 3), np.uint8), np.full((128, 128), HAIR, np.uint8)
    image, codes = body(canvas, head, wide.photo, PARTS, rng)
    x, y = head.at(0, 0.55).astype(int)
    tone = skin_colour(*wide.photo, PARTS, rng)
    neck = image[y, x].astype(float)
    assert np.corrcoef(neck, tone)[0, 1] > 0.9
    assert image[-1].any(), "clothes"
    assert (codes[image.any(axis=2)] == 0).mean() > 0.9, "of no neighbour, but for soft borders"
    assert (codes[: int(head.at(0, -0.5)[1])] == HAIR).all()
    assert not image[: int(head.at(0, -0.5)[1])].any(), "nothing beside the forehead"


def test_a_scene_takes_the_colour_of_the_hair() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    colour = np.array([70, 40, 20], np.float32)
    for seed in range(6):
        near = like_hair(scene, colour, np.random.default_rng(seed)).mean(axis=(0, 1))
        assert np.linalg.norm(near - colour) < 0.7 * np.linalg.norm(scene.mean(axis=(0, 1)) - colour)


def test_white_hair_is_bright_and_without_colour(long_haired: Pair) -> None:
    image = whiten(long_haired, PARTS, np.random.default_rng(2))
    hair = image[80:180, 25:45].astype(int)
    assert np.ptp(hair.mean(axis=(0, 1))) < 0.5 * np.ptp(LAPA.palette[HAIR].astype(int))
    away = cv2.dilate((long_haired[1] == HAIR).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    np.testing.assert_array_equal(image[away], long_haired[0][away])
