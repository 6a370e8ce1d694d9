"""No secret in anything that was sent, printed or left, once everything else has happened."""

from pathlib import Path

import pytest

from tests.deployment.conftest import Done
from tests.deployment.stage import SERVICE, Stage


@pytest.fixture
def finished(stage: Stage, cut_off: Done) -> Stage:
    """The stage after every deployment."""
    return stage


@pytest.mark.parametrize("name", ["secret", "key"])
def test_no_command_parameter_or_output_holds_a_secret(finished: Stage, name: str) -> None:
    said = "".join(finished.outputs + finished.aws.sent)
    assert said and getattr(finished, name) not in said


def test_no_settings_are_left_on_the_hosts_disk(finished: Stage) -> None:
    assert finished.files_holding(SERVICE), "the host keeps no files: nothing was looked at"
    assert finished.files_holding(finished.secret) == []
    assert not Path(f"/run/{SERVICE}-deploy").exists()
