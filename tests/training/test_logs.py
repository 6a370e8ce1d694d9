"""The log of a run is a file; the console has the same in other words."""

import errno
import logging
from pathlib import Path

import pytest

from training.logs import LOG, log_file


def _fail(out: Path) -> None:
    with log_file(out, "train"):
        LOG.info("caf\udce9.jpg")  # a name that is no UTF-8
        raise ValueError("no such class")


def test_a_run_is_logged_into_its_file_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="no such class"):
        _fail(tmp_path)
    assert not caplog.records
    (path,) = (tmp_path / "logs").iterdir()
    told = path.read_text(encoding="utf-8")
    assert r"INFO caf\udce9.jpg" in told
    assert "ERROR failed: no such class\n" in told
    assert "Traceback" not in told
    LOG.warning("after it")
    assert [record.message for record in caplog.records] == ["after it"]


def test_libraries_tell_only_what_can_be_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with log_file(tmp_path, "train"):
        logging.getLogger("tf2onnx.optimizer").info("Optimizing ONNX model")
        logging.getLogger("tensorflow").warning("triggered tf.function retracing")
    assert not caplog.records


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=str(tmp_path)), log_file(tmp_path, "train"):
        raise OSError(errno.ENOSPC, "No space left on device")
