"""TensorBoard's event files, written without TensorFlow."""

import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class SummaryWriter:
    """Scalars and pictures by epoch."""

    def __init__(self, folder: Path) -> None:
        self._writer = EventFileWriter(str(folder))

    def write(self, epoch: int, figures: Mapping[str, float]) -> None:
        """One point of each curve."""
        self._add(epoch, *(Summary.Value(tag=name, simple_value=value) for name, value in figures.items()))

    def write_picture(self, epoch: int, name: str, pixels: NDArray[np.uint8]) -> None:
        """An (H, W, 3) RGB picture."""
        height, width = pixels.shape[:2]
        _, png = cv2.imencode(".png", pixels[..., ::-1])
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png.tobytes())
        self._add(epoch, Summary.Value(tag=name, image=image))

    def close(self) -> None:
        """Write what is buffered."""
        self._writer.close()

    def _add(self, epoch: int, *values: Summary.Value) -> None:
        self._writer.add_event(Event(step=epoch, wall_time=time.time(), summary=Summary(value=values)))
        self._writer.flush()
