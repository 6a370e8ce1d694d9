"""moto's server in the part of AWS, with an ECR that knows what the registry holds and an SSM that runs commands.

moto's own SSM runs nothing and calls every command a success, and its ECR has no images behind its tags.
"""

import json
import logging
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend
from moto.server import ThreadedMotoServer
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from tests.engine import AS_ROOT

REGION = "us-east-1"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

logging.getLogger("werkzeug").setLevel(logging.ERROR)


class FakeAws:
    """AWS at address:port. This machine plays the EC2 host that SSM's commands run on, as root."""

    def __init__(
        self, address: str, port: int, *, registry: str, folder: Path, patch: pytest.MonkeyPatch
    ) -> None:
        self.registry, self.folder = registry, folder
        self.variables = {
            "AWS_ENDPOINT_URL": f"http://{address}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.sent: list[str] = []
        """Everything that SSM was told and that the host printed."""
        self._patch_ecr(patch)
        self._patch_ssm(patch)
        self._server = ThreadedMotoServer(ip_address=address, port=port, verbose=False)
        self._server.start()

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS."""
        session: Any = boto3.Session(
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        return session.client(service, endpoint_url=self.variables["AWS_ENDPOINT_URL"])

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _patch_ecr(self, patch: pytest.MonkeyPatch) -> None:
        """Before ECR describes its images it takes over the registry's tags."""
        describe = ECRBackend.describe_images

        def describe_images(backend: Any, repository_name: str, *args: Any, **kwargs: Any) -> Any:
            url = f"http://{self.registry}/v2/{repository_name}"
            tags = httpx.get(f"{url}/tags/list").json().get("tags") or []
            images = backend.repositories[repository_name].images
            known = {tag for image in images for tag in image.image_tags}
            for tag in set(tags) - known:
                manifest = httpx.get(f"{url}/manifests/{tag}", headers={"Accept": MANIFEST}).text
                backend.put_image(repository_name, manifest, tag, MANIFEST)
            return describe(backend, repository_name, *args, **kwargs)

        patch.setattr(ECRBackend, "describe_images", describe_images)

    def _patch_ssm(self, patch: pytest.MonkeyPatch) -> None:
        """SSM runs the document's script on this machine and reports how it ended."""
        send = SimpleSystemManagerBackend.send_command

        def send_command(backend: Any, *args: Any, **kwargs: Any) -> Any:
            command = send(backend, *args, **kwargs)
            content = json.loads(backend._documents[command.document_name].get_default_version().content)
            script = fill_in(content, command.parameters)
            self.sent.append(json.dumps([content, command.parameters]))
            command.status = "InProgress" if command.instance_ids else "Success"
            for invocation in command.invocations:
                invocation["Status"] = "Pending"
            threading.Thread(target=self._execute, args=(command, script), daemon=True).start()
            return command

        def list_command_invocations(response: Any) -> ActionResult:
            command = response.ssm_backend.get_command_by_id(response._get_param("CommandId"))
            return ActionResult({"CommandInvocations": command.invocations})

        patch.setattr(SimpleSystemManagerBackend, "send_command", send_command)
        # moto has no such action
        patch.setattr(
            SimpleSystemManagerResponse, "list_command_invocations", list_command_invocations, raising=False
        )

    def _execute(self, command: Any, script: str) -> None:
        """Run the script as SSM's agent does: its lines become a file, and the shebang counts."""
        file = self.folder / f"{command.command_id}.sh"
        file.write_text(script)
        file.chmod(0o700)
        names = ("PATH", "DOCKER_HOST")
        host = {name: os.environ[name] for name in names if name in os.environ} | self.variables
        as_host = [*AS_ROOT, "env", "-i", *(f"{name}={value}" for name, value in host.items()), str(file)]
        for invocation in command.invocations:
            invocation["Status"] = "InProgress"
            done = subprocess.run(as_host, capture_output=True, text=True, timeout=1200)
            self.sent += [done.stdout, done.stderr]
            status = "Failed" if done.returncode else "Success"
            invocation.update(
                Status=status,
                StatusDetails=status,
                ResponseCode=done.returncode,
                StandardOutputContent=done.stdout[-24000:],
                StandardErrorContent=done.stderr[-8000:],
            )
            if done.returncode:
                break
        file.unlink()
        succeeded = all(row["Status"] == "Success" for row in command.invocations)
        command.status = "Success" if succeeded else "Failed"


def fill_in(content: dict[str, Any], parameters: dict[str, list[str]]) -> str:
    """The document's script with its parameters filled in, each checked against its pattern."""
    (step,) = content["mainSteps"]
    script = "\n".join(step["inputs"]["runCommand"])
    for name, values in parameters.items():
        pattern = content["parameters"][name]["allowedPattern"]
        assert re.search(pattern, values[0]), f"{name}={values[0]} does not match {pattern}"
        script = script.replace("{{ " + name + " }}", values[0])
    assert "{{" not in script, "SSM refuses a document with braces that name none of its parameters"
    return script
