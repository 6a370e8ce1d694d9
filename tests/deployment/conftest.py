"""Fixtures: one stage for the whole run, and what happened to it, in order.

Each fixture that changes the stage runs after the one it names and records what its tests need, so that a test file
can run alone.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deployment.load import Load
from tests.deployment.stage import ENDS, HANGS, SERVICE, V1, V2, Stage, remove_leftovers
from tests.engine import docker, engine, image, run

__all__ = ["engine", "image"]

Done = subprocess.CompletedProcess[str]


class Deployment(NamedTuple):
    """A deployment under load: how it went, when the old container was drained, what served before and after."""

    done: Done
    load: Load
    drained: list[float]
    before: tuple[str, str]
    after: tuple[str, str]
    served_by_new: int
    containers: list[str]
    images: list[str]


class Fresh(NamedTuple):
    """What a stage without any deployment answers."""

    refusals: dict[str, Done]
    rollback: Done
    containers: list[str]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, engine: None) -> Iterator[Stage]:
    """A stage with its AWS, its registry and nothing deployed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
        for command in ("aws", "terraform"):
            assert shutil.which(command), f"{command} is not installed: the deployment was NOT tested"
        remove_leftovers()
        stage = Stage(tmp_path_factory.mktemp("stage"), patch)
        yield stage
        stage.aws.stop()
        remove_leftovers()


@pytest.fixture(scope="session")
def document(stage: Stage) -> bytes:
    """The SSM document; everything else that terraform and an operator make is there as well."""
    return stage.prepare()


@pytest.fixture(scope="session")
def publications(stage: Stage, document: bytes, image: str) -> list[Done]:
    """publish_model, twice, of the small bundle that is in the image."""
    docker("tag", image, f"{SERVICE}:{V1}")
    publish = ("manage", "publish_model", "ml_core/bundles/lite-int8", "s3://models/faces")
    return [stage.run_image(*publish), stage.run_image(*publish)]


@pytest.fixture(scope="session")
def second_push(stage: Stage, publications: list[Done]) -> Done:
    """v1, v2 and two images that never get ready are pushed; then v1 once more."""
    for tag, parent, line in (
        (V2, V1, 'LABEL release="2"'),
        (ENDS, V2, "ENV MODEL=absent"),
        (HANGS, V2, 'ENTRYPOINT ["sleep", "600"]'),
    ):
        name = f"{SERVICE}:{tag}"
        run("docker", "build", "--quiet", "--tag", name, "-", input=f"FROM {SERVICE}:{parent}\n{line}\n")
    for tag in (V1, V2, ENDS, HANGS):
        stage.script("push.sh", TAG=tag)
        docker("image", "rm", f"{stage.registry}/{SERVICE}:{tag}")  # so that the host has to pull it
    return stage.script("push.sh", TAG=V1)


@pytest.fixture(scope="session")
def fresh(stage: Stage, second_push: Done) -> Fresh:
    """Calls that are refused before anything is sent, and a rollback with nothing to go back to."""
    calls = {
        "AWS_REGION is not set": {"AWS_REGION": "", "TAG": V1},
        "STAGE is not set": {"STAGE": "", "TAG": V1},
        "is no commit": {"TAG": "latest; reboot"},
        "push it first": {"TAG": "0" * 40},
    }
    refusals = {why: stage.script("deploy.sh", check=False, **given) for why, given in calls.items()}
    return Fresh(refusals, stage.script("rollback.sh", check=False), stage.containers())


@pytest.fixture(scope="session")
def first(stage: Stage, fresh: Fresh) -> Done:
    """A key, made as docs/deploy.md says, and v1 as the first deployment."""
    volume = ("--volume", f"{SERVICE}-state:/var/lib/face-parsing")
    make_key = "python manage.py migrate --verbosity 0 && python manage.py create_api_key proof"
    options = ("--rm", "--network", "none", *volume)
    stage.key = docker("run", *options, f"{SERVICE}:{V1}", "sh", "-c", make_key).splitlines()[-1]
    return stage.script("deploy.sh", TAG=V1)


def under_load(stage: Stage, script: str, *, check: bool = True, **variables: str) -> Deployment:
    """Run a script of docker/deploy while clients keep asking, before, during and after."""
    before = stage.serving()
    with stage.load() as load:
        started = time.time()
        done = stage.script(script, check=check, **variables)
        drained = stage.drained(before[0], started, time.time())
        load.wait_for_answers()
    after = stage.serving()
    images = docker("image", "ls", "--format", "{{.Tag}}", f"{stage.registry}/{SERVICE}").split()
    served = stage.served(after[0])
    return Deployment(done, load, drained, before, after, served, stage.containers(), images)


@pytest.fixture(scope="session")
def replaced(stage: Stage, first: Done) -> Deployment:
    """v1 -> v2."""
    return under_load(stage, "deploy.sh", TAG=V2)


@pytest.fixture(scope="session")
def ends(stage: Stage, replaced: Deployment) -> Deployment:
    """v2 -> an image whose container ends by itself."""
    return under_load(stage, "deploy.sh", check=False, TAG=ENDS)


@pytest.fixture(scope="session")
def hangs(stage: Stage, ends: Deployment) -> Deployment:
    """v2 -> an image whose container is never ready."""
    return under_load(stage, "deploy.sh", check=False, TAG=HANGS)


@pytest.fixture(scope="session")
def rolled_back(stage: Stage, hangs: Deployment) -> Deployment:
    """v2 -> v1 by rollback.sh, without a registry."""
    with stage.registry_stopped():
        return under_load(stage, "rollback.sh")


@pytest.fixture(scope="session")
def cut_off(stage: Stage, rolled_back: Deployment) -> Done:
    """v1 -> v2 by rollback.sh, on a host that another deployment has left in the middle."""
    name, _ = stage.serving()
    spare = f"{SERVICE}-green" if name.endswith("blue") else f"{SERVICE}-blue"
    volume = ("--volume", f"{SERVICE}-state:/var/lib/face-parsing")
    stops = ("--stop-signal", "SIGKILL")  # `sleep` as process 1 ignores SIGTERM
    docker("run", "-d", "--name", spare, "--network", SERVICE, *volume, *stops, f"{SERVICE}:{HANGS}")
    return stage.script("rollback.sh")
