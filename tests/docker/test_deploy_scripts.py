"""docker/deploy/*.sh with stub `aws` and `docker` commands: what they refuse, what they ask AWS, what they report."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Run = Callable[..., "subprocess.CompletedProcess[str]"]

# Answers from answers.json, by the longest key that the command line starts with; logs command lines in asked.txt
STUB = f"""#!{sys.executable}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
asked = " ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])
with (here / "asked.txt").open("a") as log:
    print(asked, file=log)
answers = json.loads((here / "answers.json").read_text())
found = max((key for key in answers if asked.startswith(key)), key=len, default=None)
if found is None:
    sys.exit("unexpected: " + asked)
if asked.startswith("docker login"):
    sys.stdin.read()
status, text = answers[found]
print(text, file=sys.stderr if status else sys.stdout)
sys.exit(status)
"""

PRESENT = {"aws ecr describe-images": (0, "{}")}
ABSENT = {"aws ecr describe-images": (254, "An error occurred (ImageNotFoundException): no such image")}
PUSHES = {
    "aws sts get-caller-identity": (0, "123456789012"),
    "aws ecr get-login-password": (0, "a-password"),
    "docker": (0, ""),
}


def sends(status: str, hosts: str = "i-1") -> dict[str, tuple[int, str]]:
    """Stub answers: SSM accepts the command, which ends with `status`."""
    return {
        **PRESENT,
        "aws ssm send-command": (0, "c-1"),
        "aws ssm list-commands": (0, status),
        "aws ssm list-command-invocations": (0, hosts),
        "aws ssm get-command-invocation": (0, "what the host said"),
    }


@pytest.fixture
def script(tmp_path: Path) -> Run:
    """Run a script with stub answers; `asked` then has the command lines."""
    for name in ("aws", "docker"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)

    def run(
        name: str, answers: dict[str, tuple[int, str]], **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        (tmp_path / "asked.txt").write_text("")
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "POLL": "0", "TAG": COMMIT, **variables}
        return subprocess.run(
            [ROOT / "docker" / "deploy" / name], env=environment, capture_output=True, text=True, timeout=60
        )

    return run


def asked(tmp_path: Path) -> str:
    """The command lines that the stubs were called with."""
    return (tmp_path / "asked.txt").read_text()


@pytest.mark.parametrize("name", ["push.sh", "login.sh", "deploy.sh", "rollback.sh"])
def test_a_missing_variable_is_named(script: Run, tmp_path: Path, name: str) -> None:
    done = script(name, {})
    assert done.returncode == 2
    assert "AWS_REGION is not set" in done.stderr
    assert asked(tmp_path) == ""
    if name in ("deploy.sh", "rollback.sh"):
        assert "STAGE is not set" in script(name, {}, AWS_REGION="eu-central-1").stderr


def test_push_goes_to_the_accounts_own_registry(script: Run, tmp_path: Path) -> None:
    done = script("push.sh", {**PUSHES, **ABSENT}, AWS_REGION="eu-central-1")
    assert done.returncode == 0, done.stderr
    target = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/face-parsing:{COMMIT}"
    assert f"docker push --quiet {target}" in asked(tmp_path)
    assert "a-password" not in asked(tmp_path)


def test_a_tag_that_is_there_is_left_alone(script: Run, tmp_path: Path) -> None:
    done = script("push.sh", {**PUSHES, **PRESENT}, AWS_REGION="eu-central-1")
    assert (done.returncode, "nothing pushed" in done.stderr) == (0, True)
    assert "docker push" not in asked(tmp_path)


def test_what_is_not_committed_is_not_pushed(script: Run, tmp_path: Path) -> None:
    done = script("push.sh", {**PUSHES, **ABSENT}, AWS_REGION="eu-central-1", TAG=f"{COMMIT}-dirty")
    assert (done.returncode, "commit first" in done.stderr) == (1, True)
    assert "docker push" not in asked(tmp_path)


def test_a_repository_that_is_not_there_is_said(script: Run) -> None:
    denied = {"aws ecr describe-images": (254, "An error occurred (RepositoryNotFoundException)")}
    done = script("push.sh", {**PUSHES, **denied}, AWS_REGION="eu-central-1")
    assert (done.returncode, "RepositoryNotFoundException" in done.stderr) == (1, True)


def test_deploy_tells_the_stages_hosts_and_waits(script: Run, tmp_path: Path) -> None:
    done = script("deploy.sh", sends("Success"), AWS_REGION="eu-central-1", STAGE="staging")
    assert done.returncode == 0, done.stderr
    assert "what the host said" in done.stdout
    sent = asked(tmp_path)
    assert "--document-name face-parsing-staging-deploy" in sent and f"Tag={COMMIT}" in sent
    assert "Key=tag:Stage,Values=staging" in sent and "--max-concurrency 1 --max-errors 0" in sent


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled"])
def test_deploy_fails_with_what_the_host_said(script: Run, status: str) -> None:
    done = script("deploy.sh", sends(status), AWS_REGION="eu-central-1", STAGE="staging")
    assert (done.returncode, "what the host said" in done.stdout) == (1, True)
    assert status in done.stderr


def test_deploy_fails_where_no_host_is(script: Run) -> None:
    done = script("deploy.sh", sends("Success", hosts="None"), AWS_REGION="eu-central-1", STAGE="staging")
    assert (done.returncode, "no running host" in done.stderr) == (1, True)


def test_deploy_gives_up_waiting_and_says_that_it_goes_on(script: Run) -> None:
    done = script("deploy.sh", sends("InProgress"), AWS_REGION="eu-central-1", STAGE="staging", TIMEOUT="0")
    assert (done.returncode, "it goes on" in done.stderr) == (1, True)


@pytest.mark.parametrize("tag", ["latest", "$(reboot)", COMMIT[:7]])
def test_deploy_takes_commits_only(script: Run, tmp_path: Path, tag: str) -> None:
    done = script("deploy.sh", sends("Success"), AWS_REGION="eu-central-1", STAGE="staging", TAG=tag)
    assert (done.returncode, "is no commit" in done.stderr, asked(tmp_path)) == (1, True, "")


def test_deploy_wants_the_image_to_be_there(script: Run, tmp_path: Path) -> None:
    done = script("deploy.sh", {**sends("Success"), **ABSENT}, AWS_REGION="eu-central-1", STAGE="staging")
    assert (done.returncode, "push it first" in done.stderr) == (1, True)
    assert "send-command" not in asked(tmp_path)


def test_rollback_sends_previous(script: Run, tmp_path: Path) -> None:
    done = script("rollback.sh", sends("Success"), AWS_REGION="eu-central-1", STAGE="production")
    assert done.returncode == 0, done.stderr
    assert "Tag=previous" in asked(tmp_path) and COMMIT not in asked(tmp_path)
