"""Detectors, on a real face in real sizes."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from dicface.errors import UsageError
from dicface.faces.detection import Detection, Detector, FaceDetector, make_detector
from dicface.faces.pose import roll_degrees
from dicface.images.pixels import resize
from tests.support.portrait import faces_in


@pytest.fixture(scope="module")
def detect() -> Detector:
    return FaceDetector(min_score=0.4)


@pytest.mark.parametrize("side", [85, 121, 300, 512])
def test_a_face_is_found_once_from_17_px_on(detect: Detector, portrait: np.ndarray, side: int) -> None:
    assert faces_in(detect, resize(portrait, (side, side)), scale=side / 512) == 1


def test_small_and_large_faces_of_a_photo_are_found(detect: Detector, portrait: np.ndarray) -> None:
    photo = np.full((360, 600, 3), 128, dtype=np.uint8)
    photo[200:321, 440:561] = resize(portrait, (121, 121))
    photo[10:350, 10:350] = resize(portrait, (340, 340))
    assert faces_in(detect, photo, 440, 200, 121 / 512) == 1
    assert faces_in(detect, photo, 10, 10, 340 / 512) == 1


def test_a_search_may_leave_out_small_faces(portrait: np.ndarray) -> None:
    photo = np.full((500, 700, 3), 128, dtype=np.uint8)
    photo[20:105, 20:105] = resize(portrait, (85, 85))
    photo[100:400, 300:600] = resize(portrait, (300, 300))
    detect = FaceDetector(min_score=0.4)
    for smallest_px, expected in ((11, [1, 1]), (44, [0, 1])):

        def search(pixels: np.ndarray, smallest_px: float = smallest_px) -> list[Detection]:
            return detect.search(pixels, smallest_px)

        counts = [faces_in(search, photo, 20, 20, 85 / 512), faces_in(search, photo, 300, 100, 300 / 512)]
        assert counts == expected


def test_faces_at_the_edge_are_found(detect: Detector, portrait: np.ndarray) -> None:
    cut_off = np.ascontiguousarray(portrait[75:, 165:])
    assert faces_in(detect, cut_off, -165, -75) == 1


@pytest.mark.parametrize("face_px", [30, 54, 100])
def test_a_face_that_fills_the_photo_is_found(detect: Detector, portrait: np.ndarray, face_px: int) -> None:
    scale = face_px / 106
    close = np.ascontiguousarray(portrait[72:199, 162:290])
    side = round(128 * scale)
    assert faces_in(detect, resize(close, (side, side)), -162 * scale, -72 * scale, scale) == 1


def test_there_is_none_in_noise(detect: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert detect(noise) == []
    assert detect(np.zeros((1, 1, 3), np.uint8)) == []


def test_landmarks_lie_where_the_face_has_them(detect: Detector, portrait: np.ndarray) -> None:
    """To an eighth of the face; where the landmark network sees them in the portrait."""
    found = detect(portrait)[0]
    assert found.points is not None
    wanted = np.array([(204, 102), (246, 104), (225, 127), (202, 140), (245, 141)])
    assert np.abs(found.points - wanted).max() < 11.5


def test_faces_of_other_turns_are_found(detect: Detector, portrait: np.ndarray) -> None:
    for degrees in (-40, 40):
        turned = np.asarray(Image.fromarray(portrait).rotate(degrees, Image.Resampling.BICUBIC))
        found = detect(resize(turned, (150, 150)))[0]
        assert found.points is not None
        assert roll_degrees(found.points) == pytest.approx(-degrees, abs=15)


def test_a_detector_may_be_shared_between_threads(detect: Detector, portrait: np.ndarray) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(detect, [portrait] * 6))
    assert all([face.box for face in faces] == [face.box for face in found[0]] for faces in found)


def test_names_stand_for_detectors_and_detectors_for_themselves() -> None:
    def mine(pixels: np.ndarray) -> list[Detection]:
        return []

    assert isinstance(make_detector("face"), FaceDetector)
    assert make_detector(mine) is mine
    message = "expected a `detector`, one of face, dlib, dlib-fast, dlib-thorough, got 'haar'"
    with pytest.raises(UsageError, match=message):
        make_detector("haar")


@pytest.mark.parametrize("name", ["dlib", "dlib-thorough"])
def test_without_dlib_its_detectors_say_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(UsageError, match=r"pip install 'dicface\[dlib\]', or choose the `detector` face"):
        make_detector(name)
