"""TensorBoard's event files."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class SummaryWriter:
    """Scalars by epoch."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, epoch: int, figures: Mapping[str, float]) -> None:
        with self._writer.as_default(step=epoch):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
