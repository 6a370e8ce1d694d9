"""docker/k8s as `kubectl kustomize` renders it: the schemas, and what they do not say."""

import re
import shlex
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from kubernetes_validate import validate

from backend.environment import Environment
from tests.conftest import ROOT

OVERLAYS = ("cpu", "gpu")
VERSIONS = ("1.32", "1.37")
"""Of Kubernetes, the oldest and the newest that these manifests are checked for."""
KINDS = {
    *("Namespace", "ServiceAccount", "ConfigMap", "Deployment", "Service"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"),
}
HELPERS = {"POD_IP", "DOMAIN"}
"""Only there for other values to be made of."""
OF_NVIDIA = {"NVIDIA_DRIVER_CAPABILITIES"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ENTRYPOINT = (ROOT / "docker" / "entrypoint.sh").read_text()
Yaml = dict[str, Any]


def render(overlay: Path) -> list[Yaml]:
    """All objects of an overlay."""
    path = str(overlay)
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize", path]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build", path]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("kubectl is missing: docker/k8s was NOT checked", stacklevel=2)
        pytest.skip("kubectl is missing: docker/k8s was NOT checked")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


class Rendered:
    """One overlay's objects, by kind."""

    def __init__(self, overlay: str) -> None:
        self.objects = render(ROOT / "docker" / "k8s" / overlay)
        self.kinds: dict[str, Yaml] = {one["kind"]: one for one in self.objects}
        self.pod: Yaml = self.kinds["Deployment"]["spec"]["template"]["spec"]
        self.labels: dict[str, str] = self.kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
        (self.api,) = self.pod["containers"]
        (self.migrate,) = self.pod["initContainers"]

    def settings(self, **secrets: str) -> dict[str, str]:
        """The variables of the service's container, as the kubelet would set them."""
        values: dict[str, str] = dict(self.kinds["ConfigMap"]["data"])
        known = {**values, **secrets, "POD_IP": "10.1.2.3"}
        for variable in self.api["env"]:
            source = variable.get("valueFrom", {})
            key = source.get("secretKeyRef", source.get("configMapKeyRef", {})).get("key", variable["name"])
            text = variable.get("value") or known[key]
            values[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda name: values[name[1]], text)
        return values


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    """Each overlay in turn."""
    return Rendered(request.param)


@pytest.fixture
def ready(client: Client) -> Client:
    """Asks a service whose model is loaded."""
    from segmentation_api.engine import engine

    engine.models()
    return client


def environment_of_image() -> dict[str, str]:
    """ENV of the image that serves."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    block = re.search(r"^ENV ((?:.*\\\n)*.*)$", last, re.MULTILINE)
    assert block
    return dict(word.split("=", 1) for word in shlex.split(block[1].replace("\\\n", " ")))


def of_image(instruction: str) -> str:
    """What the image's last instruction of that name says."""
    found: list[str] = re.findall(rf"^{instruction} (.+)$", DOCKERFILE, re.MULTILINE)
    return found[-1]


def seconds(probe: Yaml) -> int:
    """How long a probe must fail before it counts."""
    found: int = probe["periodSeconds"] * probe["failureThreshold"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_its_schema(rendered: Rendered, version: str) -> None:
    assert {one["kind"] for one in rendered.objects} == KINDS
    assert len(rendered.objects) == len(KINDS)
    for one in rendered.objects:
        assert validate(one, version, strict=True) == version


def test_the_two_overlays_share_nothing_but_the_namespace() -> None:
    names = [{(one["kind"], one["metadata"]["name"]) for one in Rendered(name).objects} for name in OVERLAYS]
    assert names[0] & names[1] == {("Namespace", "face-parsing")}


def test_an_overlay_of_ones_own_sets_image_and_domain(tmp_path: Path) -> None:
    """The example of docs/kubernetes.md."""
    example = re.search(r"```yaml\n(# faces.*?)```", (ROOT / "docs" / "kubernetes.md").read_text(), re.DOTALL)
    assert example
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "kustomization.yaml").write_text(example[1])
    shutil.copytree(ROOT / "docker" / "k8s", tmp_path / "docker" / "k8s")
    kinds = {one["kind"]: one for one in render(tmp_path / "faces")}
    assert kinds["ConfigMap"]["data"]["DOMAIN"] == "faces.mine.example"
    assert kinds["ConfigMap"]["data"]["ENVIRONMENT"] == "production"
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    for container in pod["containers"] + pod["initContainers"]:
        assert container["image"] == "REGISTRY/face-parsing:COMMIT"


def test_every_container_has_limits_and_an_image_with_a_tag(rendered: Rendered) -> None:
    for container in (rendered.api, rendered.migrate):
        name, _, tag = container["image"].rpartition("/")[2].partition(":")
        assert name == "face-parsing"
        assert tag not in ("", "latest")
        for kind in ("requests", "limits"):
            assert {"cpu", "memory"} <= set(container["resources"][kind])
    assert rendered.api["image"] == rendered.migrate["image"]


def test_a_core_of_the_limit_is_a_whole_one_and_reserved(rendered: Rendered) -> None:
    """The service takes a slot per core of its limit; the autoscaler's share is of what is requested."""
    resources = rendered.api["resources"]
    assert int(resources["limits"]["cpu"]) >= 2
    assert resources["requests"] == resources["limits"]


def test_the_pod_is_restricted(rendered: Rendered) -> None:
    """As Kubernetes' Pod Security Standard `restricted` asks, and a root file system that cannot be written."""
    namespace = rendered.kinds["Namespace"]["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"
    user, group = of_image("USER").split(":")
    security = rendered.pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    ids = [security[name] for name in ("runAsUser", "runAsGroup", "fsGroup")]
    assert ids == [int(user), int(group), int(group)]
    for container in (rendered.api, rendered.migrate):
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(rendered.pod)
    assert rendered.pod["automountServiceAccountToken"] is False
    assert all("emptyDir" in volume for volume in rendered.pod["volumes"])


def test_every_folder_that_the_image_writes_to_is_a_volume(rendered: Rendered) -> None:
    volumes = {volume["name"]: volume["emptyDir"] for volume in rendered.pod["volumes"]}
    image = environment_of_image()
    for container in (rendered.api, rendered.migrate):
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        for name in ("STATE_DIR", "MODELS_CACHE", "RUN_DIR", "TMPDIR"):
            assert any(Path(image[name]).is_relative_to(mount) for mount in mounts), name
        for path in ("/dev/shm", "/tmp"):
            assert volumes[mounts[path]]["medium"] == "Memory"
    assert all("sizeLimit" in volume for volume in volumes.values())


def test_ports_and_probes_are_those_of_the_service(rendered: Rendered, ready: Client) -> None:
    (port,) = rendered.api["ports"]
    assert str(port["containerPort"]) == of_image("EXPOSE") == environment_of_image()["PORT"]
    (of_service,) = rendered.kinds["Service"]["spec"]["ports"]
    (way_in,) = rendered.kinds["NetworkPolicy"]["spec"]["ingress"]
    assert of_service["targetPort"] == way_in["ports"][0]["port"] == port["name"]
    for name, path in (("startup", "/readyz"), ("readiness", "/readyz"), ("liveness", "/healthz")):
        asked = rendered.api[f"{name}Probe"]["httpGet"]
        assert asked == {"path": path, "port": port["name"]}
        assert ready.get(asked["path"]).status_code == 200


def test_no_wait_ends_before_what_it_waits_for(rendered: Rendered) -> None:
    defaults = {name: field.default for name, field in Environment.model_fields.items()}
    stop = int(rendered.kinds["ConfigMap"]["data"]["STOP_TIMEOUT"])
    assert stop > defaults["BODY_TIMEOUT"]
    drain = rendered.api["lifecycle"]["preStop"]["exec"]["command"][-1]
    pause = re.search(r"sleep (\d+)$", drain)
    assert pause
    assert rendered.pod["terminationGracePeriodSeconds"] > int(pause[1]) + stop
    slowest = defaults["HEADER_TIMEOUT"] + defaults["BODY_TIMEOUT"]
    assert seconds(rendered.api["livenessProbe"]) > slowest
    assert seconds(rendered.api["startupProbe"]) >= 120  # as docker/deploy/on-host.sh waits


def test_selectors_find_the_pods_and_the_autoscaler_its_deployment(rendered: Rendered) -> None:
    deployment = rendered.kinds["Deployment"]
    found = [
        deployment["spec"]["selector"]["matchLabels"],
        rendered.kinds["Service"]["spec"]["selector"],
        rendered.kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        rendered.kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *(one["labelSelector"]["matchLabels"] for one in rendered.pod["topologySpreadConstraints"]),
    ]
    assert all(labels == rendered.labels for labels in found)
    assert len(found) == 6
    scaler = rendered.kinds["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    assert scaler["minReplicas"] < scaler["maxReplicas"]
    assert rendered.kinds["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    account = rendered.kinds["ServiceAccount"]
    assert rendered.pod["serviceAccountName"] == account["metadata"]["name"]


def test_the_settings_are_ones_that_the_service_knows_and_takes(
    rendered: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {
        "SECRET_KEY": "k" * 60,
        "DATABASE_URL": "postgres://user:password@10.0.0.1/name",
        "CACHE_URL": "redis://:password@10.0.0.2:6379/0",
    }
    given = rendered.settings(**secrets)
    assert set(given) - HELPERS - OF_NVIDIA <= set(Environment.model_fields)
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    read = Environment()
    assert (read.ENVIRONMENT, read.HTTPS, read.API_PUBLIC, read.DEBUG) == ("production", True, False, False)
    assert (read.NUM_PROXIES, read.PROXY_SSL_HEADER) == (1, "X-Forwarded-Proto")
    assert [given["DOMAIN"], "10.1.2.3"] == read.ALLOWED_HOSTS
    gpus = rendered.api["resources"]["limits"].get("nvidia.com/gpu")
    assert (read.PROVIDERS[0] == "CUDAExecutionProvider") == (gpus == "1")


def test_secrets_come_from_a_secret_that_is_not_in_here(rendered: Rendered) -> None:
    for container in (rendered.api, rendered.migrate):
        sources = {one["name"]: one.get("valueFrom", {}) for one in container["env"]}
        for name in ("SECRET_KEY", "DATABASE_URL", "CACHE_URL"):
            assert sources[name]["secretKeyRef"] == {"name": "face-parsing", "key": name}
        assert container["envFrom"] == [
            {"configMapRef": {"name": rendered.kinds["ConfigMap"]["metadata"]["name"]}}
        ]


def test_nobody_else_comes_in_and_nothing_else_goes_out(rendered: Rendered) -> None:
    policy = rendered.kinds["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    (way_in,) = policy["ingress"]
    assert way_in["from"] == [{"namespaceSelector": {"matchLabels": {"face-parsing/client": "true"}}}]
    ports = set()
    for way_out in policy["egress"]:
        assert all(peer.get("ipBlock", {}).get("cidr") != "0.0.0.0/0" for peer in way_out["to"])
        ports |= {one["port"] for one in way_out["ports"]}
    assert ports == {53, 5432, 6379}


def test_the_two_containers_do_what_serve_does(rendered: Rendered) -> None:
    """Apart: the entrypoint's migration in one, its server in the other."""
    migration = shlex.join(rendered.migrate["args"])
    assert f"\n{migration}\n" in ENTRYPOINT
    command = rendered.api["args"][-1].partition(" && ")[2]
    assert f"\n  {command}\n" in ENTRYPOINT


def test_a_drained_container_says_so_and_its_successor_does_not(
    ready: Client, run_dir: Path, tmp_path: Path
) -> None:
    """The pod's folders outlive its containers. The commands of the manifest, with nothing slept and served."""
    api = Rendered("cpu").api
    for name in ("sleep", "gunicorn"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RUN_DIR": str(run_dir)}
    assert ready.get("/readyz").status_code == 200
    subprocess.run(api["lifecycle"]["preStop"]["exec"]["command"], env=environment, check=True)
    assert ready.get("/readyz").status_code == 503
    assert ready.get("/healthz").status_code == 200
    subprocess.run(["sh", ROOT / "docker" / "entrypoint.sh", *api["args"]], env=environment, check=True)
    assert ready.get("/readyz").status_code == 200
