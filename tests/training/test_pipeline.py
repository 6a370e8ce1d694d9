"""From a folder of photos to a bundle that serves, and what happens when a run is broken off."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import training.export
from ml_core.bundle import Bundle, sha256_of
from ml_core.segmenter import Segmenter
from ml_core.unetr.schedule import Phase
from tests.conftest import ROOT
from tests.training.conftest import BrokenOffRun, tiny_params
from tests.training.published import colored
from training import pipeline
from training.checks import check_files
from training.config import Config, ConfigError, Params, PrepareParams, load_config
from training.history import Start
from training.ingest import ingest
from training.lapa import LAPA
from training.manifest import ExtraSet, Manifest, SceneSet
from training.options import RunError, RunOptions
from training.photos import DataError
from training.prepare import prepare
from training.quantize import TooLossy
from training.synthetic import draw_data_set
from training.train import train


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_run_ends_in_a_bundle_that_serves(broken_off_run: BrokenOffRun) -> None:
    options = broken_off_run.options
    bundle = Bundle.load(options.bundle)
    assert bundle.labels == LAPA
    assert bundle.input_size == (64, 64)
    assert bundle.metrics["photos"] == 4
    assert bundle.parity["unexplained"] == 0
    segmenter = Segmenter.load(options.bundle)
    assert segmenter.golden_agreement() == 1.0
    assert "| skin |" in (options.bundle / "README.md").read_text()
    assert (options.out / "worst-lite.png").exists()
    assert list((options.out / "tensorboard").iterdir())
    shown = cv2.imread(str(options.out / "examples.png"))
    assert shown is not None
    assert shown.shape == (3 * 256, 4 * 256, 3)  # photo, overlay, found, labelled


def test_the_card_shows_the_learning_curves(broken_off_run: BrokenOffRun) -> None:
    training = Bundle.load(broken_off_run.options.bundle).training
    assert training is not None
    assert len(training["loss_by_epoch"]) == 2
    assert cv2.imread(str(broken_off_run.options.bundle / "curves.png")) is not None
    assert "(curves.png)" in (broken_off_run.options.bundle / "README.md").read_text()


def test_weights_that_another_backend_trained_are_exported_by_tensorflow(
    broken_off_run: BrokenOffRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(broken_off_run.options.out, tmp_path / "out")
    shutil.rmtree(out / "exported")
    monkeypatch.setattr(training.export, "BACKEND", "jax")
    exported = training.export.export_with_tensorflow(RunOptions(out=out, name="mine", quick=True))
    bundle = Bundle.load(exported / "mine")
    assert (bundle.name, bundle.parity["unexplained"]) == ("mine", 0)
    monkeypatch.setattr(training.export, "find_spec", lambda name: None)
    with pytest.raises(
        RunError, match=r"trained; the export needs TensorFlow: .* -m training\.export --preset lite"
    ):
        training.export.export_with_tensorflow(RunOptions(out=out))


def test_an_int8_bundle_of_an_earlier_run_is_no_result_of_this_one(
    broken_off_run: BrokenOffRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*rest: object) -> None:
        raise TooLossy("lite-int8 would lose 9 points")

    out = shutil.copytree(broken_off_run.options.out, tmp_path / "out")
    shutil.copytree(out / "bundles/lite-int8", out / "bundles/mine-int8")
    monkeypatch.setattr("training.export.quantize_bundle", refuse)
    options = replace(broken_off_run.options, out=out, resume=True, quick=True)
    pipeline.run(options, params=tiny_params(Phase(32, 4, 0.5), Phase(64, 4, 1.0)))
    assert sorted(path.name for path in (out / "bundles").iterdir()) == ["lite", "mine-int8"]
    assert f"MODELS_DIR={out / 'bundles'} MODEL=lite make serve" in capsys.readouterr().out


def test_a_picture_is_shown_as_characters() -> None:
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:2] = 255
    line, rest = pipeline.in_blocks(picture, 8).split("\n")
    assert (line.plain, rest.plain) == ("▀" * 8, "▀" * 8)
    assert {str(span.style) for span in line.spans} == {"rgb(255,255,255) on rgb(255,255,255)"}
    assert {str(span.style) for span in rest.spans} == {"rgb(0,0,0) on rgb(0,0,0)"}


def test_a_broken_off_run_goes_on_after_its_last_epoch(broken_off_run: BrokenOffRun) -> None:
    assert broken_off_run.sizes_after_resume == [64]  # the first epoch, at 32 pixels, was not run again
    with (broken_off_run.options.out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["size"]) for row in rows] == [("1", "32"), ("2", "64")]
    assert all(f"f1_{name}" in rows[0] for name in LAPA.names)
    training = Bundle.load(broken_off_run.options.bundle).training
    assert training is not None
    assert training["epochs"] == 2
    assert training["validation_f1_by_epoch"] == [
        pytest.approx(float(row["mean_f1"]), abs=1e-5) for row in rows
    ]


def zip_folder(folder: Path, archive: Path) -> None:
    """As people do it: the folder itself is in the archive."""
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.rglob("*.*"):
            file.write(path, Path("faces") / path.relative_to(folder))


def test_a_zip_is_unpacked_once_and_trains_like_its_folder(drawn: Path, tmp_path: Path) -> None:
    archive = tmp_path / "faces.zip"
    zip_folder(drawn, archive)
    manifest = ingest(RunOptions(data=str(archive), out=tmp_path / "out"))
    assert manifest.counts == {"train": 8, "val": 4, "test": 4}
    made = manifest.root.stat().st_mtime_ns
    assert ingest(RunOptions(data=str(archive), out=tmp_path / "out")).root.stat().st_mtime_ns == made


@pytest.mark.parametrize("name", ["faces.tar.gz", "faces.tar"])
def test_a_tar_archive_is_unpacked_wherever_its_folders_begin(drawn: Path, tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as file:
        file.add(drawn, "release/faces")
    manifest = ingest(RunOptions(data=str(tmp_path / name), out=tmp_path / "out"))
    assert manifest.counts == {"train": 8, "val": 4, "test": 4}
    assert manifest.root.parts[-2:] == ("release", "faces")


def test_an_archive_that_reaches_outside_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with tarfile.open(tmp_path / "faces.tar", "w") as file:
        file.add(tmp_path / "file", "../outside")
    with pytest.raises(DataError, match="outside"):
        ingest(RunOptions(data=str(tmp_path / "faces.tar"), out=tmp_path / "out"))
    assert not list((tmp_path / "data").iterdir())


def test_an_archive_larger_than_the_disk_is_refused(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zip_folder(drawn, tmp_path / "faces.zip")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"unpacks to \d+ bytes, but data has 1000 free"):
        ingest(RunOptions(data=str(tmp_path / "faces.zip"), out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>Sign in</html>", r"page\.zip: what was downloaded is a web page"),
        (
            "<!DOCTYPE html><title>Google Drive - Virus scan warning</title>",
            r"page\.zip: Google Drive sent a page and not the file.*Open the link in a browser.*give its path",
        ),
        ("<html>Google Drive - Quota exceeded</html>", "has too many downloads today"),
        ("not there", r"neither a zip nor a tar archive, it begins with b'not there'"),
    ],
)
def test_a_page_in_place_of_an_archive_is_not_kept(
    address: str, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "served/page.zip").write_text(text)
    with pytest.raises(DataError, match=message):
        ingest(RunOptions(data=address.replace("faces", "page"), out=tmp_path / "out"))
    assert not list((tmp_path / "data").glob("*.zip"))


def test_training_starts_from_a_bundle(broken_off_run: BrokenOffRun, tmp_path: Path) -> None:
    first = broken_off_run.options
    second = RunOptions(data=first.data, out=tmp_path / "second", init=first.bundle)
    ingest(second)
    prepare(second, tiny_params(Phase(64, 4, 1.0)))
    kept, initial = np.load(first.bundle / "weights.npz"), np.load(second.out / "initial.npz")
    assert sorted(kept) == sorted(initial)
    for name in kept:
        np.testing.assert_array_equal(kept[name].astype(np.float32), initial[name])
    start = Start.read(second.out)  # what the next bundle's card tells of the time before
    assert start.init == f"lite {first.version}"
    assert start.to_json()["after"] == Bundle.load(first.bundle).training
    second.checkpoint.touch()
    prepare(replace(second, init=None), tiny_params(Phase(64, 4, 1.0)))
    assert (
        not second.checkpoint.exists()
    )  # --resume would go on from it as if it had started from random weights
    assert Start.read(second.out).to_json() == {"init": None}
    with pytest.raises(RunError, match="prepared to start from random weights"):
        train(second, tiny_params(Phase(64, 4, 1.0)))


def test_resuming_keeps_the_data_and_the_start_of_the_run(
    broken_off_run: BrokenOffRun, drawn: Path, tmp_path: Path
) -> None:
    first = broken_off_run.options
    out = shutil.copytree(first.out, tmp_path / "out")
    (out / "start.json").write_text('{"init": "lite 0.3.0"}')
    resumed = RunOptions(out=out, resume=True)
    assert ingest(resumed).root == drawn  # not the default data
    kept = {path.name: path.read_bytes() for path in out.glob("*.*")}
    prepare(resumed, tiny_params(Phase(64, 4, 1.0)))
    assert {path.name: path.read_bytes() for path in out.glob("*.*")} == kept
    with pytest.raises(RunError, match=r"prepared to start from lite 0\.3\.0"):
        prepare(replace(resumed, init=first.bundle), tiny_params(Phase(64, 4, 1.0)))
    with pytest.raises(RunError, match=r"--resume: the run in .* trains on drawn0, not on synthetic"):
        ingest(replace(resumed, data="synthetic"))
    larger = tiny_params(Phase(64, 4, 1.0)).model_copy(update={"prepare": PrepareParams(image_size=128)})
    with pytest.raises(RunError, match=r"--resume: .* another network"):
        prepare(resumed, larger)


@pytest.fixture
def own_data(broken_off_run: BrokenOffRun, drawn: Path, tmp_path: Path) -> RunOptions:
    """To resume a run whose data is a folder that may be changed."""
    out = shutil.copytree(broken_off_run.options.out, tmp_path / "out")
    root = shutil.copytree(drawn, tmp_path / drawn.name)
    return RunOptions(data=str(root), out=out, resume=True)


def test_a_run_goes_on_with_its_own_data_alone(own_data: RunOptions, drawn: Path, tmp_path: Path) -> None:
    assert ingest(own_data).root == tmp_path / drawn.name  # the same data in another folder
    written = (own_data.out / "data.json").read_text()
    other = shutil.copytree(drawn, tmp_path / "other" / drawn.name)
    (other / "classes.json").write_text(json.dumps([f"part {index}" for index in range(11)]))
    with pytest.raises(
        RunError, match=rf"prepared for {drawn.name}, but .* has other classes: name the data"
    ):
        ingest(replace(own_data, data=str(other)))
    assert (own_data.out / "data.json").read_text() == written


def test_a_run_does_not_go_on_with_files_that_changed(
    own_data: RunOptions, drawn: Path, tmp_path: Path
) -> None:
    ingest(own_data)
    photo = next((tmp_path / drawn.name / "train/images").iterdir())
    before = photo.read_bytes()
    cv2.imwrite(str(photo), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(
        RunError, match="has other files: name the data of then by --data, with its files as they were"
    ):
        ingest(replace(own_data, data=None))
    photo.write_bytes(before)
    ingest(replace(own_data, data=None))


def test_a_run_does_not_go_on_with_data_that_was_ingested_for_another(
    own_data: RunOptions, drawn: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    draw_data_set(other, {"train": 2, "val": 1, "test": 1}, size=64, seed=2)
    ingest(RunOptions(data=str(other), out=own_data.out))  # and Ctrl+C before prepare
    params = tiny_params(Phase(32, 4, 0.5), Phase(64, 4, 1.0))
    for stage in (ingest, functools.partial(prepare, params=params), functools.partial(train, params=params)):
        with pytest.raises(RunError, match=rf"prepared for {drawn.name}, but other in .* has other files"):
            stage(RunOptions(out=own_data.out, resume=True))
    ingest(own_data)
    prepare(own_data, params)


def test_data_that_moved_alone_is_the_same_and_data_that_is_gone_is_told(
    own_data: RunOptions, drawn: Path, tmp_path: Path
) -> None:
    """Further sets and scenes may lie elsewhere, and stay there."""
    more = ExtraSet(name="more", root=shutil.copytree(drawn / "val", tmp_path / "more"), values={0: (0,)})
    scenes = SceneSet(name="scenes", root=shutil.copytree(drawn / "test/images", tmp_path / "scenes"))
    found = set()
    for root in (drawn, shutil.copytree(drawn, tmp_path / "further/away")):
        manifest = Manifest(name="own", labels=LAPA, root=root, extra=(more,), scenes=scenes)
        found.add(check_files(manifest, tmp_path / "problems.txt").split()[1])
    assert len(found) == 1
    ingest(own_data)
    shutil.rmtree(tmp_path / drawn.name)
    with pytest.raises(RunError, match=f"{drawn.name} is no longer in .*: put it back"):
        ingest(replace(own_data, data=None))


def test_a_run_on_pictures_in_colours_knows_its_data_again(drawn: Path, tmp_path: Path) -> None:
    root, options = shutil.copytree(drawn, tmp_path / "faces"), RunOptions(out=tmp_path / "out", resume=True)
    colored(root)
    made = ingest(RunOptions(data=str(root), out=options.out))
    assert made.root != root
    assert ingest(options) == made
    label = next((root / "train/labels").iterdir())
    cv2.imwrite(str(label), np.full((64, 64, 3), LAPA.colors[1][::-1], np.uint8))
    assert ingest(options).contents != made.contents


def test_resuming_with_nothing_to_resume_is_an_error(drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"--resume: nothing to resume, .*last\.npz is not there"):
        pipeline.run(RunOptions(data=str(drawn), out=tmp_path / "out", resume=True))
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_another_network_is_refused(broken_off_run: BrokenOffRun, tmp_path: Path) -> None:
    out = shutil.copytree(broken_off_run.options.out, tmp_path / "out")
    with np.load(out / "last.npz") as stored:
        np.savez(out / "last.npz", **{name: value[..., :1] for name, value in stored.items() if value.ndim})
    with pytest.raises(RunError, match=r"last\.npz: stem1/kernel is .*, the network has"):
        train(replace(broken_off_run.options, out=out, resume=True), tiny_params(Phase(64, 4, 1.0)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (tiny_params(Phase(64, 4, 1.0)).model_copy(update={"train": {}}), "no section lite"),
        (
            tiny_params(Phase(64, 4, 1.0)).model_copy(update={"prepare": PrepareParams(image_size=250)}),
            "image_size 250 is not a multiple",
        ),
    ],
)
@pytest.mark.usefixtures("_tiny_preset")
def test_a_wrong_parameter_ends_the_run_with_its_name(
    drawn: Path, tmp_path: Path, params: Params, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        pipeline.run(RunOptions(data=str(drawn), out=tmp_path / "out"), params=params)


def test_weights_of_another_network_are_refused(broken_off_run: BrokenOffRun, tmp_path: Path) -> None:
    first = broken_off_run.options
    other = tmp_path / "other"
    other.mkdir()
    with np.load(first.bundle / "weights.npz") as weights:
        np.savez(other / "weights.npz", **{name: value[..., :1] for name, value in weights.items()})
    options = RunOptions(data=first.data, out=tmp_path / "out", init=other)
    ingest(options)
    with pytest.raises(RunError, match="stem1/kernel"):
        prepare(options, tiny_params(Phase(64, 4, 1.0)))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "train" / "labels" / "00000.png").unlink(), "00000.png is not there"),
        (lambda root: [path.unlink() for path in (root / "val").rglob("*.*")], "val"),
        (lambda root: cv2.imwrite(str(root / "test/labels/00000.png"), np.full((64, 64), 77)), "77"),
    ],
    ids=["a photo without labels", "an empty split", "labels that are no classes"],
)
def test_bad_data_is_refused_before_any_training(
    drawn: Path, tmp_path: Path, spoil: Any, message: str
) -> None:
    root = tmp_path / "spoilt"
    for path in drawn.rglob("*.*"):
        target = root / path.relative_to(drawn)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    spoil(root)
    with pytest.raises(DataError, match=message):
        ingest(RunOptions(data=str(root), out=tmp_path / "out"))


def test_a_wrong_data_name_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="synthetic"):
        load_config().find("no-such-set")


@pytest.fixture
def address(drawn: Path, tmp_path: Path) -> Iterator[str]:
    """Where a web server on this machine offers the drawn faces as faces.zip."""
    served = tmp_path / "served"
    served.mkdir()
    zip_folder(drawn, served / "faces.zip")
    handler = functools.partial(QuietHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/faces.zip"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_data_set_is_fetched_by_its_url_and_verified(address: str, tmp_path: Path) -> None:
    digest = sha256_of(tmp_path / "served" / "faces.zip")
    manifest = ingest(RunOptions(data=f"{address}#sha256={digest}", out=tmp_path / "out"))
    assert manifest.counts == {"train": 8, "val": 4, "test": 4}
    with pytest.raises(DataError, match="hash"):
        ingest(RunOptions(data=f"{address}?again#sha256={'0' * 64}", out=tmp_path / "out"))
    with pytest.raises(DataError, match="404"):
        ingest(RunOptions(data=address.replace("faces", "none"), out=tmp_path / "out"))


def test_a_zip_with_another_checksum_is_refused(drawn: Path, tmp_path: Path) -> None:
    archive = tmp_path / "faces.zip"
    archive.write_bytes(b"not the file expected")
    config = Config.model_validate(
        {"default": "mine", "data_sets": {"mine": {"source": str(archive), "sha256": "0" * 64}}}
    )
    with pytest.raises(DataError, match="sha256"):
        ingest(RunOptions(out=tmp_path / "out"), config)


@pytest.mark.parametrize(
    ("stage", "missing"),
    [
        ("prepare", "keras"),
        *((stage, "rich") for stage in ("ingest", "train", "evaluate", "export", "pipeline", "quantize")),
    ],
)
def test_a_stage_where_a_package_is_missing_says_what_to_install(
    stage: str, missing: str, tmp_path: Path
) -> None:
    code = (
        "import runpy, sys; sys.path.insert(0, ''); "
        f"sys.modules[{missing!r}] = None; "
        f"sys.argv[1:] = ['--out', {str(tmp_path)!r}]; "
        f"runpy.run_module('training.{stage}', run_name='__main__', alter_sys=True)"
    )
    root = Path(training.export.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"Training needs {missing}, which" in done.stderr
    assert "pip install -r requirements.txt -r training/requirements.txt" in done.stderr


@pytest.mark.parametrize(("own", "wanted"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
@pytest.mark.parametrize("stage", ["prepare", "train", "export", "pipeline", "quantize"])
def test_tensorflow_is_told_to_compute_with_onednn_before_it_is_imported(
    stage: str, own: dict[str, str], wanted: str
) -> None:
    code = (
        "import os, runpy, sys; sys.path.insert(0, '')\n"
        "class Watch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tensorflow': sys.exit('told ' + os.environ.get('TF_ENABLE_ONEDNN_OPTS', 'nothing'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        f"runpy.run_module('training.{stage}', run_name='__main__', alter_sys=True)"
    )
    environment = {"PATH": os.environ["PATH"], **own}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == f"told {wanted}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stage_that_is_stopped_says_so_and_leaves_nothing_half_made(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "training.ingest"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob("data/.synthetic-*/train")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    assert process.communicate()[1] == "Stopped before the first checkpoint: the same command starts anew.\n"
    assert process.returncode == 1
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("command", [["-m", "training.prepare"], ["manage.py", "train_unetr"]])
def test_a_tensorflow_that_cannot_be_imported_is_told_with_a_remedy(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow/__init__.py").write_text("raise TypeError('Descriptors cannot be created')")
    done = subprocess.run(
        [sys.executable, *command, "--out", str(tmp_path)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert (
        "Keras with tensorflow cannot be imported (TypeError: Descriptors cannot be created)" in done.stderr
    )
    assert "pip install --force-reinstall -r requirements.txt -r training/requirements.txt" in done.stderr


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("jax", "-r training/requirements.txt -r training/requirements-jax.txt"),
        ("numpy", "KERAS_BACKEND=numpy: not a backend that trains; take tensorflow, jax, torch"),
    ],
)
def test_a_backend_that_is_missing_says_what_to_install(backend: str, told: str, tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.path.insert(0, ''); sys.modules['jax'] = None; "
        f"sys.argv[1:] = ['--out', {str(tmp_path)!r}]; "
        "runpy.run_module('training.prepare', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert told in done.stderr
