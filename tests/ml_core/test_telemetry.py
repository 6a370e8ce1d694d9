"""Nothing here calls home."""

import subprocess
import sys
from pathlib import Path


def test_onnx_runtime_leaves_no_telemetry_session_behind(tmp_path: Path) -> None:
    code = "import tempfile, ml_core.segmenter, onnxruntime; print(tempfile.gettempdir())"
    environment = {"PATH": "", "TMPDIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
