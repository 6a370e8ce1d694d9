"""Scores from a confusion matrix, checked against counts made by hand."""

import numpy as np
import pytest

from ml_core.unetr.metrics import Reliability, confusion_matrix, scores

TRUTH = np.array([[0, 0, 1, 1], [2, 2, 1, 255]], np.uint8)
GUESS = np.array([[0, 1, 1, 1], [2, 0, 2, 2]], np.uint8)


def test_rows_are_the_truth_columns_the_prediction_and_255_is_left_out() -> None:
    assert confusion_matrix(TRUTH, GUESS, 3).tolist() == [[1, 1, 0], [0, 2, 1], [1, 0, 1]]


def test_f1_and_iou_by_hand() -> None:
    found = scores(confusion_matrix(TRUTH, GUESS, 3))
    assert found.f1.tolist() == pytest.approx([2 / 4, 4 / 6, 2 / 4])
    assert found.iou.tolist() == pytest.approx([1 / 3, 2 / 4, 1 / 3])
    assert found.mean_f1 == pytest.approx((4 / 6 + 2 / 4) / 2)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean() -> None:
    found = scores(confusion_matrix(TRUTH, GUESS, 4))
    assert np.isnan(found.f1[3])
    assert found.mean_f1 == pytest.approx((4 / 6 + 2 / 4) / 2)


def test_a_mean_of_nothing_is_nan() -> None:
    assert np.isnan(scores(np.zeros((3, 3), np.int64)).mean_f1)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        confusion_matrix(TRUTH, GUESS[:1], 3)
    with pytest.raises(ValueError, match="class 2 of 2"):
        confusion_matrix(np.zeros_like(GUESS), GUESS, 2)


def test_the_calibration_error_by_hand() -> None:
    sure = Reliability.of(np.array([1.0, 1.0, 1.0, 0.97]), np.array([True, True, False, True]))
    unsure = Reliability.of(np.array([0.5, 0.5]), np.array([True, False]))
    assert sure.count.sum() == sure.count[14] == 4
    assert sure.error == pytest.approx((3.97 - 3) / 4)
    assert unsure.error == pytest.approx(0)
    assert (sure + unsure).error == pytest.approx((3.97 - 3) / 6)  # bins are not mixed


def test_a_confidence_on_the_border_of_two_bins_belongs_to_the_lower() -> None:
    found = Reliability.of(np.array([0.0, 0.5, 0.51]), np.array([True, True, True]), bins=2)
    assert found.count.tolist() == [2, 1]
    assert np.isnan(Reliability.of(np.array([]), np.array([], bool)).error)
