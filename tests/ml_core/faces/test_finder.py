from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ml_core.faces import Face, FaceFinder, alignment, default_finder
from ml_core.images import decode, sample

ASTRONAUT = Path(__file__).resolve().parents[3] / "samples" / "astronaut.jpg"
LANDMARKS = np.array([[204, 101], [247, 104], [225, 128], [202, 139], [245, 142]], np.float64)
"""Eileen Collins's eyes, nose and mouth corners in the sample photo, read off by eye."""


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return default_finder()


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    return decode(ASTRONAUT.read_bytes())


def upright_face(eyes: float = 40.0, mouth: float = 40.0) -> NDArray[np.float64]:
    """Landmarks of an upright face around (100, 100): eyes so far apart, the mouth so far below them."""
    half = eyes / 2
    points = [(-half, 0), (half, 0), (0, mouth / 2), (-half / 2, mouth), (half / 2, mouth)]
    return np.array(points, np.float64) + 100


def face_of(landmarks: NDArray[np.float64]) -> Face:
    return Face((0, 0, 1, 1), 1.0, landmarks)


def test_the_cut_of_an_upright_face_is_celeba_hqs() -> None:
    # half side max(2 * 40, 1.8 * 40) = 80, centre 0.1 * 40 below the eyes
    assert alignment(face_of(upright_face())) == pytest.approx(np.array([[160, 0, 20], [0, 160, 24]]))


def test_a_long_face_is_measured_from_eyes_to_mouth() -> None:
    cut = alignment(face_of(upright_face(eyes=20, mouth=50)))
    assert cut == pytest.approx(np.array([[180, 0, 10], [0, 180, 15]]))


@pytest.mark.parametrize("degrees", [30, -45, 90, 180])
def test_the_cut_turns_with_the_face(degrees: float) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    straight, turned = (
        alignment(face_of(points)) for points in (upright_face(), (upright_face() - 100) @ turn.T + 100)
    )
    assert turned[:, :2] == pytest.approx(turn @ straight[:, :2])
    assert turned[:, 2] - 100 == pytest.approx(turn @ (straight[:, 2] - 100))


def test_landmarks_in_one_point_still_give_a_cut() -> None:
    assert np.isfinite(alignment(face_of(np.full((5, 2), 7.0)))).all()


def test_the_cut_of_a_profile_moves_to_the_head_behind_it() -> None:
    landmarks = upright_face()
    around = Face((50, 60, 100, 120), 1.0, landmarks)  # centred on them
    assert alignment(around) == pytest.approx(alignment(face_of(landmarks)))
    behind = Face((85, 60, 100, 120), 1.0, landmarks)  # 35 of the cut's 80 pixels to the right: 8 are slack
    assert alignment(behind)[:, :2] == pytest.approx(alignment(around)[:, :2])
    assert alignment(behind)[:, 2] - alignment(around)[:, 2] == pytest.approx([27, 0])


def test_a_cut_is_not_smaller_than_the_box_says() -> None:
    squeezed = Face((60, 60, 80, 125), 1.0, upright_face(eyes=4, mouth=20))
    cut = alignment(squeezed)
    assert cut[0, 0] == pytest.approx(2 * 0.7 * 100)
    assert cut @ (0.5, 0.5, 1) == pytest.approx([100, 102])


def test_the_astronaut_is_found_once_with_her_landmarks(
    finder: FaceFinder, astronaut: NDArray[np.uint8]
) -> None:
    (face,) = finder.find(astronaut)
    assert face.score > 0.99
    x, y, width, height = face.box
    assert (x, y, x + width, y + height) == pytest.approx((178, 55, 271, 179), abs=8)
    assert np.abs(face.landmarks - LANDMARKS).max() < 3


@pytest.mark.parametrize("scale", [0.5, 2.5])
@pytest.mark.parametrize("degrees", [-45, -30, 30, 45])
def test_a_tilted_astronaut_of_another_size_is_cut_out_the_same(
    finder: FaceFinder, astronaut: NDArray[np.uint8], scale: float, degrees: float
) -> None:
    side = round(512 * scale)
    turn = np.asarray(cv2.getRotationMatrix2D((225, 120), degrees, scale), np.float64)
    turn[:, 2] += np.array([0.5 * side, 0.4 * side]) - (225, 120)
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    photo = np.asarray(cv2.warpAffine(astronaut, turn, (side, side), flags=shrink), np.uint8)
    (face,) = finder.find(photo)
    expected = LANDMARKS @ turn[:, :2].T + turn[:, 2]
    assert np.abs(face.landmarks - expected).max() < 5 * scale


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_or_head(finder: FaceFinder, astronaut: NDArray[np.uint8], quarters: int) -> None:
    (upright,) = finder.find(astronaut)
    photo = np.ascontiguousarray(np.rot90(astronaut, quarters))
    (face,) = finder.find(photo)
    straight, turned = (
        sample(image, alignment(found), (96, 96)).astype(int)
        for image, found in ((astronaut, upright), (photo, face))
    )
    assert np.abs(straight - turned).mean() < 5
    x, y, width, height = face.box
    assert (x < face.landmarks[:, 0]).all() and (face.landmarks[:, 0] < x + width).all()
    assert (y < face.landmarks[:, 1]).all() and (face.landmarks[:, 1] < y + height).all()


def test_several_faces_in_a_large_photo_best_first(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    head = astronaut[20:220, 120:330]
    photo = np.full((900, 1280, 3), 120, np.uint8)
    corners = [(40, 50), (600, 300), (1000, 640)]
    for x, y in corners:
        photo[y : y + 200, x : x + 210] = head
    faces = finder.find(photo)
    assert len(faces) == 3
    found = sorted((face.box[0] - 60, face.box[1] - 42) for face in faces)
    assert found == [pytest.approx(corner, abs=10) for corner in corners]
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (12, 12), (13, 700), (25, 25), (64, 64)])
def test_photos_without_room_for_a_face(finder: FaceFinder, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert finder.find(noise) == []


def test_the_same_photo_gives_the_same_faces_from_any_thread(
    finder: FaceFinder, astronaut: NDArray[np.uint8]
) -> None:
    (first,) = finder.find(astronaut)
    with ThreadPoolExecutor(4) as pool:
        for (face,) in pool.map(finder.find, [astronaut] * 8):
            assert face.box == first.box
            assert (face.landmarks == first.landmarks).all()


def astronaut_in(size: tuple[int, int], left: int, top: int, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo at (left, top) on a grey (height, width) wall."""
    wall = np.full((*size, 3), 160, np.uint8)
    wall[top : top + len(photo), left : left + len(photo)] = photo
    return wall


def test_a_small_face_in_a_large_photo(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    (face,) = finder.find(astronaut_in((3000, 4000), 1744, 2488, astronaut))
    assert np.abs(face.landmarks - LANDMARKS - (1744, 2488)).max() < 5


def test_a_face_of_30_pixels_in_a_large_photo(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    small = np.asarray(cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA), np.uint8)
    (face,) = finder.find(astronaut_in((3000, 4000), 3000, 300, small))
    assert np.abs(face.landmarks - LANDMARKS / 4 - (3000, 300)).max() < 3


def test_most_faces_of_24_pixels_upside_down_in_a_large_photo(
    finder: FaceFinder, astronaut: NDArray[np.uint8]
) -> None:
    small = np.asarray(cv2.resize(astronaut, (102, 102), interpolation=cv2.INTER_AREA)[::-1, ::-1], np.uint8)
    places = [(100, 100), (1744, 2488), (333, 2001), (2501, 777), (3001, 1503)]
    found = [len(finder.find(astronaut_in((3000, 4000), *place, small))) for place in places]
    assert sum(found) >= 3


def test_all_faces_of_a_panorama(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    assert len(finder.find(np.tile(astronaut, (1, 8, 1)))) == 8


def test_a_face_in_a_tall_screenshot(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    assert len(finder.find(astronaut_in((6000, 512), 0, 2500, astronaut))) == 1


@pytest.mark.parametrize("degrees", [90, 120, 180, 270])
def test_a_turned_face_beside_an_upright_one(
    finder: FaceFinder, astronaut: NDArray[np.uint8], degrees: float
) -> None:
    turn = np.asarray(cv2.getRotationMatrix2D((225, 120), degrees, 1), np.float64)
    turn[:, 2] += np.array([256, 256]) - (225, 120)
    turned = np.asarray(cv2.warpAffine(astronaut, turn, (512, 512)), np.uint8)
    faces = finder.find(np.concatenate([astronaut, turned], axis=1))
    expected = LANDMARKS @ turn[:, :2].T + turn[:, 2] + (512, 0)
    assert len(faces) == 2
    assert min(np.abs(face.landmarks - expected).max() for face in faces) < 5


def test_a_face_that_fills_the_frame(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    filling = np.asarray(cv2.resize(astronaut[73:162, 189:257], (800, 1047)), np.uint8)
    assert len(finder.find(filling)) == 1


@pytest.mark.parametrize(
    "part",
    [np.s_[:, 223:], np.s_[:, :223], np.s_[118:, :], np.s_[:118, :]],
    ids=["left", "right", "top", "bottom"],
)
def test_half_a_face_at_the_border(
    finder: FaceFinder, astronaut: NDArray[np.uint8], part: tuple[slice, slice]
) -> None:
    assert len(finder.find(np.ascontiguousarray(astronaut[part]))) == 1


def test_a_photo_wider_than_opencv_warps(finder: FaceFinder, astronaut: NDArray[np.uint8]) -> None:
    wide = np.full((512, 40_000, 3), 160, np.uint8)
    wide[:, 39_000:39_512] = astronaut
    assert len(finder.find(wide)) == 1
