"""The examples of the documentation, run as they are printed; only the port is the test's own."""

import os
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, Server

PRINTED = "localhost:8000"
BLOCK = re.compile(r"^```(bash|python|javascript)( keys)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"-o (\S+)")
pytestmark = pytest.mark.timeout(300)


def blocks(*, keys: bool, page: str = "api.md") -> list[tuple[str, str]]:
    """(language, text) of each example of a page of docs/."""
    text = (ROOT / "docs" / page).read_text()
    return [(language, block) for language, mark, block in BLOCK.findall(text) if bool(mark) is keys]


def readme_lines() -> list[str]:
    """The README's calls of the service."""
    lines = (ROOT / "README.md").read_text().splitlines()
    return [line for line in lines if line.startswith("curl ") and PRINTED in line]


EXAMPLES = blocks(keys=False)
WITH_KEYS = blocks(keys=True)
OF_THE_CLIENT = blocks(keys=False, page="client.md")


@pytest.fixture(scope="module")
def documented(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service that the documentation talks of."""
    running = Server(tmp_path_factory.mktemp("documented"), models_dir)
    yield running.wait_until_ready()
    running.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder that looks like this repository, so that what examples write stays out of it."""
    for name in ("samples", "README.md", "manage.py", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".curlrc").write_text(
        "fail-with-body\nsilent\nshow-error\n"
    )  # else curl takes a 400 for success
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(language: str, text: str, server: Server, folder: Path, **variables: str) -> str:
    """What an example prints. Fails unless it succeeds and each file it names is what its suffix says."""
    example = text.replace(PRINTED, f"localhost:{server.port}")
    commands = {
        "bash": ["bash", "-euo", "pipefail", "-c", example],
        "python": [sys.executable, "-c", example],
        "javascript": ["node", "--input-type=module", "--eval", example],
    }
    environment = {**os.environ, "CURL_HOME": str(folder), **variables}
    done = subprocess.run(commands[language], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{example}\n{done.stdout}{done.stderr}"
    for line in text.splitlines():
        for name in FILE.findall(line):
            check_file(folder / name, (1280, 760) if "samples/group.jpg" in line else (512, 512))
    return done.stdout


def check_file(path: Path, size: tuple[int, int]) -> None:
    """The file is there and of its kind; a picture is as large as its photo."""
    if path.suffix == ".zip":
        assert zipfile.is_zipfile(path)
    elif path.suffix in (".png", ".jpg"):
        with Image.open(path) as image:
            assert image.size == size
            assert image.format == {".png": "PNG", ".jpg": "JPEG"}[path.suffix]
    else:
        assert path.suffix == ".json"
        assert path.read_text().startswith(("{", "["))


def skip_loudly_without_node() -> None:
    """JavaScript examples need node; a run without it must not look like a whole one."""
    if shutil.which("node") is None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(
                "node is missing: the JavaScript examples of docs/api.md were NOT run", stacklevel=2
            )
        pytest.skip("node is missing: the JavaScript examples of docs/api.md were NOT run")


def test_every_language_and_both_documents_have_examples() -> None:
    assert {language for language, _ in EXAMPLES} == {"bash", "python", "javascript"}
    assert WITH_KEYS
    assert len(readme_lines()) >= 6


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_an_example_of_the_api_page_runs_as_printed(
    language: str, text: str, documented: Server, folder: Path
) -> None:
    if language == "javascript":
        skip_loudly_without_node()
    run(language, text, documented, folder)


@pytest.mark.parametrize(("language", "text"), OF_THE_CLIENT)
def test_an_example_of_the_client_page_runs_as_printed(
    language: str, text: str, documented: Server, folder: Path
) -> None:
    assert len(OF_THE_CLIENT) >= 3
    run(language, text, documented, folder, PYTHONPATH=str(ROOT / "clients" / "python" / "src"))


@pytest.mark.parametrize("line", readme_lines())
def test_a_call_of_the_readme_runs_as_printed(line: str, documented: Server, folder: Path) -> None:
    run("bash", line, documented, folder)


def test_what_the_comments_say_is_printed_is_printed(documented: Server, folder: Path) -> None:
    python = "\n".join(text for language, text in EXAMPLES if language == "python")
    printed = "".join(
        run(language, text, documented, folder) for language, text in EXAMPLES if language == "python"
    )
    promised = re.findall(r"print\(.*\)  # (.*)$", python, re.MULTILINE)
    assert len(promised) == 3
    for line in promised:
        assert line.partition(" {")[0] in printed


def test_the_examples_with_keys_run_as_printed(start_server: Callable[..., Server], folder: Path) -> None:
    server = start_server().wait_until_ready()
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=server.environment,
        check=True,
    )
    (language, text), *others = WITH_KEYS
    printed = run(language, f"{text}\necho $FACE_PARSING_KEY", server, folder, **server.environment)
    for language, text in others:
        run(language, text, server, folder, FACE_PARSING_KEY=printed.split()[-1])


def test_the_operating_page_names_metrics_and_settings_that_exist() -> None:
    from prometheus_client import generate_latest

    import segmentation_api.telemetry  # noqa: F401  # which makes the metrics

    page = (ROOT / "docs" / "operating.md").read_text()
    text = generate_latest().decode()
    known = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    named = set(re.findall(r"`((?:segment|model)_[a-z_]+)`", page))
    assert len(named) > 5
    assert named <= known
    settings = (ROOT / ".env.example").read_text()
    for setting in re.findall(r"`([A-Z][A-Z0-9_]+[A-Z])`", page):
        assert setting == "SIGTERM" or f"#{setting}=" in settings, setting
