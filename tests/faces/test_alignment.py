"""Faces aligned to the template of 512 px restorers, and brought back."""

import numpy as np
import pytest

from dicface.faces.alignment import TEMPLATE, Alignment, align, cut_aligned, into_square
from dicface.faces.geometry import Square, cut
from dicface.images.pixels import resize
from dicface.landmarks import five_points


def landmarks_at(degrees: float, scale: float, middle: tuple[float, float]) -> np.ndarray:
    """68 landmarks whose five points are those of the template, turned, scaled and moved to a middle."""
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (TEMPLATE - 256) @ turn.T + middle - 0.5
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48], landmarks[30], landmarks[48], landmarks[54] = points
    return landmarks


@pytest.mark.parametrize(("degrees", "scale"), [(0, 0.5), (20, 0.3), (-75, 1.4)])
def test_the_template_is_met(degrees: float, scale: float) -> None:
    landmarks = landmarks_at(degrees, scale, (300, 200))
    found = align(landmarks)
    assert found.scale == pytest.approx(1 / scale)
    np.testing.assert_allclose((five_points(landmarks) + 0.5) @ found.matrix.T + found.offset, TEMPLATE, atol=1e-6)
    back = found.inverse()
    np.testing.assert_allclose(TEMPLATE @ back.matrix.T + back.offset, five_points(landmarks) + 0.5, atol=1e-6)


def test_an_upright_face_of_512_px_is_cut_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 800, 3), dtype=np.uint8)
    face = cut_aligned(pixels, Alignment(np.eye(2), np.array([-100.0, -90.0])))
    np.testing.assert_array_equal(face, pixels[90:602, 100:612])
    beyond = cut_aligned(pixels, Alignment(np.eye(2), np.array([20.0, 0.0])))
    np.testing.assert_array_equal(beyond[:, 20:], pixels[:512, :492])
    np.testing.assert_array_equal(beyond[:, :20], np.broadcast_to(pixels[:512, :1], (512, 20, 3)))


@pytest.mark.parametrize(("degrees", "scale"), [(0, 0.25), (15, 0.4), (-40, 0.3)])
def test_there_and_back_is_the_photo(portrait: np.ndarray, degrees: float, scale: float) -> None:
    """Turned, aligned and turned back: misalignment by a pixel of the aligned face would be seen."""
    photo = resize(resize(portrait, (90, 90)), (400, 400))  # smooth, so that resampling loses little
    alignment = align(landmarks_at(degrees, scale, (190, 130)))
    aligned = cut_aligned(photo, alignment)
    square = Square(150, 90, 80)
    side = round(square.side / scale)
    plain = resize(cut(photo, square), (side, side))
    back = into_square(aligned, alignment, square, np.zeros_like(plain))
    inner = np.s_[20:-20, 20:-20]
    wrong = np.abs(back.astype(int) - plain)[inner].mean()
    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
    for shift in shifts:
        moved = np.roll(back, shift, axis=(0, 1)).astype(int)
        assert np.abs(moved - plain)[inner].mean() > 1.6 * wrong, shift


def test_beyond_the_aligned_face_the_plain_crop_stays() -> None:
    alignment = Alignment(np.eye(2), np.zeros(2))
    plain = np.full((100, 100, 3), 50, np.uint8)
    made = into_square(np.full((512, 512, 3), 200, np.uint8), alignment, Square(-50, 0, 100), plain)
    assert (made[:, :49] == 50).all()
    assert (made[:, 51:] == 200).all()
