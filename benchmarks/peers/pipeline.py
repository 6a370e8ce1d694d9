"""What every contender does with a photo, and what they share of how: one thread an inference.

Only the serving differs. Finding faces is left out, since no peer has a finder.
"""

import os
from pathlib import Path

import cv2

from ml_core.outputs import OutputOptions, mask_png
from ml_core.segmenter import Segmenter

BUNDLE = "BENCHMARK_BUNDLE"
CORES = len(os.sched_getaffinity(0))


class Pipeline:
    """Encoded photo in, palette PNG out; may be called by many threads."""

    def __init__(self, bundle: Path | None = None) -> None:
        cv2.setNumThreads(1)
        self.segmenter = Segmenter.load(bundle or Path(os.environ[BUNDLE]), threads=1)

    def __call__(self, photo: bytes) -> bytes:
        """Decode, session, PNG."""
        found = self.segmenter.predict(photo, faces="whole")
        return mask_png(found, OutputOptions())
