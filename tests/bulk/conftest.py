"""Many small photos, the tiny model, and segment_images in a process of its own.

BULK_PHOTOS (10000) photos, killed BULK_KILLS (10) times.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import pytest

from ml_core.images import colorize
from segmentation_api.bulk import manifest
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

ROOT = Path(__file__).resolve().parent.parent.parent
PHOTOS = int(os.environ.get("BULK_PHOTOS", "10000"))
KILLS = int(os.environ.get("BULK_KILLS", "10"))
SIDE = 32


class Runs:
    """Starts the command on `photos`, into subfolders of `folder`."""

    def __init__(self, folder: Path, photos: Path, environment: dict[str, str]) -> None:
        self.folder, self.photos, self.environment = folder, photos, environment

    def start(self, src: str | Path, dst: str | Path, *options: str) -> "subprocess.Popen[str]":
        """`faces=whole`, as the tiny model finds none."""
        command = [
            sys.executable,
            "manage.py",
            "segment_images",
            str(src),
            str(dst),
            "--faces",
            "whole",
            *options,
        ]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def finish(self, src: str | Path, dst: str | Path, *options: str) -> str:
        """What it printed; it must succeed."""
        with self.start(src, dst, *options) as process:
            printed = process.communicate()[0]
        assert process.returncode == 0, printed
        return printed


def results(folder: Path) -> dict[str, int]:
    """When each result was written, in nanoseconds."""
    names = [path for path in folder.glob("[0-9]*/*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in names}


def rows(folder: Path) -> list[dict[str, Any]]:
    """The manifest's, sorted, milliseconds aside."""
    found = [{**row, "milliseconds": None} for row in manifest.read(folder / manifest.PARQUET)]
    return sorted(found, key=lambda row: row["path"])


def wait_for(folder: Path, count: int, process: "subprocess.Popen[str]") -> None:
    """Until there are so many results, or the process has ended."""
    while len(results(folder)) < count and process.poll() is None:
        time.sleep(0.1)


def kill(process: "subprocess.Popen[str]") -> None:
    """Without a warning."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MODELS_DIR."""
    folder = tmp_path_factory.mktemp("models")
    make_palette_bundle(folder / "tiny", size=SIDE, logits_scale=1)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PHOTOS files of ten pictures, a thousand to a folder."""
    folder = tmp_path_factory.mktemp("photos")
    pictures = []
    for number in range(10):
        picture = colorize(draw_face(SIDE + number), LAPA)
        encoded, data = cv2.imencode(".png", picture[:, :, ::-1])
        assert encoded
        pictures.append(data.tobytes())
    for number in range(PHOTOS):
        file = folder / f"{number // 1000:03d}" / f"{number:06d}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(pictures[number % 10])
    return folder


@pytest.fixture
def runs(tmp_path: Path, photos: Path, models: Path) -> Runs:
    """With nothing of the caller's environment but what finds programs and packages."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {"MODELS_DIR": str(models), "MODEL": "tiny", "STATE_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}
    return Runs(tmp_path, photos, {**kept, **given})
