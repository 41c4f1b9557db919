"""The mask follows the face."""

import numpy as np
import pytest

from dicface import Box, Restorer
from dicface.faces.geometry import Square, square_of_landmarks
from dicface.restoration.mask import convex_hull, outline_mask, square_mask


@pytest.fixture(scope="module")
def landmarks() -> np.ndarray:
    """(68, 2) an upright face of the iBUG order: jaw on half an ellipse, brows above, the nose between."""
    points = np.full((68, 2), 50.0)
    angle = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([50 + 30 * np.cos(angle), 40 + 40 * np.sin(angle)], axis=1)
    points[17:27, 0] = np.linspace(28, 72, 10)
    points[17:27, 1] = 30
    points[33] = 50, 54
    return points


def test_the_hull_of_points() -> None:
    points = np.array([[0, 0], [4, 0], [4, 4], [0, 4], [2, 2], [2, 0], [1, 3]])
    assert {tuple(corner) for corner in convex_hull(points).tolist()} == {(0, 0), (4, 0), (4, 4), (0, 4)}


def test_it_is_whole_in_the_face_and_falls_outside(landmarks: np.ndarray) -> None:
    square = square_of_landmarks(landmarks)
    mask = outline_mask(landmarks, square, soft_edge=0.1)

    def at(x: float, y: float) -> float:
        return float(mask[round((y - square.top) / square.side * 128), round((x - square.left) / square.side * 128)])

    assert at(50, 54) == at(36, 40) == at(64, 40) == at(50, 70) == 1
    # Beside the chin, in the corners of the square, the photo is kept.
    assert at(17, 79) == at(83, 79) == 0
    # The edge falls outside of the jaw, over a tenth of the side.
    falling = [at(50, y) for y in (79.0, 81.5, 84.0)]
    assert falling == sorted(falling, reverse=True)
    assert mask[[0, -1]].max() < 0.01, "at the border of the crop"
    assert mask[:, [0, -1]].max() < 0.01
    assert ((mask >= 0) & (mask <= 1)).all()
    assert (outline_mask(landmarks, square, soft_edge=0.3) >= mask).all()


def test_it_follows_a_shift_and_a_mirror(landmarks: np.ndarray) -> None:
    square = Square(11, 16, 79)  # its middle is that of the face
    moved = outline_mask(landmarks + np.array([7, 3]), Square(square.left + 7, square.top + 3, square.side))
    np.testing.assert_allclose(moved, outline_mask(landmarks, square), atol=1e-6)
    np.testing.assert_allclose(moved[:, ::-1], moved, atol=1e-5)


def test_the_forehead_belongs_to_a_face(landmarks: np.ndarray) -> None:
    square = Square(10, 0, 80)
    mask = outline_mask(landmarks, square, soft_edge=0.01)
    # Brows lie at 30, the base of the nose at 54: the hairline is taken for 6.
    columns = mask[:, 64]
    assert columns[round(16 / 80 * 128)] == 1
    above = outline_mask(landmarks, Square(10, -40, 120), soft_edge=0.01)[:, 51]
    assert above[round(48 / 120 * 128)] == 1
    assert above[round(43 / 120 * 128)] == 0


def test_landmarks_of_no_face_give_the_square(landmarks: np.ndarray) -> None:
    tiny = (landmarks - 50) * 0.2 + 50
    np.testing.assert_array_equal(outline_mask(tiny, Square(0, 0, 100)), square_mask())


@pytest.mark.slow
def test_corners_of_the_crop_keep_the_plain_enlargement(small_photo: np.ndarray) -> None:
    restorer = Restorer(backend="onnxruntime")
    result = restorer.restore(small_photo, scale=4, boxes=[Box(43, 21, 64, 43)], only_boxes=True)
    plain = restorer.restore(small_photo, scale=4, only_boxes=True)
    changed = (result.image != plain.image).any(axis=2)
    left, top, side = (4 * edge for edge in result.faces[0].square)
    inside = changed[top : top + side, left : left + side]
    assert not inside[-8:, :8].any()
    assert not inside[-8:, -8:].any()
    assert inside[side // 2 - 10 : side // 2 + 10, side // 2 - 10 : side // 2 + 10].mean() > 0.8
