"""No Python file is out of the reach of the import contracts of pyproject.toml."""

import subprocess
import tomllib

from tests.conftest import ROOT

ALONE = {"manage.py", "docker/healthcheck.py"}
"""Run by themselves; nobody imports them."""
SCRIPTS = "frontend/scripts/"


def test_every_python_file_is_in_a_package_with_contracts() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = set(found.stdout.split()) - ALONE
    assert {"ml_core/labels.py", "tests/test_contracts.py"} <= files
    packages = tuple(f"{name.replace('.', '/')}/" for name in rules["root_packages"])
    assert not [file for file in files if not file.startswith((*packages, SCRIPTS))]
