"""The tables of docs/scale.md are those of the figures beside it."""

import json

from benchmarks.fleet import SERVICE_MS
from benchmarks.scale import FIGURES, PAGE, TYPICAL, filled


def test_the_page_has_the_tables_of_its_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, json.loads(FIGURES.read_text(encoding="utf-8"))) == page


def test_the_simulation_serves_photos_in_the_time_they_were_measured_to_take() -> None:
    costs = json.loads(FIGURES.read_text(encoding="utf-8"))["costs"]
    (mean,) = (one["cpu_ms"] for one in costs if (tuple(one["size"]), one["output"]) == TYPICAL)
    assert round(mean) == SERVICE_MS
