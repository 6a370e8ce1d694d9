"""A stand-in for AWS: moto's server, an ECR that knows what the registry holds, and an SSM that does what it is told.

moto's own SSM runs nothing and calls every command a success, and its ECR has no images behind its tags.
"""

import json
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend
from moto.server import ThreadedMotoServer
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class StandIn:
    """Listens on address:port. `host` is the environment that commands run in: this machine plays the EC2 host."""

    def __init__(self, address: str, port: int, registry: str, host: dict[str, str], folder: Path) -> None:
        self.url = f"http://{address}:{port}"
        self.registry, self.host, self.folder = registry, host, folder
        self.sent: list[str] = []
        """All that SSM was told and all that hosts said: to look for secrets in."""
        self._patch_ecr()
        self._patch_ssm()
        self._server = ThreadedMotoServer(ip_address=address, port=port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _patch_ecr(self) -> None:
        describe = ECRBackend.describe_images

        def describe_images(backend: Any, repository_name: str, *args: Any, **kwargs: Any) -> Any:
            tags = (
                httpx.get(f"http://{self.registry}/v2/{repository_name}/tags/list").json().get("tags") or []
            )
            there = {
                tag for image in backend.repositories[repository_name].images for tag in image.image_tags
            }
            for tag in set(tags) - there:
                url = f"http://{self.registry}/v2/{repository_name}/manifests/{tag}"
                manifest = httpx.get(url, headers={"Accept": MANIFEST}).text
                backend.put_image(repository_name, manifest, tag, MANIFEST)
            return describe(backend, repository_name, *args, **kwargs)

        ECRBackend.describe_images = describe_images

    def _patch_ssm(self) -> None:
        send = SimpleSystemManagerBackend.send_command

        def send_command(backend: Any, *args: Any, **kwargs: Any) -> Any:
            command = send(backend, *args, **kwargs)
            content = json.loads(backend._documents[command.document_name].get_default_version().content)
            script = _script(content, command.parameters)
            self.sent.append(json.dumps([content, command.parameters]))
            command.status = "InProgress" if command.instance_ids else "Success"
            for invocation in command.invocations:
                invocation["Status"] = "Pending"
            threading.Thread(target=self._execute, args=(command, script), daemon=True).start()
            return command

        def list_command_invocations(response: Any) -> ActionResult:
            command = response.ssm_backend.get_command_by_id(response._get_param("CommandId"))
            return ActionResult({"CommandInvocations": command.invocations})

        SimpleSystemManagerBackend.send_command = send_command
        SimpleSystemManagerResponse.list_command_invocations = list_command_invocations

    def _execute(self, command: Any, script: str) -> None:
        """As SSM's agent does: the lines become a file, which is run; its shebang counts."""
        file = self.folder / f"{command.command_id}.sh"
        file.write_text(script)
        file.chmod(0o700)
        for invocation in command.invocations:
            invocation["Status"] = "InProgress"
            done = subprocess.run([file], env=self.host, capture_output=True, text=True, timeout=1200)
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
        command.status = (
            "Success" if all(row["Status"] == "Success" for row in command.invocations) else "Failed"
        )


def _script(content: dict[str, Any], parameters: dict[str, list[str]]) -> str:
    """The document's lines with its parameters put in, each checked against its pattern."""
    (step,) = content["mainSteps"]
    script = "\n".join(step["inputs"]["runCommand"])
    for name, values in parameters.items():
        pattern = content["parameters"][name]["allowedPattern"]
        assert re.search(pattern, values[0]), f"{name}={values[0]} does not match {pattern}"
        script = script.replace("{{ " + name + " }}", values[0])
    assert "{{" not in script, "SSM would refuse a document with braces that name none of its parameters"
    return script
