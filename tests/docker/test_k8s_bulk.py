"""docker/k8s/bulk as `kubectl kustomize` renders it: KubeRay's RayJob, for which Kubernetes has no schema."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from kubernetes_validate import validate

from tests.conftest import ROOT
from tests.docker.test_k8s import VERSIONS, Yaml, environment_of_image, of_image, render, seconds

KINDS = {"Namespace", "ServiceAccount", "NetworkPolicy", "RayJob"}
TEMPLATE = object()
"""A pod's, which has a schema."""
WORKERS = {
    "groupName": str,
    "replicas": int,
    "minReplicas": int,
    "maxReplicas": int,
    "rayStartParams": dict,
    "template": TEMPLATE,
}
FIELDS: Yaml = {
    "entrypoint": str,
    "submissionMode": str,
    "backoffLimit": int,
    "activeDeadlineSeconds": int,
    "shutdownAfterJobFinishes": bool,
    "ttlSecondsAfterFinished": int,
    "rayClusterSpec": {
        "rayVersion": str,
        "headGroupSpec": {"rayStartParams": dict, "template": TEMPLATE},
        "workerGroupSpecs": [WORKERS],
    },
}
"""What ray.io/v1 calls them, as far as they are used here (KubeRay's rayjob_types.go and raycluster_types.go)."""
AGENT = 52365
"""Where Ray's dashboard agent answers on every node, unless it is told otherwise."""


@pytest.fixture(scope="module")
def kinds() -> dict[str, Yaml]:
    """The objects by kind."""
    found = render(ROOT / "docker" / "k8s" / "bulk")
    assert len(found) == len(KINDS)
    return {one["kind"]: one for one in found}


@pytest.fixture(scope="module")
def spec(kinds: dict[str, Yaml]) -> Yaml:
    """The RayJob's."""
    found: Yaml = kinds["RayJob"]["spec"]
    return found


@pytest.fixture(scope="module")
def pods(spec: Yaml) -> list[Yaml]:
    """The templates of the head and of the workers."""
    cluster = spec["rayClusterSpec"]
    return [cluster["headGroupSpec"]["template"], *(one["template"] for one in cluster["workerGroupSpecs"])]


def check(value: Any, wanted: Any, where: str) -> None:
    """All fields are there, of their types, and no other."""
    if isinstance(wanted, dict):
        assert set(value) == set(wanted), where
        for name, one in wanted.items():
            check(value[name], one, f"{where}.{name}")
    elif isinstance(wanted, list):
        for one in value:
            check(one, wanted[0], where)
    elif wanted is dict:
        assert all(isinstance(word, str) for pair in value.items() for word in pair), where
    elif wanted is not TEMPLATE:
        assert type(value) is wanted, where


def test_the_job_has_the_fields_of_kuberay(kinds: dict[str, Yaml], spec: Yaml) -> None:
    assert set(kinds) == KINDS
    assert kinds["RayJob"]["apiVersion"] == "ray.io/v1"
    check(spec, FIELDS, "spec")
    for group in spec["rayClusterSpec"]["workerGroupSpecs"]:
        assert 1 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    assert spec["submissionMode"] in ("K8sJobMode", "HTTPMode", "SidecarMode")
    assert spec["shutdownAfterJobFinishes"]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_else_fits_its_schema(kinds: dict[str, Yaml], pods: list[Yaml], version: str) -> None:
    for kind in KINDS - {"RayJob"}:
        validate(kinds[kind], version, strict=True)
    for pod in pods:
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": pod}
        validate(template, version, strict=True)


def test_the_command_is_one_that_segment_images_takes(spec: Yaml) -> None:
    python, manage, name, *given = shlex.split(spec["entrypoint"])
    assert (python, manage) == ("python", "manage.py")
    parser = load_command_class("segmentation_api", name).create_parser("manage.py", name)
    found = parser.parse_args(given)
    assert (found.engine, found.ray_address) == ("ray", "auto")
    assert found.resume, "a second try goes on"
    assert found.src.startswith("s3://") and found.dst.startswith("s3://"), "all that the pods share"


def test_the_image_has_the_ray_of_the_cluster_and_its_dashboard(spec: Yaml, pods: list[Yaml]) -> None:
    images = {pod["spec"]["containers"][0]["image"] for pod in pods}
    assert len(images) == 1, "Ray and the project must be the same everywhere"
    name, _, tag = images.pop().rpartition("/")[2].partition(":")
    assert name == "face-parsing"
    assert tag not in ("", "latest")
    comment = (ROOT / "docker" / "k8s" / "bulk" / "kustomization.yaml").read_text()
    files = re.search(r'REQUIREMENTS="([^"]+)"', comment)
    assert files
    pinned = "\n".join((ROOT / file).read_text() for file in files[1].split())
    assert f"\nray=={spec['rayClusterSpec']['rayVersion']}\n" in pinned
    assert "\naiohttp==" in pinned, "the dashboard's"
    assert "\npyarrow==" in pinned


def test_the_pods_are_restricted_and_limited(kinds: dict[str, Yaml], pods: list[Yaml]) -> None:
    labels = kinds["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    user, group = of_image("USER").split(":")
    for pod in (template["spec"] for template in pods):
        assert pod["serviceAccountName"] == kinds["ServiceAccount"]["metadata"]["name"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": int(user),
            "runAsGroup": int(group),
            "fsGroup": int(group),
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])


def test_ray_and_the_journal_have_where_to_write(spec: Yaml, pods: list[Yaml]) -> None:
    image = environment_of_image()
    for pod in (template["spec"] for template in pods):
        volumes = {volume["name"]: volume["emptyDir"] for volume in pod["volumes"]}
        assert all("sizeLimit" in volume for volume in volumes.values())
        (container,) = pod["containers"]
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
        assert set(mounts) == {image["STATE_DIR"], "/dev/shm", "/tmp"}
        given = {one["name"]: one["value"] for one in container["env"]}
        assert "medium" not in mounts[given["TMPDIR"]], "on disk: a million rows"
    cluster = spec["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert int(group["rayStartParams"]["object-store-memory"]) < 1 << 30, "/dev/shm"
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_probes_need_no_program_of_the_image(pods: list[Yaml]) -> None:
    for (container,) in (template["spec"]["containers"] for template in pods):
        for kind in ("startup", "readiness", "liveness"):
            asked = container[f"{kind}Probe"]["httpGet"]
            assert asked == {"path": "/api/local_raylet_healthz", "port": AGENT}
        assert seconds(container["startupProbe"]) >= 120
        assert seconds(container["livenessProbe"]) > seconds(container["readinessProbe"])


def test_nobody_but_the_operator_reaches_ray(kinds: dict[str, Yaml]) -> None:
    policy = kinds["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == {}
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    own, operator = policy["ingress"]
    assert own == {"from": [{"podSelector": {}}]}
    assert operator["from"] == [{"namespaceSelector": {"matchLabels": {"face-parsing/kuberay": "true"}}}]
    assert [one["port"] for one in operator["ports"]] == [8265]
    out = {one["port"] for way in policy["egress"] for one in way.get("ports", [])}
    assert out == {53, 443}


def test_an_overlay_of_ones_own_sets_image_buckets_and_workers(tmp_path: Path) -> None:
    """The example of docs/kubernetes.md."""
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    example = re.search(r"```yaml\n(# photos/.*?)```", page, re.DOTALL)
    assert example
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "kustomization.yaml").write_text(example[1])
    shutil.copytree(ROOT / "docker" / "k8s", tmp_path / "docker" / "k8s")
    (job,) = (one for one in render(tmp_path / "photos") if one["kind"] == "RayJob")
    check(job["spec"], FIELDS, "spec")
    assert "s3://mine/photos s3://mine/masks --output mask,json" in job["spec"]["entrypoint"]
    cluster = job["spec"]["rayClusterSpec"]
    (workers,) = cluster["workerGroupSpecs"]
    assert [workers[name] for name in ("replicas", "minReplicas", "maxReplicas")] == [16, 16, 16]
    for template in (cluster["headGroupSpec"]["template"], workers["template"]):
        assert template["spec"]["containers"][0]["image"] == "REGISTRY/face-parsing:COMMIT-ray"
