"""Learning rate, input sizes and budgets follow from the progress of a run."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ml_core.unetr.augment_config import AugmentConfig
from ml_core.unetr.schedule import Budget, FitConfig, Phase

CONFIG = FitConfig(
    phases=(Phase(128, 32, 0.5), Phase(256, 8, 1.0)), learning_rate=1.0, final_rate=0.1, warmup=0.1
)


def test_the_rate_warms_up_and_falls_to_its_end() -> None:
    assert CONFIG.rate(0.0) == pytest.approx(0.01)
    assert CONFIG.rate(0.05) == pytest.approx(0.5)
    assert CONFIG.rate(0.1) == pytest.approx(1.0)
    assert CONFIG.rate(0.55) == pytest.approx(0.55)
    assert CONFIG.rate(1.0) == pytest.approx(0.1)
    assert CONFIG.rate(1.2) == pytest.approx(0.1)


def test_the_input_grows_with_the_run() -> None:
    assert [CONFIG.phase(progress).size for progress in (0, 0.49, 0.5, 1.0, 1.1)] == [128, 128, 256, 256, 256]


def test_a_budget_counts_epochs_or_minutes() -> None:
    assert Budget(epochs=4).share(epochs=1.0, seconds=999) == 0.25
    assert Budget(minutes=2).share(epochs=999, seconds=30) == 0.25
    with pytest.raises(ValueError, match="either"):
        Budget()
    with pytest.raises(ValueError, match="either"):
        Budget(epochs=1, minutes=1)


@pytest.mark.parametrize(
    "phases",
    [
        [],
        [{"size": 128, "batch_size": 8, "until": 0.5}],
        [{"size": 128, "batch_size": 8, "until": 0.9}, {"size": 256, "batch_size": 8, "until": 0.5}],
        [{"size": 128, "batch_size": 0, "until": 1}],
    ],
)
def test_phases_that_leave_a_gap_are_refused(phases: list[dict[str, float]]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        FitConfig(phases=phases)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", float("inf")), ("warmup", 1.0), ("seed", -1), ("clip_norm", float("nan"))],
)
def test_values_that_would_end_a_run_in_its_middle_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        TypeAdapter(FitConfig).validate_python(
            {"phases": [{"size": 128, "batch_size": 8, "until": 1}], name: value}
        )


def read_config(phase_augment: dict[str, float]) -> FitConfig:
    """From plain values, as params.yaml has them."""
    first = {"size": 128, "batch_size": 8, "until": 0.5}
    phases = [first, {**first, "until": 1, "augment": phase_augment}]
    values = {"phases": phases, "augment": {"rotation": 10, "near": 0.1}}
    return TypeAdapter(FitConfig).validate_python(values)


def test_a_phase_inherits_the_augmentation_of_the_run() -> None:
    config = read_config({"near": 0.9})
    calmer = config.phases[1].augment
    assert calmer is not None
    assert (calmer.near, calmer.rotation) == (0.9, 10)
    assert (config.augment.near, config.phases[0].augment) == (0.1, None)
    with pytest.raises(ValidationError, match=r"phases\.1\.augment\.nearly"):
        read_config({"nearly": 1})


@pytest.mark.parametrize("run", [{"rotation": 10, "near": 0.1}, AugmentConfig(rotation=10, near=0.1)])
@pytest.mark.parametrize("kind", [list, tuple])
def test_it_inherits_in_whatever_way_the_config_is_made(run: Any, kind: Callable[[Any], Any]) -> None:
    phases: Any = kind([{"size": 64, "batch_size": 2, "until": 1, "augment": {"near": 0.9}}])
    calmer = FitConfig(phases=phases, augment=run).phases[0].augment
    assert calmer is not None
    assert (calmer.near, calmer.rotation) == (0.9, 10)
