"""dlib's detectors, on a real face in real sizes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dicface.faces.detection import Detector, make_detector
from dicface.images.pixels import resize
from tests.support.lanes import slow
from tests.support.portrait import faces_in

pytest.importorskip("dlib")
pytestmark = pytest.mark.dlib
from dicface.faces.dlib_detectors import GuidedDetector, ThoroughDetector  # noqa: E402 - only where dlib is installed

NAMES = ("dlib", "dlib-fast", "dlib-thorough")


@pytest.fixture(scope="module", params=[GuidedDetector, *slow([ThoroughDetector])], ids=["guided", "thorough"])
def detect(request: pytest.FixtureRequest) -> Detector:
    return request.param()


@pytest.mark.parametrize("side", [85, 121, 300, 512])
def test_a_face_is_found_once_from_17_px_on(detect: Detector, portrait: np.ndarray, side: int) -> None:
    assert faces_in(detect, resize(portrait, (side, side)), scale=side / 512) == 1


def test_small_and_large_faces_of_a_large_photo_are_found(detect: Detector, portrait: np.ndarray) -> None:
    photo = np.full((900, 1300, 3), 128, dtype=np.uint8)
    photo[700:821, 1100:1221] = resize(portrait, (121, 121))
    photo[50:850, 100:900] = resize(portrait, (800, 800))
    assert faces_in(detect, photo, 1100, 700, 121 / 512) == 1
    assert faces_in(detect, photo, 100, 50, 800 / 512) == 1


def test_there_is_none_in_noise(detect: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert detect(noise) == []
    assert detect(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.slow
def test_a_detector_may_be_shared_between_threads(portrait: np.ndarray) -> None:
    detect, photo = GuidedDetector(), resize(portrait, (256, 256))
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(detect, [photo] * 6))
    assert len(found[0]) == 1
    assert all(detections == found[0] for detections in found)


@pytest.mark.slow
def test_names_stand_for_detectors(portrait: np.ndarray) -> None:
    small = resize(portrait, (100, 100))
    found = {name: faces_in(make_detector(name), small, scale=100 / 512) for name in NAMES}
    assert found == {"dlib": 1, "dlib-fast": 0, "dlib-thorough": 1}
