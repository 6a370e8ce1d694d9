"""Push, the calls that are refused, and the first deployment to a fresh host."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.deployment.conftest import Done, Fresh
from tests.deployment.stage import ENDS, HANGS, SERVICE, V1, V2, Stage
from tests.engine import PHOTO, ROOT, docker, inspect


@pytest.fixture
def api(stage: Stage, first: Done) -> Iterator[httpx.Client]:
    """The API through the front, with a key."""
    headers = {"Authorization": f"Api-Key {stage.key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{stage.front}/api", headers=headers, timeout=60) as client:
        yield client


def test_the_document_that_terraform_renders_fits_into_ssm(document: bytes) -> None:
    assert len(document) < 65536


def test_push_puts_every_tag_into_the_registry(stage: Stage, second_push: Done) -> None:
    tags = httpx.get(f"http://{stage.registry}/v2/{SERVICE}/tags/list").json()["tags"]
    assert set(tags) == {V1, V2, ENDS, HANGS}


def test_a_second_push_of_a_tag_leaves_it_alone(second_push: Done) -> None:
    assert "nothing pushed" in second_push.stderr


@pytest.mark.parametrize(
    "why", ["AWS_REGION is not set", "STAGE is not set", "is no commit", "push it first"]
)
def test_deploy_names_what_is_missing(fresh: Fresh, why: str) -> None:
    assert fresh.refusals[why].returncode != 0
    assert why in fresh.refusals[why].stderr


def test_a_fresh_host_has_nothing_to_roll_back_to(fresh: Fresh) -> None:
    assert fresh.rollback.returncode != 0
    assert "no image before this one" in fresh.rollback.stdout
    assert fresh.containers == []


def test_the_first_deployment_serves_v1(first: Done) -> None:
    assert f"DEPLOYED: {V1} serves" in first.stdout


def test_the_host_reached_it_through_the_front(first: Done) -> None:
    assert "does not answer" not in first.stdout


def test_the_sample_through_the_front_gets_its_mask(api: httpx.Client) -> None:
    answer = api.post("/segment/", files={"image": PHOTO})
    assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")


def test_without_a_key_it_answers_401(api: httpx.Client) -> None:
    assert httpx.post(f"{api.base_url}segment/", content=b"x").status_code == 401


def test_its_model_is_the_one_in_the_bucket(api: httpx.Client) -> None:
    (model,) = api.get("/models/").json()
    card = json.loads((ROOT / "ml_core/bundles/lite-int8/model.json").read_text())
    assert model["sha256"] == card["sha256"]


def test_its_model_is_kept_on_the_volume(stage: Stage, api: httpx.Client) -> None:
    name, _ = stage.serving()
    assert docker("exec", name, "sh", "-c", "ls $MODELS_CACHE/*/lite-int8/*/model.onnx")


def test_its_container_is_read_only_without_capabilities_and_not_root(stage: Stage, first: Done) -> None:
    container = inspect(stage.serving()[0])
    assert container["HostConfig"]["ReadonlyRootfs"]
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert container["Config"]["User"] == "10001:10001"
