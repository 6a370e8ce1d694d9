"""A run that is killed at random moments and resumed ends as an unbroken one."""

import random

from tests.bulk.conftest import KILLS, PHOTOS, Runs, kill, results, rows, wait_for


def test_kills_leave_no_trace(runs: Runs) -> None:
    cut, whole, options = runs.folder / "cut", runs.folder / "whole", ("--output", "mask,json", "--resume")
    runs.finish(runs.photos, whole, *options)
    kept: dict[str, int] = {}
    for number in range(KILLS):
        share = (number + random.random()) / KILLS
        with runs.start(runs.photos, cut, *options) as process:
            wait_for(cut, round(2 * PHOTOS * share), process)
            kill(process)
        found = results(cut)
        assert kept.items() <= found.items(), "finished results were written again"
        kept = found
    runs.finish(runs.photos, cut, *options)
    assert kept.items() <= results(cut).items()
    assert sorted(results(cut)) == sorted(results(whole))
    assert len(results(cut)) == 2 * PHOTOS
    assert all((cut / name).read_bytes() == (whole / name).read_bytes() for name in results(whole))
    assert rows(cut) == rows(whole)
    assert sorted(path.name for path in cut.iterdir()) == sorted(path.name for path in whole.iterdir())
