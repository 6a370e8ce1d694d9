"""Where a run's weights come from, and what that means for their licence."""

from pathlib import Path

from training.history import Start

LITE = Path(__file__).resolve().parents[2] / "ml_core/bundles/lite"


def test_the_licence_of_the_weights_before_goes_on() -> None:
    start = Start.of(LITE)
    assert start.licence is not None
    found = start.licence_with("CC0")
    assert "CC0" in found
    assert start.licence in found
    assert str(start.init) in found


def test_a_licence_is_said_once() -> None:
    start = Start.of(LITE)
    assert start.licence_with(str(start.licence)) == start.licence
    assert Start.of(None).licence_with("CC0") == "CC0"
