"""A new version takes over under load; one that never gets ready is undone by itself; rollback.sh goes back."""

import re

import pytest

from tests.deployment.conftest import Deployment, Done
from tests.deployment.stage import READY_TIMEOUT, SERVICE, V1, V2, Stage

WHY = {"ends": "ended by itself", "hangs": f"was not ready after {READY_TIMEOUT} s"}


@pytest.fixture(params=WHY)
def undone(request: pytest.FixtureRequest) -> tuple[Deployment, str]:
    """A deployment that did not get ready, and the reason it must give."""
    return request.getfixturevalue(request.param), WHY[request.param]


@pytest.mark.parametrize("name", ["replaced", "ends", "hangs", "rolled_back"])
def test_no_request_is_lost(request: pytest.FixtureRequest, name: str) -> None:
    deployment: Deployment = request.getfixturevalue(name)
    assert deployment.load.answers
    assert deployment.load.failed == []


def test_long_requests_under_way_on_the_old_container_are_answered(
    replaced: Deployment,
) -> None:
    (drained,) = replaced.drained
    under_way = replaced.load.long_requests_at(drained)
    assert under_way and {row.outcome for row in under_way} == {"200"}


def test_v2_serves_and_has_answered_requests(replaced: Deployment) -> None:
    assert replaced.after[1] == V2
    assert replaced.served_by_new > 0


def test_v1_was_ended_by_sigterm_with_0(replaced: Deployment) -> None:
    status = re.search(r"ended with (\d+)", replaced.done.stdout)
    assert status and status[1] == "0"


def test_the_images_of_both_versions_stay_on_the_host(replaced: Deployment) -> None:
    assert set(replaced.images) == {V1, V2}


def test_a_version_that_never_gets_ready_is_undone_and_says_why(undone: tuple[Deployment, str]) -> None:
    deployment, why = undone
    assert deployment.done.returncode == 1
    assert why in deployment.done.stdout
    assert f"NOT DEPLOYED: {V2} serves on" in deployment.done.stdout


def test_the_old_version_never_stops_for_one_that_is_undone(undone: tuple[Deployment, str]) -> None:
    deployment, _ = undone
    assert deployment.after == deployment.before


def test_nothing_is_left_of_one_that_is_undone(undone: tuple[Deployment, str]) -> None:
    deployment, _ = undone
    assert deployment.containers == sorted([deployment.before[0], f"{SERVICE}-front"])


def test_the_log_of_one_that_ended_is_shown(ends: Deployment) -> None:
    assert "no bundle 'absent'" in ends.done.stdout


def test_rollback_needs_no_registry(rolled_back: Deployment) -> None:
    assert (rolled_back.before[1], rolled_back.after[1]) == (V2, V1)


def test_rollback_removes_what_a_cut_off_deployment_left(stage: Stage, cut_off: Done) -> None:
    assert "cut off" in cut_off.stdout
    assert stage.serving()[1] == V2
