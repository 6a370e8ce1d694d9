"""Runs in MLflow, where mlflow or mlflow-skinny is installed: its parameters, its curves and its figures.

They go to MLFLOW_TRACKING_URI, else to `<out>/mlruns`; the experiment is MLFLOW_EXPERIMENT_NAME or "face-parsing".
A resumed run continues the one it belongs to; a parameter that was changed for it is told in the tag `resumed.<name>`.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

RUN = "mlflow-run"
"""File of the run's folder that keeps MLflow's id of it."""


class Tracker:
    """The run of one folder; silent where MLflow is not installed."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._mlflow: Any = None
        if find_spec("mlflow"):
            import mlflow

            self._mlflow = mlflow
            if not os.environ.get("MLFLOW_TRACKING_URI"):
                # its own choice of an SQLite file needs the whole of MLflow
                os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
                mlflow.set_tracking_uri((out / "mlruns").resolve().as_uri())

    def start(self, about: Mapping[str, object], *, fresh: bool) -> None:
        """Begin a run, or continue the folder's own unless it is a fresh one."""
        if not self._mlflow:
            return
        known = self.out / RUN
        if fresh:
            known.unlink(missing_ok=True)
        data = self._open().data
        # MLflow refuses another value for a parameter
        given = {name: str(value) for name, value in about.items()}
        self._mlflow.log_params({name: value for name, value in given.items() if name not in data.params})
        tags = {f"resumed.{name}": value for name, value in given.items() if name in data.params}
        kept = {f"resumed.{name}": value for name, value in data.params.items()} | data.tags
        self._mlflow.set_tags({name: value for name, value in tags.items() if value != kept[name]})

    def log(self, figures: Mapping[str, float], step: int | None = None) -> None:
        """Points of curves, of the run that is open."""
        if self._mlflow:
            self._mlflow.log_metrics({name: value for name, value in figures.items() if value == value}, step)

    def finish(self, figures: Mapping[str, float], files: list[Path]) -> None:
        """Add the final figures and files of a run that was closed."""
        if self._mlflow:
            self._open()
            self.log(figures)
            for path in files:
                self._mlflow.log_artifact(str(path))
            self.close(failed=False)

    def close(self, *, failed: bool) -> None:
        """End the run that is open."""
        if self._mlflow:
            self._mlflow.end_run("FAILED" if failed else "FINISHED")

    def _open(self) -> Any:
        known = self.out / RUN
        run_id = None
        with suppress(FileNotFoundError):
            run_id = known.read_text(encoding="utf-8").strip()
        if not run_id:
            self._mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "face-parsing"))
        run = self._mlflow.start_run(
            run_id=run_id, run_name=self.out.resolve().name, log_system_metrics=False
        )
        known.write_text(run.info.run_id, encoding="utf-8")
        return run
