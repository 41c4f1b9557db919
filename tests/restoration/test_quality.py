"""Quality measures on made-up landmarks and photos, and warnings on a real one."""

import numpy as np
import pytest

from dicface import Box, Restorer
from dicface.restoration.quality import QualityMeasures, QualityWarning, quality_warnings, roll_degrees, yaw

USUAL = QualityMeasures(brightness=110, contrast=50, yaw=0.2, roll_degrees=2, blockiness=0.1, heatmap_confidence=0.75)
FACE = Box(43.0, 21.0, 64.0, 43.0)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(backend="onnxruntime")


def landmarks(nose_x: float) -> np.ndarray:
    """Jaw edges at x = 0 and 100, eyes level, the nose's tip where it is told."""
    points = np.zeros((68, 2))
    points[:8, 0], points[9:17, 0], points[30] = 0, 100, (nose_x, 50)
    points[36:42], points[42:48] = (30, 20), (70, 20)
    return points


def turned_by(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize(("nose_x", "expected"), [(50, 0), (75, 0.5), (25, 0.5), (100, 1)])
def test_a_turned_face_has_its_nose_near_an_edge(nose_x: float, expected: float) -> None:
    assert yaw(landmarks(nose_x)) == pytest.approx(expected)
    assert yaw(turned_by(landmarks(nose_x), 40)) == pytest.approx(expected)


@pytest.mark.parametrize("degrees", [0, 25, 90, 170])
def test_tilt_is_that_of_the_eyes(degrees: float) -> None:
    for way in (degrees, -degrees):
        assert roll_degrees(turned_by(landmarks(50), way)) == pytest.approx(degrees)


def test_landmarks_in_one_point_are_no_error() -> None:
    assert (yaw(np.zeros((68, 2))), roll_degrees(np.zeros((68, 2)))) == (0, 0)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ()),
        ({"brightness": 3.0}, (QualityWarning.TOO_DARK,)),
        ({"contrast": 2.0}, (QualityWarning.LOW_CONTRAST,)),
        ({"yaw": 0.9}, (QualityWarning.YAW,)),
        ({"roll_degrees": 30.0}, (QualityWarning.ROLL,)),
        ({"blockiness": 0.6}, (QualityWarning.BLOCKS,)),
        ({"jpeg_step": 8.0}, (QualityWarning.BLOCKS,)),
        ({"noise": 60.0}, (QualityWarning.NOISE,)),
        ({"heatmap_confidence": 0.3}, (QualityWarning.NO_FACE,)),
        # Of a pose without a face nothing is known.
        (
            {"heatmap_confidence": 0.3, "roll_degrees": 90.0, "yaw": 0.9, "blockiness": 0.6},
            (QualityWarning.BLOCKS, QualityWarning.NO_FACE),
        ),
    ],
)
def test_each_sign_has_its_limit(changed: dict[str, float], expected: tuple[QualityWarning, ...]) -> None:
    assert quality_warnings(USUAL._replace(**changed)) == expected


def test_a_good_photo_raises_no_warning(restorer: Restorer, small_photo: np.ndarray) -> None:
    faces = restorer.faces(small_photo)
    assert any(face.steps is not None for face in faces)
    assert {face.quality_warnings for face in faces} == {()}


def test_a_bad_one_is_restored_and_warned_of(
    restorer: Restorer, small_photo: np.ndarray, large_photo: np.ndarray
) -> None:
    stripes = (np.indices((121, 121)).sum(0)[:, :, None] % 8 == 0).astype(np.uint8)
    dark = (small_photo * 0.02).astype(np.uint8) + 9 * stripes
    (face,) = restorer.faces(dark, boxes=[FACE], only_boxes=True)
    assert face.steps is not None
    assert QualityWarning.TOO_DARK in face.quality_warnings
    (sideways,) = restorer.faces(np.rot90(small_photo).copy(), boxes=[Box(21, 57, 43, 78)], only_boxes=True)
    assert sideways.quality_warnings == (QualityWarning.NO_FACE,)
    (large,) = restorer.faces(large_photo, boxes=[Box(396, 189, 599, 392)], force=True, only_boxes=True)
    assert large.quality_warnings[0] is QualityWarning.TOO_LARGE


def test_confidence_is_judged_by_the_side_of_the_heatmaps() -> None:
    seen = USUAL._replace(heatmap_confidence=0.45)
    assert quality_warnings(seen) == (QualityWarning.NO_FACE,)
    assert quality_warnings(seen._replace(face_px=256)) == ()
