"""A bundle made to work: `Segmenter.load(path).predict(photo)`."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml_core.bundle import GOLDEN, GOLDEN_LABELS, MODEL, Bundle, BundleError
from ml_core.faces import Face, FaceFinder, alignment, default_finder
from ml_core.image_errors import TooComplex
from ml_core.images import MAX_PIXELS, Affine, Decoded, from_pil, letterbox, pixel_affine, read, sample
from ml_core.model_file import ModelFile
from ml_core.paste import clear, paste, paste_owned
from ml_core.runtime import CPU, ProviderUnavailable, Session, open_session
from ml_core.segmentation import Parsed, Segmentation
from ml_core.wide import Logits, beyond

FACE = 0.3
"""A detection is rejected if less of its central crop is labelled as head. Of 400 faces (turned by up to 90 degrees,
tilted, small) the least had 0.55; detections in empty scenes have 0.03."""

Read = Callable[..., Decoded]
"""As ml_core.sandbox.Sandbox.read: of encoded bytes, `max_pixels` and `keep_going`."""
Photo = bytes | bytearray | memoryview | BinaryIO | str | PathLike[str] | Image.Image | NDArray[np.uint8]


class Segmenter:
    """One model in memory. `predict` may be called by many threads at once."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        providers: Sequence[str] = CPU,
        threads: int = 0,
        finder: FaceFinder | None = None,
        read: Read | None = None,
    ) -> None:
        self.bundle = bundle
        self._open = partial(open_session, providers=providers, threads=threads)
        try:
            self.file = ModelFile(bundle)
            self._session = self._open(bundle.path / MODEL, size=bundle.input_size)
        except (BundleError, ProviderUnavailable):
            raise
        except Exception as error:  # ONNX Runtime's own have no common base
            raise BundleError(f"{bundle.path / MODEL}: {error}") from error
        _check_contract(self._session, bundle)
        self._wide: Session | None = None
        self._lock = threading.Lock()
        self._threads = threads
        self._finder = finder
        self._read = read or _read_here

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        providers: Sequence[str] = CPU,
        threads: int = 0,
        finder: FaceFinder | None = None,
    ) -> "Segmenter":
        """Open a bundle folder. `threads` compute one inference (0: one a core); the finder is built when
        first needed. Raises BundleError or ProviderUnavailable.
        """
        return cls(Bundle.load(path), providers=providers, threads=threads, finder=finder)

    def predict(
        self,
        image: Photo,
        *,
        faces: Literal["auto", "whole"] | None = None,
        max_pixels: int = MAX_PIXELS,
        max_faces: int | None = None,
        keep_going: Callable[[], bool] = lambda: True,
    ) -> Segmentation:
        """Parse the faces of a photo: encoded bytes, a binary file, a path, a Pillow image or (H, W, 3) uint8 RGB.

        `auto` finds the faces and parses each in a cut of its own (and in a wider one where hair goes on
        beyond it); `whole` takes the photo as one cut, for pictures that are one face already; None is as the
        bundle's `cut`. The largest `max_faces` are parsed, the largest first, as long as `keep_going`, which may raise;
        the warning `faces_left_out` says that there are more. Raises an ImageError before any inference is done,
        TypeError for what is no photo, ValueError for an array of another shape or dtype.
        """
        faces = faces or ("whole" if self.bundle.cut == "whole" else "auto")
        start = time.perf_counter()
        pixels, damaged = _read(image, partial(self._read, max_pixels=max_pixels, keep_going=keep_going))
        decoded = time.perf_counter()
        if not keep_going():
            raise TooComplex("Decoding took all the time that one image may take.")
        found = self._find(pixels) if faces == "auto" else []
        located = time.perf_counter()
        if faces == "auto":
            result = self._parse(pixels, largest(found), max_faces, keep_going)
            all_found = len(found) - len(result.refused)
            left_out = len(result.faces) < all_found
            if found and not (result.faces or result.refused):
                raise TooComplex("Finding the faces took all the time that one image may take.")
        else:
            all_found, left_out = 0, False
            cut = letterbox(pixels.shape[:2], self.bundle.input_size)
            logits = self.infer(pixels, cut)
            parsed = (Parsed(1, logits, logits, cut),)
            labels = paste([logits], [cut], pixels.shape[:2], best=[parsed[0].best])
            result = Segmentation(pixels, labels, self.bundle, faces=(), parsed=parsed)
        done = time.perf_counter()
        return replace(
            result,
            warnings=("image_damaged",) * damaged
            + ("no_face_found",) * (not result.parsed)
            + ("faces_left_out",) * left_out,
            faces_found=all_found,
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
        return (self._finder or default_finder(threads=self._threads)).find(image)

    def _parse(
        self,
        image: NDArray[np.uint8],
        found: Sequence[Face],
        max_faces: int | None,
        keep_going: Callable[[], bool],
    ) -> Segmentation:
        """The first `max_faces` that are faces, from left to right, and the labels of the photo.

        Of what was found at most twice as many are tried.
        """
        faces: list[tuple[Face, Affine, Logits, Logits, Affine]] = []
        refused = []
        for face in found if max_faces is None else found[: 2 * max_faces]:
            if len(faces) == max_faces or not keep_going():
                break
            home = alignment(face)
            logits = self.infer(image, home)
            if not self._holds_a_face(logits, home, image.shape[:2]):
                refused.append(face.box)
                continue
            look, cut = beyond(logits, home, image.shape[:2], partial(self.infer, image, coarse=True))
            faces.append((face, home, logits, look, cut))
        faces.sort(key=lambda one: (one[0].box[0] + one[0].box[2] / 2, one[0].box[1]))
        parsed = tuple(Parsed(number, *one[2:]) for number, one in enumerate(faces, start=1))
        labels, owners = paste_owned(
            [one.look for one in parsed],
            [one.cut for one in parsed],
            image.shape[:2],
            homes=[home for _, home, *_ in faces],
            best=[one.best if one.look is one.logits else None for one in parsed],
        )
        if refused:
            clear(labels, refused, self.bundle.labels.hair)
        return Segmentation(
            image=image,
            labels=labels,
            bundle=self.bundle,
            faces=tuple(face for face, *_ in faces),
            parsed=parsed,
            owners=owners,
            refused=tuple(refused),
        )

    def _holds_a_face(self, logits: NDArray[np.float32], cut: Affine, image_size: tuple[int, int]) -> bool:
        """Whether the middle of a cut, as far as the photo goes, holds parts of a head.

        Always so for a model whose card names no parts of a face.
        """
        labels = self.bundle.labels
        rows, columns = (slice(side // 4, -(side // 4) or None) for side in logits.shape[:2])
        place = np.mgrid[: logits.shape[0], : logits.shape[1]][::-1, rows, columns].reshape(2, -1)
        x, y = pixel_affine(cut, logits.shape[:2]) @ np.vstack([place, np.ones_like(place[:1])])
        inside = (x > -1) & (y > -1) & (x < image_size[1]) & (y < image_size[0])
        seen = logits[rows, columns].argmax(axis=2).ravel()[inside]
        parts = np.isin(seen, labels.face + labels.hair)
        return not labels.face or (len(parts) > 0 and float(parts.mean()) >= FACE)

    def infer(self, image: NDArray[np.uint8], cut: Affine, *, coarse: bool = False) -> NDArray[np.float32]:
        """Logits (h, w, C) of one cut of an (H, W, 3) uint8 RGB photo; `coarse`: fewer, in under half of the time."""
        session, size = self._coarse() if coarse else (self._session, self.bundle.input_size)
        crop = sample(image, cut, size)
        (logits,) = session.run(["logits"], {"image": crop[None]})
        return np.asarray(logits[0], np.float32)

    def _coarse(self) -> tuple[Session, tuple[int, int]]:
        """The session of the wide look and its size, opened when first needed: it has the weights once more.

        Where the file was written into since it was loaded, that of the first look serves for it, in more time.
        """
        # 0.47 of the pixels, in whole patches
        coarse = [side * 11 // 256 * 16 for side in self.bundle.input_size]
        with self._lock:
            if self._wide is None:
                try:
                    self._wide = self._open(self.file.read(), size=coarse)
                except OSError:
                    self._wide = self._session
        own = self._wide.get_inputs()[0].shape[1:3]  # a graph of one size keeps it
        height, width = (a if isinstance(a, int) else b for a, b in zip(own, coarse, strict=True))
        return self._wide, (height, width)


def largest(faces: Sequence[Face]) -> list[Face]:
    """The faces by the area of their boxes."""
    return sorted(faces, key=lambda face: face.box[2] * face.box[3], reverse=True)


def _read_here(data: bytes, *, max_pixels: int, keep_going: Callable[[], bool]) -> Decoded:
    return read(data, max_pixels=max_pixels)


def _read(image: Photo, read: Read) -> Decoded:
    if isinstance(image, str | PathLike):
        image = Path(image).read_bytes()
    elif not isinstance(image, bytes) and hasattr(image, "read"):
        image = image.read()
    if isinstance(image, bytes | bytearray | memoryview):
        return read(bytes(image))
    if isinstance(image, Image.Image):
        return Decoded(from_pil(image))
    if not isinstance(image, np.ndarray):
        kinds = "bytes, a binary file, a path, a Pillow image or an array"
        raise TypeError(f"a photo is {kinds}, not {type(image).__name__}")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"an image array is (H, W, 3) uint8, not {image.shape} {image.dtype}")
    return Decoded(image)


def _check_contract(session: Session, bundle: Bundle) -> None:
    """Refuse a graph that is not what the module ml_core.bundle says: BundleError."""
    height, width = bundle.input_size
    classes = len(bundle.labels)
    inputs = {node.name: (node.type, list(node.shape[1:])) for node in session.get_inputs()}
    sides = [side for _, shape in inputs.values() for side in shape[:2]]
    free = not any(isinstance(side, int) for side in sides)
    outputs = {node.name: (node.type, list(node.shape)) for node in session.get_outputs()}
    if inputs != {"image": ("tensor(uint8)", [*(sides if free else (height, width)), 3])}:
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
