"""The image: what is in it, what is not, and how it starts."""

import logging
import os
import re
import secrets
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

from tests.containers.compose import PROJECT, Compose
from tests.engine import ROOT, as_options, docker, free_port, inspect, ready, run, wait_until

BASE = "python:3.11-slim-bookworm"
MOST_MEGABYTES = 600
LYING_ABOUT = (
    ".env", "secret_key", "db.sqlite3", "backend/.env", "frontend/.env.local", "id_rsa", "data/faces.zip",
)  # fmt: skip
OURS = re.compile(r"(\./)?(app/|var/lib/face-parsing|home/|wanted/|page/|opt/(?!venv/lib))")
SECRET_FILE = re.compile(
    r"(^|/)(\.env.*|secret_key|.*\.sqlite3|id_rsa|\.git|\.npmrc|\.netrc|pip\.conf|\.pypirc)$"
)
SECRET_SETTING = re.compile(r"(?i)(password|token|secret|api_?key|index.?url)\w*=\S")
BUILD_TOOLS = "cc gcc g++ c++ clang make ld as rustc go node npm"


class Scan(NamedTuple):
    """What the layers of the images hold of our own files."""

    files: int
    named_like_secrets: list[str]
    holding_the_marker: list[str]
    history: str
    marker: str


@pytest.fixture(scope="module")
def scan(compose: Callable[..., Compose], checkout: Path, image: str) -> Iterator[Scan]:
    """Build with compose in a folder where secrets lie about; scan that image, and the one under test if it differs.

    Every secret holds the same marker. Cached layers make this cheap where the image was built from the same files.
    """
    marker = f"marker-{secrets.token_hex(16)}"
    for name in LYING_ABOUT:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(f"SECRET_{secrets.token_hex(4)}={marker}\n")
    built = f"{PROJECT}:among-secrets"
    project = compose(IMAGE=built)
    project("build", "api", timeout=3600)
    for name in LYING_ABOUT:
        (checkout / name).unlink()
    images = {str(inspect(name)["RootFS"]): name for name in (image, built)}
    found = [file for name in images.values() for file in layer_files(name)]
    history = ""
    for name in (image, built):
        history += docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", name)
        history += str(inspect(name)["Config"])
    yield Scan(
        files=len(found),
        named_like_secrets=[path for path, _ in found if SECRET_FILE.search(path)],
        holding_the_marker=[path for path, content in found if marker.encode() in content],
        history=history,
        marker=marker,
    )
    docker("image", "rm", built, check=False)


def layer_files(image: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of our own files in every layer, including files that a later layer hides."""
    save = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
    with save, tarfile.open(fileobj=save.stdout, mode="r|") as parts:
        for part in parts:
            layer = parts.extractfile(part)
            if layer is None or part.name.endswith(".json"):
                continue
            try:
                yield from files_of(layer)
            except tarfile.ReadError:  # the engine's own JSON, in a file without a suffix
                continue


def files_of(layer: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Path and content of our own files in one layer."""
    with tarfile.open(fileobj=layer, mode="r|*") as entries:
        for entry in entries:
            content = entries.extractfile(entry) if entry.isfile() and OURS.match(entry.name) else None
            if content is not None:
                yield entry.name, content.read()


@pytest.fixture(scope="module")
def config(image: str) -> dict[str, Any]:
    """The image's configuration: user, labels, volumes."""
    return dict(inspect(image)["Config"])


def printed_inside(image: str, script: str) -> str:
    """What a shell script prints in a container of the image, without a network."""
    return docker("run", "--rm", "--network", "none", image, "sh", "-c", script)


def test_it_adds_at_most_600_mb_to_its_base(image: str) -> None:
    if not docker("image", "ls", "-q", BASE):  # BuildKit keeps base images to itself
        docker("pull", "--quiet", BASE)
    megabytes = (inspect(image)["Size"] - inspect(BASE)["Size"]) / 1e6
    logging.info("%.0f MB over %s", megabytes, BASE)
    assert megabytes <= MOST_MEGABYTES


def test_no_layer_holds_a_secret_that_lay_about_at_build_time(scan: Scan) -> None:
    assert scan.files > 100, "docker save gave no layers"
    assert scan.holding_the_marker == []


def test_no_file_in_a_layer_is_named_like_a_secret(scan: Scan) -> None:
    assert scan.named_like_secrets == []


def test_neither_history_nor_configuration_holds_a_secret(scan: Scan) -> None:
    assert scan.marker not in scan.history and not SECRET_SETTING.search(scan.history)


def test_it_does_not_run_as_root(config: dict[str, Any]) -> None:
    assert config["User"].split(":")[0] not in ("", "0", "root")


def test_it_has_a_healthcheck_and_a_volume(config: dict[str, Any]) -> None:
    assert config["Healthcheck"] and config["Volumes"]


def test_a_label_names_the_licence_of_the_weights(config: dict[str, Any]) -> None:
    assert "research" in config["Labels"]["org.opencontainers.image.licenses"]


def test_it_has_no_build_tools(image: str) -> None:
    assert printed_inside(image, f"for name in {BUILD_TOOLS}; do command -v $name || true; done") == ""


def test_it_has_no_training_test_or_packaging_packages(image: str) -> None:
    names = "^(tensorflow|keras|torch|onnx|pip|setuptools|pytest)([-._]|$)"
    listing = f"ls /opt/venv/lib/python3.11/site-packages | grep -iE '{names}' || true"
    assert printed_inside(image, listing) == ""


def test_it_has_the_shipped_models_without_the_weights_to_train_on_from(image: str) -> None:
    models = sorted(card.parent.name for card in (ROOT / "ml_core" / "bundles").glob("*/model.json"))
    assert printed_inside(image, "ls /app/ml_core/bundles").split() == models
    assert printed_inside(image, "find /app -name '*.npz'") == ""


def test_nothing_in_it_is_setuid_or_writable(image: str) -> None:
    find = "find /app /opt/venv -xdev \\( -perm -4000 -o -perm -2000 -o -writable \\) ! -type l"
    assert printed_inside(image, find) == ""


@pytest.mark.parametrize(
    ("named", "settings"),
    [
        ("API_PUBLIC", {}),  # open to all, unless told otherwise
        ("WORKERS", {"API_PUBLIC": "true", "WORKERS": "many"}),
        ("MODELS_DIR", {"API_PUBLIC": "true", "MODELS_DIR": "/nowhere"}),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    image: str, named: str, settings: dict[str, str]
) -> None:
    command = ("docker", "run", "--rm", "--network", "none", *as_options(settings), image)
    done = run(*command, check=False, timeout=120)
    assert done.returncode != 0
    assert named in done.stderr


def test_docker_run_read_only_and_without_capabilities_gets_ready(image: str) -> None:
    port, name = free_port(), f"{PROJECT}-started"
    docker("rm", "-f", "-v", name, check=False)  # left by a run that was killed
    options = ("--read-only", "--cap-drop", "ALL", "--env", "API_PUBLIC=true")
    docker("run", "-d", "--name", name, *options, "--publish", f"127.0.0.1:{port}:8000", image)
    try:
        wait_until("ready after docker run", partial(ready, port))
        logging.info("%.1f s of CPU time until ready", cpu_seconds(inspect(name)["State"]["Pid"]))
    finally:
        docker("rm", "-f", "-v", name)


def cpu_seconds(pid: int) -> float:
    """CPU time of a container's first process, of the children it has waited for, and of its workers."""
    processes = [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    fields = [Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[11:15] for name in processes]
    return sum(int(ticks) for row in fields for ticks in row) / os.sysconf("SC_CLK_TCK")
