"""The temperature that is right is found, and what is calibrated is what is served."""

from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ml_core.bundle import Bundle
from ml_core.labels import IGNORE
from ml_core.segmenter import Segmenter
from tests.drawn import painted_face
from tests.tiny_bundle import make_palette_bundle
from training.calibration import calibrate, fit_temperature, measure, pixel_logits, softmax, summary
from training.lapa import LAPA
from training.photos import Files, read


def drawn_logits(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels as likely as softmax(logits / temperature) says."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (count, 5)).astype(np.float32)
    chances = softmax(logits, temperature).cumsum(axis=1)
    labels = (chances < rng.random((count, 1))).sum(axis=1).clip(0, 4)
    return logits, labels.astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_the_labels_were_drawn_with_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn_logits(temperature)) == pytest.approx(temperature, rel=0.05)


def test_with_nothing_to_fit_the_temperature_is_one() -> None:
    assert fit_temperature(np.empty((0, 5), np.float32), np.empty(0, np.uint8)) == 1.0


@pytest.fixture
def files(tmp_path: Path) -> list[Files]:
    """Photos in the palette's colours, wide ones: the network sees them in a frame. Some labels are wrong."""
    found = []
    for index in range(4):
        image, labels = painted_face(96, seed=index)
        labels[:, ::7] = 10
        labels[:20] = IGNORE
        paths = tmp_path / f"{index}.png", tmp_path / f"{index}-labels.png"
        cv2.imwrite(str(paths[0]), image[:60, ..., ::-1])
        cv2.imwrite(str(paths[1]), labels[:60])
        found.append(paths)
    return found


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return Segmenter.load(make_palette_bundle(tmp_path / "tiny", size=32))


def test_the_logits_are_those_of_the_served_labels(segmenter: Segmenter, files: list[Files]) -> None:
    for pair in files:
        image, truth = read(pair)
        logits, labels = pixel_logits(segmenter, pair)
        served = segmenter.predict(image, faces="whole").labels[truth != IGNORE]
        assert (logits.argmax(axis=1) == served).mean() > 0.99
        np.testing.assert_array_equal(labels, truth[truth != IGNORE])


def test_calibrated_means_less_wrong_about_itself(segmenter: Segmenter, files: list[Files]) -> None:
    found = calibrate(segmenter, files)
    assert found == calibrate(segmenter, files)
    assert len(found.by_class) == len(LAPA)
    bundle = segmenter.bundle.model_copy(update={"class_temperatures": found.by_class})
    figures = figures_of(bundle, files)
    assert figures["ece"] < figures["ece_before"]


def test_a_class_too_rarely_called_has_the_temperature_of_all(
    segmenter: Segmenter, files: list[Files]
) -> None:
    found = calibrate(segmenter, files)
    called = np.concatenate([pixel_logits(segmenter, pair)[0].argmax(axis=1) for pair in files])
    counts = np.bincount(called, minlength=len(LAPA))
    assert 0 in counts  # nothing of the chin is in these photos
    assert all(found.by_class[index] == found.overall for index in np.flatnonzero(counts == 0))


def test_the_figures_tell_of_the_temperatures_of_the_bundle(segmenter: Segmenter, files: list[Files]) -> None:
    doubtful = segmenter.bundle.model_copy(update={"class_temperatures": (1e6,) * len(LAPA)})
    figures = figures_of(doubtful, files)
    assert figures["by_class"]["skin"]["confidence"] == pytest.approx(100 / 11, abs=0.1)
    assert figures["reliability"]["served"]["confidence"] == [pytest.approx(100 / 11, abs=0.1)]
    assert figures["ece_before"] == figures_of(segmenter.bundle, files)["ece_before"]


def figures_of(bundle: Bundle, files: list[Files]) -> dict[str, Any]:
    look = partial(measure, Segmenter(bundle))
    return summary(reduce(add, map(look, files)), bundle)
