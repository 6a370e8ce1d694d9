"""One stage, from an empty AWS account on: what terraform, an operator and the scripts of docker/deploy do to it."""

import base64
import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

import pytest

from tests.deployment.aws import REGION, FakeAws
from tests.deployment.load import Load
from tests.engine import AS_ROOT, ROOT, as_options, docker, free_port, front_settings, run

SERVICE = "face-parsing-proof"
SCRIPTS = ROOT / "docker" / "deploy"
READY_TIMEOUT = 45
V1, V2, ENDS, HANGS = (sha1(name.encode()).hexdigest() for name in ("v1", "v2", "ends", "hangs"))
"""Tags, which are commits. ENDS and HANGS are images that never get ready."""


class Stage:
    """The stage `staging` of a service, with an AWS and a registry that stand in for the real ones."""

    def __init__(self, work: Path, patch: pytest.MonkeyPatch) -> None:
        self.work = work
        self.host_dir = work / "host"
        self.front = free_port()
        self.secret = secrets.token_urlsafe(50)
        self.key = ""
        self.outputs: list[str] = []
        """Everything that the scripts printed."""
        registry_port = free_port()
        self.registry = f"127.0.0.1:{registry_port}"
        publish = ("--publish", f"127.0.0.1:{registry_port}:5000")
        docker("run", "-d", "--name", f"{SERVICE}-registry", *publish, "registry:2")
        # containers reach this machine by the address of docker's own bridge
        address = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Gateway"]
        commands = work / "commands"
        commands.mkdir()
        port = free_port(address)
        self.aws = FakeAws(address, port, registry=self.registry, folder=commands, patch=patch)

    def prepare(self) -> bytes:
        """Make what terraform and an operator make: bucket, repository, host, parameters. Returns the SSM document."""
        self.aws.client("s3").create_bucket(Bucket="models")
        self.aws.client("ecr").create_repository(repositoryName=SERVICE, imageTagMutability="IMMUTABLE")
        tags = [{"Key": "Service", "Value": SERVICE}, {"Key": "Stage", "Value": "staging"}]
        self.aws.client("ec2").run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        parameters = {
            "SECRET_KEY": self.secret,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "HTTPS": "false",
            "WORKERS": "2",
            **self.aws.variables,  # on EC2 the instance's role
        }
        ssm = self.aws.client("ssm")
        for name, value in parameters.items():
            ssm.put_parameter(Name=f"/{SERVICE}/staging/{name}", Value=value, Type="SecureString")
        document = self._render_document()
        name = f"{SERVICE}-staging-deploy"
        ssm.create_document(Name=name, DocumentType="Command", Content=document.decode())
        return document

    def _render_document(self) -> bytes:
        """docker/deploy/document.json.tftpl, rendered by terraform."""
        settings = {
            "SERVICE": SERVICE,
            "STAGE": "staging",
            "AWS_REGION": REGION,
            "REGISTRY": self.registry,
            "REPOSITORY": SERVICE,
            "DOMAIN": ":80",
            "MODELS_DIR": "s3://models/faces",
            "HOST_DIR": str(self.host_dir),
            "HTTP_PORT": f"127.0.0.1:{self.front}",
            "HTTPS_PORT": f"127.0.0.1:{free_port()}",
            "READY_TIMEOUT": str(READY_TIMEOUT),
            "MEMORY": "3g",
            **front_settings(),
        }
        arguments = json.dumps(json.dumps(settings))
        expression = (
            f'base64encode(templatefile("{SCRIPTS}/document.json.tftpl", {{settings = jsondecode({arguments}), '
            f'script = file("{SCRIPTS}/on-host.sh"), caddyfile = file("{ROOT}/docker/Caddyfile")}}))'
        )
        empty = self.work / "terraform"
        empty.mkdir()
        rendered = run("terraform", "console", input=expression, cwd=empty).stdout
        return base64.b64decode(json.loads(rendered.strip()))

    def script(
        self, name: str, *, check: bool = True, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script of docker/deploy. What it prints is kept to look for secrets in."""
        environment = {
            "SERVICE": SERVICE,
            "IMAGE": SERVICE,
            "REPOSITORY": SERVICE,
            "REGISTRY": self.registry,
            "STAGE": "staging",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "POLL": "1",
            **self.aws.variables,
            **variables,
        }
        done = run(SCRIPTS / name, check=check, env=environment)
        self.outputs += [done.stdout, done.stderr]
        return done

    def run_image(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run v1's image against this AWS until it ends by itself."""
        options = as_options({**self.aws.variables, "AWS_DEFAULT_REGION": REGION, **variables})
        name = ("--name", f"{SERVICE}-once")
        return run("docker", "run", "--rm", *name, *options, f"{SERVICE}:{V1}", *arguments, check=False)

    @contextmanager
    def registry_stopped(self) -> Iterator[None]:
        """No registry answers."""
        docker("stop", f"{SERVICE}-registry")
        yield
        docker("start", f"{SERVICE}-registry")

    def load(self) -> Load:
        """A steady load through the front."""
        return Load(self.front, self.key)

    def containers(self) -> list[str]:
        """Names of all containers of the host, also of those that ended."""
        names = docker("ps", "-a", "--filter", f"name=^{SERVICE}-", "--format", "{{.Names}}").split()
        return sorted(name for name in names if name != f"{SERVICE}-registry")

    def serving(self) -> tuple[str, str]:
        """Name and tag of the one container that serves."""
        slots = f"name=^{SERVICE}-(blue|green)$"
        (row,) = docker("ps", "--filter", slots, "--format", "{{.Names}} {{.Image}}").splitlines()
        name, image = row.split()
        return name, image.rpartition(":")[2]

    def served(self, container: str) -> int:
        """How many requests a container's log has."""
        logs = run("docker", "logs", container)
        return (logs.stdout + logs.stderr).count("request_finished")

    def drained(self, container: str, since: float, until: float) -> list[float]:
        """When on-host.sh told a container to report itself not ready, in seconds since the epoch."""
        times = ("--since", f"{since:.3f}", "--until", f"{until:.3f}")
        events = docker("events", *times, "--filter", f"container={container}", "--format", "{{json .}}")
        rows = [json.loads(line) for line in events.splitlines()]
        return [
            row["timeNano"] / 1e9
            for row in rows
            if row["Action"].startswith("exec_start") and "draining" in row["Action"]
        ]

    def files_holding(self, text: str) -> list[str]:
        """Files that the host keeps with `text` in them."""
        return run(*AS_ROOT, "grep", "-rlF", text, self.host_dir, check=False).stdout.split()


def remove_leftovers() -> None:
    """Remove containers, volumes, the network and the images that bear the service's name."""
    for name in docker("ps", "-aq", "--filter", f"name=^{SERVICE}-").split():
        docker("rm", "-f", "-v", name, check=False)
    for name in docker("volume", "ls", "-q", "--filter", f"name=^{SERVICE}-").split():
        docker("volume", "rm", "-f", name, check=False)
    docker("network", "rm", SERVICE, check=False)
    for name in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split():
        if name.rpartition(":")[0].endswith(SERVICE):
            docker("image", "rm", "-f", name, check=False)
