"""Augmentation moves photo and labels together, and what is not known is ignored."""

from typing import Any

import numpy as np
import pytest

from ml_core.unetr.augment import compose, place, warp
from ml_core.unetr.augment_config import AugmentConfig, Pair
from ml_core.unetr.heads import parts_of
from ml_core.unetr.photograph import photograph
from ml_core.unetr.targets import target_table
from tests.drawn import painted_face
from training.lapa import LAPA

TABLE = target_table(LAPA)
FEATURES = ("left_eye", "right_eye", "nose", "upper_lip", "inner_mouth", "lower_lip")
PARTS = parts_of(LAPA, TABLE, FEATURES)
DRAWN = ("body", "longer", "hair_scene", "occluder", "hand", "thing", "hat", "white")
PHOTOGRAPHED = ("colour", "grey", "light", "blur", "noise", "jpeg")
EFFECTS = ("wide", "wide_scene", "scene", "empty", "neighbour", *DRAWN, *PHOTOGRAPHED)


def only(**chosen: Any) -> AugmentConfig:
    """No effect but those given."""
    return AugmentConfig(**{**dict.fromkeys(EFFECTS, 0.0), **chosen})


@pytest.fixture
def face() -> Pair:
    """A face painted in the palette's colours, with its labels: each pixel says its own class."""
    return painted_face(192)


def agreement(image: np.ndarray, codes: np.ndarray) -> float:
    """How often the colour of a labelled pixel is that of its label."""
    known = codes != TABLE.ignore
    distance = np.abs(image[known].astype(int) - LAPA.palette[codes[known]].astype(int)).max(axis=1)
    return float((distance < 40).mean())


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("degrees", [0, 35])
def test_labels_follow_the_photo(face: Pair, scale: float, degrees: float) -> None:
    warped = warp(face, 96, (scale, degrees, 0.1, -0.05), flip=False, table=TABLE)
    assert agreement(warped.image, warped.codes) > 0.88


def test_a_mirror_swaps_left_and_right(face: Pair) -> None:
    warped = warp(face, 96, (1.0, 0.0, 0.0, 0.0), flip=True, table=TABLE)
    image, codes = warped.image, warped.codes
    for name in ("eye", "eyebrow"):
        left, right = (LAPA.names.index(f"{side}_{name}") for side in ("left", "right"))
        assert np.nonzero(codes == left)[1].mean() < np.nonzero(codes == right)[1].mean()
    mirrored = face[0][:, ::-1]
    assert np.abs(image.astype(int) - mirrored[::2, ::2].astype(int)).mean() < 5


def test_beyond_the_photo_is_ignored_not_background(face: Pair) -> None:
    warped = warp(face, 96, (0.5, 0.0, 0.0, 0.0), flip=False, table=TABLE)
    assert (warped.codes[warped.inside == 0] == TABLE.ignore).all()
    assert 0.7 < (warped.inside == 0).mean() < 0.8


@pytest.mark.parametrize("shape", [(3, 3000), (4000, 4), (1, 1000), (2048, 2048)])
def test_a_much_larger_photo_is_averaged_whatever_its_shape(shape: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    warped = warp((photo, np.ones(shape, np.uint8)), 32, (0.5, 0.0, 0.0, 0.0), flip=False, table=TABLE)
    inside = warped.inside > 0
    assert (warped.codes[inside] == 1).all()
    if min(shape) > 32:
        assert inside.any()
        assert warped.image[inside].std() < 4, "each pixel is the mean of thousands"


def test_narrow_draws_are_as_wide_as_they_are_told() -> None:
    rng = np.random.default_rng(2)
    deviations = []
    for spread in (1.0, 0.5):
        draws = np.array([place(rng, AugmentConfig(near=1.0, near_spread=spread)) for _ in range(4000)])
        draws[:, 0] = np.log(draws[:, 0])
        deviations.append(draws.std(axis=0))
    np.testing.assert_allclose(deviations[0], (0.12, 8, 0.04, 0.04), rtol=0.05)
    np.testing.assert_allclose(deviations[1], deviations[0] / 2, rtol=0.05)


def test_wide_draws_show_what_the_wider_look_shows() -> None:
    rng = np.random.default_rng(2)
    config = AugmentConfig(near=0.5, wide=0.5, wide_scale=(0.34, 0.62))
    scales, degrees, *_ = np.array([place(rng, config) for _ in range(2000)]).T
    wide = scales < 0.62
    assert 0.45 < wide.mean() < 0.55
    assert scales.min() >= 0.34
    assert np.abs(degrees).max() < 45


def test_the_same_seed_gives_the_same_sample(face: Pair) -> None:
    scene = np.random.default_rng(1).integers(0, 256, (80, 120, 3)).astype(np.uint8)
    drawn: dict[str, Any] = dict.fromkeys(DRAWN, 0.5)
    everything = AugmentConfig(**drawn)
    first, second = (
        compose(
            face,
            size=64,
            rng=np.random.default_rng(5),
            config=everything,
            table=TABLE,
            parts=PARTS,
            scenes=lambda: scene,
            neighbours=lambda: face,
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_a_face_on_a_scene_is_known_everywhere(face: Pair) -> None:
    scene = np.full((80, 120, 3), 37, np.uint8)
    config = only(scene=1.0, near=0.0, scale=(0.4, 0.5))
    for seed in range(6):
        _, codes = compose(
            face, size=64, rng=np.random.default_rng(seed), config=config, table=TABLE, scenes=lambda: scene
        )
        assert (codes == TABLE.ignore).mean() < 0.01, seed
        assert (codes == 0).mean() > 0.5


def test_a_scene_without_a_face_is_all_background(face: Pair) -> None:
    scene = np.full((80, 120, 3), 37, np.uint8)
    config = only(empty=1.0)
    _, codes = compose(
        face, size=64, rng=np.random.default_rng(0), config=config, table=TABLE, scenes=lambda: scene
    )
    assert not codes.any()


def test_a_neighbours_face_is_labelled_as_well(face: Pair) -> None:
    scene = np.full((80, 120, 3), 37, np.uint8)
    config: dict[str, Any] = {"scene": 1.0, "near": 0.0, "scale": (0.5, 0.55), "shift": 0.0, "rotation": 0.0}
    alone = compose(
        face,
        size=96,
        rng=np.random.default_rng(3),
        config=only(**config, neighbour=0.0),
        table=TABLE,
        scenes=lambda: scene,
        neighbours=lambda: face,
    )[1]
    both = compose(
        face,
        size=96,
        rng=np.random.default_rng(3),
        config=only(**config, neighbour=1.0),
        table=TABLE,
        scenes=lambda: scene,
        neighbours=lambda: face,
    )[1]
    assert (both == 1).sum() > 1.2 * (alone == 1).sum()


def test_an_occluder_is_background(face: Pair) -> None:
    scene = np.full((80, 120, 3), 37, np.uint8)
    config = only(occluder=1.0, near=1.0)
    image, codes = compose(
        face, size=96, rng=np.random.default_rng(2), config=config, table=TABLE, scenes=lambda: scene
    )
    hidden = (np.abs(image.astype(int) - 37).max(axis=2) < 5) & (codes != TABLE.ignore)
    assert hidden.sum() > 100
    assert (codes[hidden] == 0).mean() > 0.95


@pytest.mark.parametrize("effect", ["colour", "grey", "light", "blur", "noise", "jpeg"])
def test_each_effect_changes_the_picture_and_keeps_its_form(face: Pair, effect: str) -> None:
    config = only(**{effect: 1.0})
    image = photograph(face[0], np.random.default_rng(4), config)
    assert image.shape == face[0].shape
    assert image.dtype == np.uint8
    assert (image != face[0]).mean() > 0.05


@pytest.mark.parametrize("thing", ["hand", "thing", "hat"])
def test_what_is_drawn_before_a_head_is_background(face: Pair, thing: str) -> None:
    def sample(share: float) -> Pair:
        config = only(**{"near": 1.0, thing: share})
        rng = np.random.default_rng(seed)
        return compose(face, size=96, rng=rng, config=config, table=TABLE, parts=PARTS)

    covered = 0
    for seed in range(12):
        (image, codes), (_, plain) = sample(1.0), sample(0.0)
        changed = codes != plain
        assert (codes[changed] == 0).all(), seed
        assert image.shape == (96, 96, 3)
        covered += int(changed.sum())
    assert covered > 12 * 100
