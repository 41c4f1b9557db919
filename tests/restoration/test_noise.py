"""The level of noise is found in pixels, whatever the photo shows."""

import numpy as np
import pytest

from dicface.faces.geometry import Square
from dicface.images.pixels import resize
from dicface.restoration.noise import noise_level
from dicface.restoration.quality import MAX_NOISE

FACE = Square(110, 60, 30)


@pytest.fixture(scope="module")
def photo(portrait: np.ndarray) -> np.ndarray:
    return resize(portrait, (300, 300))


def with_grain(pixels: np.ndarray, levels: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, levels, (*pixels.shape[:2], 1))
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("levels", [5, 10, 20, 40])
def test_the_level_on_a_plain_surface_is_exact(levels: float) -> None:
    plain = np.full((200, 200, 3), 128, np.uint8)
    assert noise_level(with_grain(plain, levels), FACE) == pytest.approx(levels, rel=0.1)


@pytest.mark.parametrize("levels", [10, 20])
def test_a_photo_adds_little(photo: np.ndarray, levels: float) -> None:
    assert noise_level(photo, FACE) < 4
    assert noise_level(with_grain(photo, levels), FACE) == pytest.approx(levels, rel=0.15)


def test_noise_far_from_the_face_does_not_count(portrait: np.ndarray) -> None:
    photo = resize(portrait, (900, 900))
    noisy = photo.copy()
    noisy[500:] = with_grain(photo[500:], 40)
    assert noise_level(noisy, FACE) == pytest.approx(noise_level(photo, FACE))


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_a_clean_crop_of_a_face_is_not_called_noisy(portrait: np.ndarray, side: int) -> None:
    crop = resize(portrait[50:178, 150:278], (side, side))
    assert noise_level(crop, Square(0, 0, side)) < MAX_NOISE


def test_a_single_row_has_no_noise() -> None:
    assert noise_level(np.zeros((1, 9, 3), np.uint8), Square(0, 0, 8)) == 0
