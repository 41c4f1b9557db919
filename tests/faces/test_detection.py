"""Detectors, on a real face in real sizes."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dicface.errors import UsageError
from dicface.faces.detection import (
    Detection,
    Detector,
    GuidedDetector,
    ThoroughDetector,
    _apart,
    make_detector,
    without_repeats,
)
from dicface.faces.geometry import Box, intersection_over_union
from dicface.images.pixels import resize
from dicface.runtime.face_finder import Place

# About the landmarks of the portrait's face, in pixels of 512.
FACE = Box(173, 83, 279, 188)
NAMES = ("dlib", "dlib-fast", "dlib-thorough")


@pytest.fixture(scope="module", params=[GuidedDetector, ThoroughDetector], ids=["guided", "thorough"])
def detect(request: pytest.FixtureRequest) -> Detector:
    return request.param()


def faces_in(detect: Detector, photo: np.ndarray, left: float = 0, top: float = 0, scale: float = 1) -> int:
    """How many detections are the portrait's face, for a portrait put at a place of the photo."""
    wanted = Box(*(edge * scale + corner for edge, corner in zip(FACE, (left, top) * 2, strict=True)))
    return sum(intersection_over_union(found.box, wanted) > 0.5 for found in detect(photo))


@pytest.mark.parametrize("side", [85, 121, 300, 512])
def test_a_face_is_found_once_from_17_px_on(detect: Detector, portrait: np.ndarray, side: int) -> None:
    assert faces_in(detect, resize(portrait, (side, side)), scale=side / 512) == 1


def test_small_and_large_faces_of_a_large_photo_are_found(detect: Detector, portrait: np.ndarray) -> None:
    photo = np.full((1500, 2200, 3), 128, dtype=np.uint8)
    photo[900:1021, 1580:1701] = resize(portrait, (121, 121))
    photo[100:1310, 100:1310] = resize(portrait, (1210, 1210))
    assert faces_in(detect, photo, 1580, 900, 121 / 512) == 1
    assert faces_in(detect, photo, 100, 100, 1210 / 512) == 1


def test_faces_at_the_edge_are_found(detect: Detector, portrait: np.ndarray) -> None:
    cut_off = np.ascontiguousarray(portrait[75:, 165:])
    assert faces_in(detect, cut_off, -165, -75) == 1


@pytest.mark.parametrize("face_px", [30, 54, 100])
def test_a_face_that_fills_the_photo_is_found(detect: Detector, portrait: np.ndarray, face_px: int) -> None:
    scale = face_px / 106
    close = np.ascontiguousarray(portrait[72:199, 162:290])
    side = round(128 * scale)
    assert faces_in(detect, resize(close, (side, side)), -162 * scale, -72 * scale, scale) == 1


def test_a_crowd_takes_no_more_time_than_its_faces() -> None:
    """Comparing each place with each took minutes for a photo of 20,000."""
    crowd = [Place(20.0 * (k % 200), 20.0 * (k // 200), 16.0, 0.9) for k in range(20_000)]
    twice = [place for known in crowd for place in (known, known._replace(x=known.x + 2))]
    start = time.process_time()
    assert _apart(twice, 2000) == crowd[:2000]
    assert _apart(twice[:3000], 2000) == crowd[:1500]
    assert time.process_time() - start < 5


def test_there_is_none_in_noise(detect: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert detect(noise) == []
    assert detect(np.zeros((1, 1, 3), np.uint8)) == []


def test_the_best_comes_first(portrait: np.ndarray) -> None:
    photo = np.concatenate([portrait, resize(resize(portrait, (100, 100)), (512, 512))], axis=1)
    found = GuidedDetector()(photo)
    assert len(found) >= 2
    assert [detection.score for detection in found] == sorted((d.score for d in found), reverse=True)


def test_a_face_is_not_found_again_within_itself() -> None:
    face, inside = Detection(Box(218, 330, 436, 548), 2.3), Detection(Box(272, 428, 424, 580), 0.1)
    beside, on_its_shirt = Detection(Box(407, 203, 749, 546), 1.9), Detection(Box(300, 500, 340, 540), 0.5)
    assert without_repeats([inside, on_its_shirt, face, beside]) == [face, beside, on_its_shirt]


def test_a_detector_may_be_shared_between_threads(portrait: np.ndarray) -> None:
    detect = GuidedDetector()
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(detect, [portrait] * 6))
    assert all(detections == found[0] for detections in found)


def test_names_stand_for_detectors(portrait: np.ndarray) -> None:
    small = resize(portrait, (100, 100))
    found = {name: faces_in(make_detector(name), small, scale=100 / 512) for name in NAMES}
    assert found == {"dlib": 1, "dlib-fast": 0, "dlib-thorough": 1}
    with pytest.raises(UsageError, match="expected a detector, dlib, dlib-fast or dlib-thorough, got 'haar'"):
        make_detector("haar")
