"""The notebooks as they lie in the repository; `make notebooks` runs them."""

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "training" / "notebooks").glob("*.ipynb"))


def test_there_is_one_for_each_step() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["1-data", "2-train", "3-results", "4-api"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_outputs_are_stripped(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert all("attachments" not in cell for cell in cells)
