"""Faces land where they came from, and nothing else changes."""

import numpy as np
import pytest

from dicface.faces.geometry import Box, Square, cut
from dicface.images.pixels import resize
from dicface.restoration.mask import square_mask
from dicface.restoration.paste import face_layer, mask_of, match_colours, paste
from dicface.restoration.results import Face, Outcome


@pytest.mark.parametrize("scale", [1.0, 2.5, 4.0, 8.0])
@pytest.mark.parametrize("square", [Square(20, 10, 31), Square(-6, 4, 40), Square(70, 60, 40)])
def test_a_plain_enlargement_pastes_without_a_trace(small_photo: np.ndarray, square: Square, scale: float) -> None:
    """Crop, enlarge plainly, paste: what differs from the plain enlargement is misalignment, and there is none."""
    photo = resize(small_photo, (60, 60))
    photo = resize(photo, (100, 90))  # smooth, so that enlarging twice loses little
    size = (round(100 * scale), round(90 * scale))
    canvas = resize(photo, size).copy()
    before = canvas.copy()
    paste(canvas, resize(cut(photo, square), (128, 128)), square, (size[0] / 100, size[1] / 90), mask=square_mask())
    difference = np.abs(canvas.astype(int) - before)
    assert difference.mean() < 0.3
    shifted = np.abs(np.roll(before, max(1, round(scale)), axis=1).astype(int) - before).mean()
    assert shifted > 2, "the photo is so flat that the test could not see a shift"


def test_outside_the_crop_nothing_changes(small_photo: np.ndarray) -> None:
    canvas = small_photo.copy()
    paste(canvas, np.zeros((128, 128, 3), np.uint8), Square(30, 40, 25), (1.0, 1.0), mask=square_mask())
    outside = np.ones((121, 121), dtype=bool)
    outside[40:65, 30:55] = False
    np.testing.assert_array_equal(canvas[outside], small_photo[outside])
    assert (canvas[45:60, 35:50] == 0).all(), "the middle is the face itself"


def test_a_crop_beyond_the_photo_is_no_error(small_photo: np.ndarray) -> None:
    canvas = small_photo.copy()
    paste(canvas, np.zeros((128, 128, 3), np.uint8), Square(500, 500, 25), (1.0, 1.0), mask=square_mask())
    np.testing.assert_array_equal(canvas, small_photo)


def test_a_layer_has_the_face_and_its_mask(small_photo: np.ndarray) -> None:
    steps = np.full((3, 128, 128, 3), 200, dtype=np.uint8)
    face = Face(Box(40, 20, 60, 42), None, Outcome.RESTORED, Square(40, 18, 28), steps=steps)
    layer = face_layer(small_photo, face)
    np.testing.assert_array_equal(layer[:, :, :3], match_colours(steps[-1], cut(small_photo, face.square)))
    assert (layer[64, 64, 3], layer[0, 0, 3]) == (255, 0)
    np.testing.assert_allclose(layer[:, :, 3] / 255, mask_of(face), atol=0.5 / 255)


def test_colours_follow_the_crop() -> None:
    crop = np.full((20, 20, 3), (200, 100, 50), dtype=np.uint8)
    wrong = np.full((128, 128, 3), (180, 120, 90), dtype=np.uint8)
    np.testing.assert_array_equal(match_colours(wrong, crop), np.broadcast_to(crop[0, 0], (128, 128, 3)))


def test_noise_of_the_crop_does_not_return() -> None:
    noise = np.random.default_rng(0).normal(0, 20, (40, 40, 3))
    crop = np.clip(np.rint(128 + noise), 0, 255).astype(np.uint8)
    clean = np.full((128, 128, 3), 128, dtype=np.uint8)
    assert match_colours(clean, crop).std() < 5


def test_a_grey_crop_gives_a_grey_face() -> None:
    draw = np.random.default_rng(0)
    crop = np.repeat(draw.integers(0, 256, (16, 16, 1), dtype=np.uint8), 3, axis=2)
    face = match_colours(draw.integers(0, 256, (128, 128, 3), dtype=np.uint8), crop)
    assert (face == face[:, :, :1]).all()
