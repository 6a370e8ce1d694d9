"""The loss: right answers cost little, ignored pixels nothing, and sets of classes are met by any member."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.unetr.losses import SegmentationLoss
from ml_core.unetr.targets import plain_values, target_table
from training.lapa import LAPA

TABLE = target_table(LAPA, [{2: [10, 2, 3], 1: [1, 0]}])


def loss(codes: NDArray[np.uint8], classes: NDArray[np.integer], *, dice: float = 0.0) -> float:
    """The loss of a network that is sure of `classes`."""
    logits = 20.0 * np.eye(len(LAPA), dtype=np.float32)[classes]
    return float(SegmentationLoss(TABLE.allowed, dice_weight=dice)(codes[None], logits[None]))


@pytest.fixture
def codes() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, len(LAPA), (16, 16)).astype(np.uint8)


def test_the_right_answer_costs_nothing_and_a_wrong_one_much(codes: NDArray[np.uint8]) -> None:
    assert loss(codes, codes, dice=1.0) < 0.01
    assert loss(codes, (codes + 1) % len(LAPA), dice=1.0) > 10


def test_ignored_pixels_do_not_count(codes: NDArray[np.uint8]) -> None:
    wrong = codes.copy()
    wrong[:8] = (wrong[:8] + 1) % len(LAPA)
    ignored = codes.copy()
    ignored[:8] = TABLE.ignore
    assert loss(ignored, wrong, dice=1.0) == pytest.approx(loss(ignored, codes, dice=1.0), abs=1e-4)


def test_all_ignored_is_no_division_by_zero(codes: NDArray[np.uint8]) -> None:
    assert loss(np.full_like(codes, TABLE.ignore), codes) == 0


@pytest.mark.parametrize(("guess", "cheap"), [(10, True), (2, True), (3, True), (6, False)])
def test_a_set_is_met_by_any_of_its_classes(guess: int, cheap: bool) -> None:
    hair_or_brow = int(TABLE.lookup({2: [10, 2, 3]})[2])
    cost = loss(np.full((8, 8), hair_or_brow, np.uint8), np.full((8, 8), guess))
    assert (cost < 0.01) == cheap


def test_sure_but_wrong_pixels_pull_dice_down(codes: NDArray[np.uint8]) -> None:
    wrong = codes.copy()
    wrong[:8] = (wrong[:8] + 1) % len(LAPA)
    only_dice = loss(codes, wrong, dice=1.0) - loss(codes, wrong)
    assert 0.25 < only_dice < 0.6


def test_half_resolution_logits_are_brought_to_the_size_of_the_targets() -> None:
    halves = np.repeat([[0] * 8 + [10] * 8], 16, axis=0).astype(np.uint8)
    logits = 20.0 * np.eye(len(LAPA), dtype=np.float32)[halves[::2, ::2]]
    assert float(SegmentationLoss(TABLE.allowed)(halves[None], logits[None])) < 0.1


def test_a_mirrored_set_is_the_set_of_mirrored_classes() -> None:
    table = target_table(LAPA, [{7: [2, 4]}])
    left, right = int(table.lookup({7: [2, 4]})[7]), int(table.lookup({7: [3, 5]})[7])
    assert table.flip[left] == right
    assert table.flip[right] == left
    assert table.flip[table.ignore] == table.ignore


def test_label_values_without_a_meaning_are_ignored() -> None:
    lookup = TABLE.lookup(plain_values(LAPA))
    assert lookup[:11].tolist() == list(range(11))
    assert set(lookup[11:].tolist()) == {TABLE.ignore}


@pytest.mark.parametrize("values", [{255: [1]}, {0: []}, {0: [11]}])
def test_sets_that_are_none_are_refused(values: dict[int, list[int]]) -> None:
    with pytest.raises(ValueError, match="no set of classes"):
        target_table(LAPA, [values])


def test_of_half_resolution_logits_each_batch_shows_one_pixel_and_all_have_their_turn() -> None:
    """Each loss is that of one pixel of every 2 x 2, interpolated by OpenCV; over many batches every pixel comes."""
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(40):
        codes = rng.integers(0, len(LAPA), (8, 8)).astype(np.uint8)
        logits = rng.normal(0, 2, (4, 4, len(LAPA))).astype(np.float32)
        full = cv2.resize(logits, (8, 8), interpolation=cv2.INTER_LINEAR)
        found = plain_loss(codes, logits)
        (pixel,) = [
            (y, x)
            for y in (0, 1)
            for x in (0, 1)
            if plain_loss(codes[y::2, x::2], full[y::2, x::2]) == pytest.approx(found, abs=1e-4)
        ]
        seen.add(pixel)
    assert len(seen) == 4


def plain_loss(codes: NDArray[np.uint8], logits: NDArray[np.float32]) -> float:
    """Cross-entropy alone, of one picture."""
    return float(SegmentationLoss(TABLE.allowed, dice_weight=0)(codes[None], logits[None]))
