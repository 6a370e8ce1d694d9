"""Runs in MLflow: one a folder, continued by what comes later, and nothing at all where it is not installed."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from training.tracking import Tracker

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
    resumed.start({"preset": "lite", "learning_rate": 0.1}, fresh=False)
    resumed.log({"loss": 1.0}, 2)
    resumed.close(failed=False)
    Tracker(tmp_path).finish({"test_mean_f1_lite": 88.0}, [card])

    import mlflow

    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("face-parsing").experiment_id])
    assert run.data.params == {"preset": "lite", "learning_rate": "0.1"}
    assert run.data.metrics == {"loss": 1.0, "test_mean_f1_lite": 88.0}
    assert [point.value for point in client.get_metric_history(run.info.run_id, "loss")] == [2.0, 1.0]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["README.md"]
    assert run.info.status == "FINISHED"
    Tracker(tmp_path).start({"preset": "full"}, fresh=True)
    assert len(client.search_runs([run.info.experiment_id])) == 2


@pytest.mark.skipif(INSTALLED, reason="MLflow is installed")
def test_without_mlflow_nothing_is_written(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.start({"preset": "lite"}, fresh=True)
    tracker.log({"loss": 1.0}, 1)
    tracker.close(failed=False)
    tracker.finish({"f1": 1.0}, [])
    assert not list(tmp_path.iterdir())
