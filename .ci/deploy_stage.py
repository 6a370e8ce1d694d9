"""The stage of deploy_proof.py: commands, a registry, AWS's stand-in, and what terraform and an operator make there."""

import base64
import json
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import boto3
from deploy_aws import StandIn
from deploy_load import Load, photo_of

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "docker" / "deploy"
SERVICE = "face-parsing-proof"
SECRET = secrets.token_urlsafe(50)
READY_TIMEOUT = os.environ.get("PROOF_READY_TIMEOUT", "45")
STARTED = time.monotonic()


def say(text: str) -> None:
    """A heading with the seconds since the start."""
    print(f"== {text} ({time.monotonic() - STARTED:.0f} s)", flush=True)


def demand(what: str, true: object) -> None:
    """One check; the first that fails ends the proof."""
    if not true:
        raise SystemExit(f"FAILED: {what}")
    print(f"  {what}", flush=True)


def run(*command: str | Path, check: bool = True, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command with `variables` besides the environment."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=900
    )
    if check and done.returncode:
        raise SystemExit(
            f"FAILED: {command}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
        )
    return done


def docker(*arguments: str, check: bool = True) -> str:
    """docker ARGUMENTS."""
    return run("docker", *arguments, check=check).stdout.strip()


def free_port(address: str = "127.0.0.1") -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Proof:
    """What all parts of it use."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.front = free_port()
        self.registry = f"127.0.0.1:{free_port()}"
        # containers reach this machine by the address of docker's own bridge
        self.address = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Gateway"]
        port = free_port(self.address)
        self.aws_variables = {
            "AWS_ENDPOINT_URL": f"http://{self.address}:{port}",
            "AWS_ACCESS_KEY_ID": "proof",
            "AWS_SECRET_ACCESS_KEY": "proof",
        }
        os.environ.update(
            self.aws_variables, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1", POLL="1"
        )
        os.environ.update(SERVICE=SERVICE, REPOSITORY=SERVICE, REGISTRY=self.registry, IMAGE=SERVICE)
        os.environ.update(STAGE="staging")
        host = {name: os.environ[name] for name in ("PATH", "DOCKER_HOST") if name in os.environ}
        (work / "commands").mkdir()
        self.aws = StandIn(
            self.address, port, self.registry, {**host, **self.aws_variables}, work / "commands"
        )
        self.registry_process = self._start_registry()
        self.key = ""
        self.outputs: list[str] = []

    def _start_registry(self) -> "subprocess.Popen[bytes]":
        config = self.work / "registry.yml"
        config.write_text(
            f"version: 0.1\nhttp: {{addr: {self.registry}}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.work}/images}}}}\n"
        )
        with (self.work / "registry.log").open("w") as log:
            return subprocess.Popen(
                [self.work / "registry/usr/bin/docker-registry", "serve", config], stdout=log, stderr=log
            )

    def script(
        self, name: str, *, check: bool = True, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """A script of docker/deploy; what it prints is kept to look for secrets in."""
        done = run(SCRIPTS / name, check=check, **variables)
        self.outputs += [done.stdout, done.stderr]
        return done

    def load(self) -> Load:
        """Requests through the front."""
        return Load(self.front, self.key, photo_of(ROOT))

    def serving(self) -> tuple[str, str]:
        """Name and tag of the one container that serves."""
        rows = docker(
            "ps", "--filter", f"name=^{SERVICE}-(blue|green)$", "--format", "{{.Names}} {{.Image}}"
        ).splitlines()
        assert len(rows) == 1, rows
        name, image = rows[0].split()
        return name, image.rpartition(":")[2]

    def served(self, container: str) -> int:
        """How many requests a container's log tells of."""
        return docker("logs", container).count("request_finished") + run(
            "docker", "logs", container
        ).stderr.count("request_finished")


def prepare(proof: Proof) -> None:
    """What terraform and an operator make: bucket, repository, host, parameters, the document."""
    boto3.client("s3").create_bucket(Bucket="models")
    boto3.client("ecr").create_repository(repositoryName=SERVICE, imageTagMutability="IMMUTABLE")
    tags = [{"Key": "Service", "Value": SERVICE}, {"Key": "Stage", "Value": "staging"}]
    boto3.client("ec2").run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    ssm = boto3.client("ssm")
    parameters = {
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "HTTPS": "false",
        "WORKERS": "2",
        **proof.aws_variables,  # on EC2 the instance's role
    }
    for name, value in parameters.items():
        ssm.put_parameter(Name=f"/{SERVICE}/staging/{name}", Value=value, Type="SecureString")
    settings = {
        "SERVICE": SERVICE,
        "STAGE": "staging",
        "AWS_REGION": "us-east-1",
        "REGISTRY": proof.registry,
        "REPOSITORY": SERVICE,
        "DOMAIN": ":80",
        "MODELS_DIR": "s3://models/faces",
        "HOST_DIR": str(proof.work / "host"),
        "HTTP_PORT": f"127.0.0.1:{proof.front}",
        "HTTPS_PORT": f"127.0.0.1:{free_port()}",
        "READY_TIMEOUT": READY_TIMEOUT,
        "MEMORY": "3g",
    }
    if os.environ.get("STAND_IN"):  # its Caddy is Debian's, 2.6.2
        settings["REQUEST_BUFFERS"] = "buffer_requests\nmax_buffer_size 96MiB"
    arguments = json.dumps(json.dumps(settings))
    expression = (
        f'base64encode(templatefile("{SCRIPTS}/document.json.tftpl", {{settings = jsondecode({arguments}), '
        f'script = file("{SCRIPTS}/on-host.sh"), caddyfile = file("{ROOT}/docker/Caddyfile")}}))'
    )
    empty = proof.work / "terraform"
    empty.mkdir()
    rendered = subprocess.run(
        ["terraform", "console"], input=expression, cwd=empty, capture_output=True, text=True, check=True
    ).stdout
    document = base64.b64decode(json.loads(rendered.strip()))
    demand(
        f"the SSM document as terraform renders it: {len(document)} of at most 65536 bytes",
        len(document) < 65536,
    )
    ssm.create_document(Name=f"{SERVICE}-staging-deploy", DocumentType="Command", Content=document.decode())


def clean_up() -> None:
    """Containers, volumes, network, images: all that bear the proof's name."""
    for name in docker("ps", "-aq", "--filter", f"name=^{SERVICE}-", check=False).split():
        docker("rm", "-f", "-v", name, check=False)
    for name in docker("volume", "ls", "-q", "--filter", f"name=^{SERVICE}-", check=False).split():
        docker("volume", "rm", "-f", name, check=False)
    docker("network", "rm", SERVICE, check=False)
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", check=False).split()
    for name in names:
        if name.split(":")[-2].endswith(SERVICE):
            docker("image", "rm", "-f", name, check=False)
