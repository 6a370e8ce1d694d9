"""A bundle made to work: `Segmenter.load(path).predict(photo)`."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from ml_core.bundle import GOLDEN, GOLDEN_LABELS, MODEL, Bundle, BundleError
from ml_core.faces import Face, FaceFinder, alignment
from ml_core.images import MAX_PIXELS, Affine, decode, from_pil, letterbox, sample
from ml_core.labels import LabelSet
from ml_core.paste import paste
from ml_core.runtime import ProviderUnavailable, open_session

Photo = bytes | str | Path | Image.Image | NDArray[np.uint8]


@dataclass(frozen=True)
class Segmentation:
    """What was found in one photo.

    image       (H, W, 3) uint8 RGB, upright
    labels      (H, W) uint8 class ids of `label_set`
    confidence  a class: mean calibrated probability (0..1) of the pixels labelled so; None if there are none
    timing_ms   decode, locate, infer
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    label_set: LabelSet
    faces: tuple[Face, ...]
    confidence: tuple[float | None, ...]
    warnings: tuple[str, ...]
    timing_ms: dict[str, float]


class Segmenter:
    """One model in memory. `predict` may be called by many threads at once."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        threads: int = 0,
        finder: FaceFinder | None = None,
    ) -> None:
        self.bundle = bundle
        try:
            self._session = open_session(bundle.path / MODEL, providers=providers, threads=threads)
        except ProviderUnavailable:
            raise
        except Exception as error:  # ONNX Runtime's own have no common base
            raise BundleError(f"{bundle.path / MODEL}: {error}") from error
        _check_contract(self._session, bundle)
        self._threads = threads
        self._finder = finder
        self._finder_lock = threading.Lock()

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        threads: int = 0,
        finder: FaceFinder | None = None,
    ) -> "Segmenter":
        """Open a bundle folder. `threads` compute one inference (0: one a core); the finder is built when
        first needed. Raises BundleError or ProviderUnavailable.
        """
        return cls(Bundle.load(path), providers=providers, threads=threads, finder=finder)

    def predict(
        self, image: Photo, *, faces: Literal["auto", "whole"] = "auto", max_pixels: int = MAX_PIXELS
    ) -> Segmentation:
        """Parse the faces of a photo: encoded bytes, a file's path, a Pillow image or (H, W, 3) uint8 RGB.

        `auto` finds the faces and parses each in a cut of its own; `whole` takes the photo as one cut, for
        pictures that are one face already. Raises ImageTooLarge, UnsupportedImage or BrokenImage before any
        inference is done.
        """
        start = time.perf_counter()
        pixels = _read(image, max_pixels)
        decoded = time.perf_counter()
        found = tuple(self._find(pixels)) if faces == "auto" else ()
        located = time.perf_counter()
        size = pixels.shape[0], pixels.shape[1]
        whole = [letterbox(size, self.bundle.input_size)]
        cuts = [alignment(face) for face in found] if faces == "auto" else whole
        logits = [self._infer(pixels, cut) for cut in cuts]
        labels = paste(logits, cuts, size)
        confidence = _confidence(logits, labels, self.bundle.temperature, len(self.bundle.labels))
        done = time.perf_counter()
        return Segmentation(
            image=pixels,
            labels=labels,
            label_set=self.bundle.labels,
            faces=found,
            confidence=confidence,
            warnings=() if cuts else ("no_face_found",),
            timing_ms={
                "decode": 1000 * (decoded - start),
                "locate": 1000 * (located - decoded),
                "infer": 1000 * (done - located),
            },
        )

    def golden_agreement(self) -> float:
        """The share of golden.png's pixels that get their golden label: 1.0 where all is well."""
        expected = np.asarray(Image.open(self.bundle.path / GOLDEN_LABELS))
        labels = self.predict(self.bundle.path / GOLDEN, faces="whole").labels
        if labels.shape != expected.shape:
            raise BundleError(f"{self.bundle.path}: {GOLDEN} and {GOLDEN_LABELS} differ in size")
        return float((labels == expected).mean())

    def _find(self, image: NDArray[np.uint8]) -> list[Face]:
        with self._finder_lock:
            if self._finder is None:
                self._finder = FaceFinder(threads=self._threads)
        return self._finder.find(image)

    def _infer(self, image: NDArray[np.uint8], cut: Affine) -> NDArray[np.float32]:
        """Logits (h, w, C) of one cut."""
        crop = sample(image, cut, self.bundle.input_size)
        (logits,) = self._session.run(["logits"], {"image": crop[None]})
        return np.asarray(logits[0], np.float32)


def _read(image: Photo, max_pixels: int) -> NDArray[np.uint8]:
    if isinstance(image, str | Path):
        image = Path(image).read_bytes()
    if isinstance(image, bytes):
        return decode(image, max_pixels=max_pixels)
    if isinstance(image, Image.Image):
        return from_pil(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"an image array is (H, W, 3) uint8, not {image.shape} {image.dtype}")
    return image


def _confidence(
    logits: Sequence[NDArray[np.float32]], labels: NDArray[np.uint8], temperature: float, classes: int
) -> tuple[float | None, ...]:
    """A class: the mean softmax(logits / temperature) of the class where it wins; None if not in `labels`.

    Taken over the logits, not over the photo's pixels: the same figure for a fraction of the time. A class
    that wins only between logits has the highest probability it reaches at one of them.
    """
    total, count, highest = np.zeros(classes), np.zeros(classes), np.zeros(classes)
    for values in logits:
        flat = values.reshape(-1, classes) / np.float32(temperature)
        winner = flat.argmax(axis=1)
        odds = np.exp(flat - np.take_along_axis(flat, winner[:, None], axis=1))
        scale = 1 / odds.sum(axis=1)  # the winner's probability, as its odds are 1
        total += np.bincount(winner, scale, minlength=classes)
        count += np.bincount(winner, minlength=classes)
        highest = np.maximum(highest, (odds * scale[:, None]).max(axis=0))
    present = np.bincount(labels.ravel(), minlength=classes) > 0
    mean = np.where(count > 0, total / np.maximum(count, 1), highest)
    return tuple(float(mean[c]) if present[c] and len(logits) else None for c in range(classes))


def _check_contract(session: ort.InferenceSession, bundle: Bundle) -> None:
    """Refuse a graph that is not what the module ml_core.bundle says. Raises BundleError."""
    height, width = bundle.input_size
    classes = len(bundle.labels)
    inputs = {node.name: (node.type, list(node.shape[1:])) for node in session.get_inputs()}
    outputs = {node.name: (node.type, list(node.shape)) for node in session.get_outputs()}
    if inputs != {"image": ("tensor(uint8)", [height, width, 3])}:
        reason = f"input is {inputs}, not `image` uint8 (N, {height}, {width}, 3)"
    elif list(outputs) != ["labels", "logits"]:
        reason = f"outputs are {list(outputs)}, not labels, logits"
    elif outputs["logits"][0] != "tensor(float)" or outputs["logits"][1][3:] != [classes]:
        reason = f"logits are {outputs['logits']}, not float32 (N, h, w, {classes})"
    elif outputs["labels"][0] != "tensor(uint8)" or len(outputs["labels"][1]) != 3:
        reason = f"labels are {outputs['labels']}, not uint8 (N, H, W)"
    else:
        return
    raise BundleError(f"{bundle.path / MODEL}: {reason}")
