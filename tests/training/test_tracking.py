"""Runs in MLflow: one a folder, continued by what comes later, and nothing at all where it is not installed."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ml_core.unetr.schedule import Phase
from tests.training.conftest import BrokenOffRun, tiny_params
from training.manifest import Manifest
from training.prepare import read_network
from training.tracking import Tracker
from training.train import fit

INSTALLED = find_spec("mlflow") is not None


@pytest.fixture(autouse=True)
def _no_store_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.skipif(not INSTALLED, reason="MLflow is not installed: `make test-backends`")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_run_has_its_parameters_curves_and_final_figures(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("card")
    begun = Tracker(tmp_path)
    begun.start({"preset": "lite", "learning_rate": 0.1}, fresh=True)
    begun.log({"loss": 2.0, "f1_hat": float("nan")}, 1)
    begun.close(failed=True)
    resumed = Tracker(tmp_path)
    resumed.start({"preset": "lite", "learning_rate": 0.2, "workers": 2}, fresh=False)
    resumed.log({"loss": 1.0}, 2)
    resumed.close(failed=False)
    Tracker(tmp_path).finish({"test_mean_f1_lite": 88.0}, [card])

    import mlflow

    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("face-parsing").experiment_id])
    assert run.data.params == {"preset": "lite", "learning_rate": "0.1", "workers": "2"}
    assert run.data.tags["resumed.learning_rate"] == "0.2"
    assert run.data.metrics == {"loss": 1.0, "test_mean_f1_lite": 88.0}
    assert [point.value for point in client.get_metric_history(run.info.run_id, "loss")] == [2.0, 1.0]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["README.md"]
    assert run.info.status == "FINISHED"
    fresh = Tracker(tmp_path)
    fresh.start({"preset": "full"}, fresh=True)
    fresh.close(failed=False)  # MLflow has one open run a process
    assert len(client.search_runs([run.info.experiment_id])) == 2


class Store(ModuleType):
    """Stands in for MLflow with one run, and refuses another value for a parameter as MLflow does."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.__spec__ = ModuleSpec("mlflow", None)
        self.run = SimpleNamespace(
            info=SimpleNamespace(run_id="1"),
            data=SimpleNamespace(params=dict[str, str](), tags=dict[str, str]()),
        )

    def start_run(self, **how: object) -> SimpleNamespace:
        return self.run

    def log_params(self, params: dict[str, str]) -> None:
        for name, value in params.items():
            if self.run.data.params.setdefault(name, value) != value:
                raise ValueError(f"Changing param values is not allowed: {name}")

    def set_tags(self, tags: dict[str, str]) -> None:
        self.run.data.tags.update(tags)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None  # whatever else is told it


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setitem(sys.modules, "mlflow", made := Store())
    return made


def test_what_a_run_is_resumed_with_is_a_tag_where_it_differs(store: Store, tmp_path: Path) -> None:
    Tracker(tmp_path).start({"preset": "lite", "minutes": 10.0}, fresh=True)
    Tracker(tmp_path).start({"preset": "lite", "minutes": 20.0, "seed": 1}, fresh=False)
    assert store.run.data.params == {"preset": "lite", "minutes": "10.0", "seed": "1"}
    assert store.run.data.tags == {"resumed.minutes": "20.0"}
    Tracker(tmp_path).start({"preset": "lite", "minutes": 10.0}, fresh=False)
    assert store.run.data.tags == {"resumed.minutes": "10.0"}


def test_a_resumed_run_tells_what_it_once_started_from(
    store: Store, broken_off_run: BrokenOffRun, tmp_path: Path
) -> None:
    out = shutil.copytree(broken_off_run.options.out, tmp_path / "out")
    (out / "start.json").write_text('{"init": "lite 0.3.0"}')
    config = tiny_params(Phase(32, 4, 0.5), Phase(64, 4, 1.0)).fit("lite")
    options = replace(broken_off_run.options, out=out, resume=True, workers=0)
    fit(options, config, read_network(out), Manifest.read(out / "data.json"))
    assert store.run.data.params["init"] == "lite 0.3.0"


@pytest.mark.skipif(INSTALLED, reason="MLflow is installed")
def test_without_mlflow_nothing_is_written(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.start({"preset": "lite"}, fresh=True)
    tracker.log({"loss": 1.0}, 1)
    tracker.close(failed=False)
    tracker.finish({"f1": 1.0}, [])
    assert not list(tmp_path.iterdir())
