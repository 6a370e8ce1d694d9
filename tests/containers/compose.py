"""One compose project that leaves nothing behind."""

from pathlib import Path

from tests.engine import run

PROJECT = "face-parsing-tested"


class Compose:
    """The project of `folder`/compose.yaml with settings of its own."""

    def __init__(self, folder: Path, image: str, **settings: str) -> None:
        self.folder = folder
        self.environment = {"COMPOSE_PROJECT_NAME": PROJECT, "IMAGE": image, **settings}

    def __call__(self, *arguments: str, check: bool = True, timeout: float = 600) -> str:
        """docker compose ARGUMENTS; returns stdout."""
        command = ("docker", "compose", *arguments)
        return run(*command, check=check, env=self.environment, cwd=self.folder, timeout=timeout).stdout

    def fails(self, *arguments: str) -> bool:
        """Whether docker compose ARGUMENTS ends with an error."""
        command = ("docker", "compose", *arguments)
        return run(*command, check=False, env=self.environment, cwd=self.folder).returncode != 0

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self("ps", "-q", "--all", service).split()[0]

    def shell(self, service: str, script: str, *options: str) -> str:
        """What `script` prints in a service's running container."""
        return self("exec", "-T", *options, service, "sh", "-c", script)

    def logs(self) -> str:
        """The last lines of every service."""
        return self("--profile", "*", "logs", "--tail", "40", check=False)

    def remove(self) -> None:
        """Remove containers, networks and volumes."""
        self("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
