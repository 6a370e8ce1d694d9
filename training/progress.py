"""What a run shows: a bar with rate and time left, a table of F1 per epoch, log.csv, TensorBoard and MLflow."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ml_core.images import colorize
from ml_core.labels import LabelSet
from ml_core.unetr.augment_config import Codes, Image
from ml_core.unetr.fit import EpochReport, Watcher
from ml_core.unetr.metrics import Scores
from ml_core.unetr.summary import SummaryWriter
from training.logs import LOG
from training.tracking import Tracker


class ProgressTable(Watcher):
    """A context manager around a run; it writes log.csv and tensorboard/ into the run's folder.

    about: the run's parameters, for MLflow.
    """

    def __init__(
        self,
        out: Path,
        labels: LabelSet,
        console: Console | None = None,
        *,
        about: Mapping[str, object] | None = None,
    ) -> None:
        self.log, self.labels = out / "log.csv", labels
        self.about = about or {}
        self.tracker = Tracker(out)
        self.console = console or Console()
        self.board = SummaryWriter(out / "tensorboard")
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]} · {task.fields[size]} px"),
            BarColumn(),
            TextColumn(
                "{task.completed}/{task.total} batches · {task.fields[rate]} images/s · loss {task.fields[loss]}"
            ),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.batch_size = 1

    def __enter__(self) -> "ProgressTable":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
        self.board.close()
        self.tracker.close(failed=error is not None)

    def go_on_after(self, epoch: int) -> None:
        """Drop what the log says of later epochs: they will be run again. After epoch 0 there is no log."""
        self.tracker.start(self.about, fresh=not epoch)
        if not epoch:
            self.log.unlink(missing_ok=True)
        elif self.log.exists():
            lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            self.log.write_text("".join(lines[: 1 + epoch]), encoding="utf-8")

    def start_epoch(self, epoch: int, steps: int, batch_size: int, size: int) -> None:
        for task in self.bar.task_ids:
            self.bar.remove_task(task)
        self.batch_size = batch_size
        self.bar.add_task("", total=steps, epoch=epoch + 1, size=size, rate="-", loss="-")

    def step(self, done: int, loss: float) -> None:
        task = self.bar.task_ids[0]
        speed = self.bar.tasks[0].speed or 0.0
        self.bar.update(task, completed=done, rate=f"{speed * self.batch_size:.1f}", loss=f"{loss:.3f}")

    def end_epoch(self, report: EpochReport) -> None:
        self._write_log(report)
        figures = _figures(report, self.labels)
        self.board.write(report.progress.epoch, figures)
        self.tracker.log(figures, report.progress.epoch)
        if report.shown:
            self.board.write_picture(report.progress.epoch, "validation", _picture(report.shown, self.labels))
        told = (
            f"epoch {report.progress.epoch} · {report.size} px · {report.progress.seconds / 60:.1f} min · "
            f"{report.pace.images_per_second:.1f} images/s, {report.pace.waiting:.1%} waiting for data · "
            f"loss {report.loss:.3f} · validation mean F1 {100 * report.scores.mean_f1:.2f}"
        )
        LOG.info(told)
        self.console.print(told)
        self.console.print(scores_table(report.scores, self.labels))

    def stop_early(self, patience: int) -> None:
        self.console.print(f"ended early: no better validation F1 for {patience} epochs")

    def _write_log(self, report: EpochReport) -> None:
        row = {
            "epoch": report.progress.epoch,
            "size": report.size,
            "minutes": round(report.progress.seconds / 60, 2),
        }
        figures = {name: round(value, 6) for name, value in _figures(report, self.labels).items()}
        new = not self.log.exists()
        with self.log.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*row, *figures])
            if new:
                writer.writeheader()
            writer.writerow({**row, **figures})


def _figures(report: EpochReport, labels: LabelSet) -> dict[str, float]:
    return {
        "loss": report.loss,
        "learning_rate": report.rate,
        "images_per_second": report.pace.images_per_second,
        "waiting": report.pace.waiting,
        "mean_f1": report.scores.mean_f1,
        **{f"f1_{name}": float(value) for name, value in zip(labels.names, report.scores.f1, strict=True)},
    }


def _picture(shown: Sequence[tuple[Image, Codes, Codes]], labels: LabelSet) -> Image:
    """A row for each validation photo: the photo, its labels and the labels found; grey where it is no one class."""
    rows = []
    for image, truth, found in shown:
        classes = colorize(np.minimum(truth, len(labels) - 1), labels)
        wanted = np.where((truth < len(labels))[..., None], classes, np.uint8(128))
        photo = cv2.resize(image, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        rows.append(np.hstack([photo, wanted, colorize(found, labels)]))
    return np.vstack(rows)


def scores_table(scores: Scores, labels: LabelSet) -> Table:
    """F1 and IoU of each class in percent, and their means without the background."""
    table = Table("class", "F1 %", "IoU %")
    for name, f1, iou in zip(labels.names, scores.f1, scores.iou, strict=True):
        table.add_row(name, percent(float(f1)), percent(float(iou)))
    table.add_row("mean without background", percent(scores.mean_f1), percent(scores.mean_iou), style="bold")
    return table


def percent(value: float) -> str:
    """12.34 for 0.1234; a dash for NaN."""
    return "-" if math.isnan(value) else f"{100 * value:.2f}"
