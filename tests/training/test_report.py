"""The card tells what model.json holds, in full."""

from typing import Any

from training.report import _parity, _strata, _training

LEG: dict[str, Any] = {
    "epochs": 31,
    "minutes": 112.3,
    "samples_per_epoch": 2048,
    "phases": [{"size": 128, "until": 0.5}, {"size": 256, "until": 1.0}],
    "validation_f1": 0.8559,
    "init": None,
}


def test_all_legs_of_the_training_are_told() -> None:
    text = _training(LEG | {"minutes": 200.0, "validation_f1": 0.87, "init": "lite 0.1.0", "after": LEG})
    first, second = text.index("from random weights: 31 epochs"), text.index("from lite 0.1.0: 31 epochs")
    assert first < second
    assert text.startswith("312 minutes in all")
    assert "85.59 %" in text and "87.00 %" in text
    assert "128 px until 50%" in text
    assert "in all" not in _training(LEG)
    risen = [0.7, 0.84, 0.85, 0.855, 0.8559]
    assert "85.59 % (the last epochs: 84.00, 85.00, 85.50, 85.59)" in _training(
        LEG | {"validation_f1_by_epoch": risen}
    )
    assert _training({}) == "not recorded"


def test_groups_of_different_size_say_how_many_photos_each_has() -> None:
    rows = {"tan": {"photos": 61, "mean_f1": 84.0}, "dark": {"photos": 13, "mean_f1": None}}
    assert "| by skin tone, `faces=whole` | 74 | tan: 84.00 (61), dark: - (13) |" in list(
        _strata({"skin tone": rows}, faces=True)
    )
    same = {"0": {"photos": 8, "mean_f1": 81.0}, "4": {"photos": 8, "mean_f1": 76.5}}
    assert list(_strata({"blur": same}, faces=True))[-1].endswith("| 8 each | 0: 81.00, 4: 76.50 |")


def test_the_parity_that_is_known_is_told() -> None:
    assert _parity({"max_logit_difference": 1.14e-5, "photos": 16}) == (
        "logits within 1.1e-05 of Keras on 16 photos"
    )
    assert _parity({"f1": {"keras": 85.6, "fp32": 85.6, "int8": 85.41}, "f1_photos": 238}) == (
        "mean F1 % on 238 validation photos: keras 85.60, fp32 85.60, int8 85.41"
    )
    assert _parity({}) == "not recorded"
