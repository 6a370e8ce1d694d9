"""What no workflow linter knows: steps run this repository's own scripts, and main is gated."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(name: str) -> dict[str, Any]:
    """One workflow file, parsed."""
    return dict(yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text()))


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of every job."""
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_and_nothing_is_allowed_that_is_not_needed(file: Any) -> None:
    workflow = load(file.name)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert set(job["permissions"].items()) <= {("contents", "read"), ("id-token", "write")}, name
        assert "timeout-minutes" in job or "uses" in job, name
    for step in steps(workflow):
        assert "${{" not in step.get("run", ""), step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"] == {"persist-credentials": False}
    assert "secrets." not in file.read_text()


def test_steps_run_what_can_be_run_anywhere() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for file in FILES:
        text = file.read_text()
        assert ".ci/" not in text
        for script in re.findall(r"docker/deploy/[\w-]+\.sh", text):
            assert os.access(ROOT / script, os.X_OK), script
        for target in re.findall(r"run: make ([\w-]+)", text):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_only_a_job_that_asks_aws_gets_a_token() -> None:
    for file in FILES:
        for name, job in load(file.name)["jobs"].items():
            asks = any("configure-aws-credentials" in step.get("uses", "") for step in job.get("steps", []))
            assert asks == ("id-token" in job["permissions"]), name


def test_production_comes_after_staging_and_staging_after_the_tests() -> None:
    jobs = load("deploy.yml")["jobs"]
    assert jobs["build"]["needs"] == "ci" and jobs["ci"]["uses"] == "$/.github/workflows/ci.yml"
    assert (jobs["staging"]["needs"], jobs["staging"]["environment"]) == ("build", "staging")
    assert (jobs["production"]["needs"], jobs["production"]["environment"]) == ("staging", "production")


def test_a_run_that_waits_for_approval_holds_up_no_other() -> None:
    workflow = load("deploy.yml")
    assert "concurrency" not in workflow
    for name in ("production", "roll_back"):
        assert "concurrency" not in workflow["jobs"][name], name


def test_the_page_is_tried_with_all_that_its_tests_ask_for() -> None:
    jobs = [[step.get("run", "") for step in job.get("steps", [])] for job in load("ci.yml")["jobs"].values()]
    (lines,) = (lines for lines in map("\n".join, jobs) if "npm --prefix frontend run e2e" in lines)
    needed = (".venv/.installed-serve", "build:remote", "make page", "run e2e")
    assert sorted(needed, key=lines.index) == list(needed)
