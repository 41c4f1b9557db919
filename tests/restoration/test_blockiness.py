"""Blocks of JPEG are found in pixels, wherever they begin, and nowhere else."""

import io

import numpy as np
import pytest
from PIL import Image

from dicface.faces.geometry import Square
from dicface.images.pixels import resize
from dicface.restoration.blockiness import blockiness
from dicface.restoration.quality import MOST_BLOCKINESS

FACE = Square(110, 60, 30)


@pytest.fixture(scope="module")
def photo(portrait: np.ndarray) -> np.ndarray:
    return resize(portrait, (300, 300))


def stored(pixels: np.ndarray, quality: int, mode: str = "RGB") -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("quality", "seen"), [(95, False), (85, False), (70, True), (50, True), (25, True)])
def test_coarse_jpeg_is_seen_wherever_the_photo_was_cut(photo: np.ndarray, quality: int, seen: bool) -> None:
    for mode in ("RGB", "L"):
        for top, left in ((0, 0), (3, 5)):
            assert (blockiness(stored(photo, quality, mode)[top:, left:], FACE) > MOST_BLOCKINESS) == seen


def test_half_of_jpeg_50_is_no_longer_missed(small_photo: np.ndarray) -> None:
    """Steps at the borders of blocks told nothing in photos under 128 px, and half of what they should above."""
    assert blockiness(small_photo, Square(40, 20, 28)) < 0.3
    assert blockiness(stored(small_photo, 50), Square(40, 20, 28)) > 0.8
    assert blockiness(stored(small_photo, 50)[:64, 20:84], Square(20, 20, 28)) > 0.6


def test_a_photo_made_smaller_after_jpeg_shows_none(photo: np.ndarray) -> None:
    assert blockiness(resize(stored(photo, 30), (270, 270)), FACE) < MOST_BLOCKINESS


def test_what_is_looked_at_lies_about_the_face(photo: np.ndarray) -> None:
    """Coarse pixels elsewhere in a large photo say nothing of this face."""
    wide = np.concatenate([photo, stored(photo, 30)], axis=1)
    assert blockiness(wide, Square(40, 60, 30)) < MOST_BLOCKINESS < blockiness(wide, Square(460, 60, 30))


@pytest.mark.parametrize("shape", [(8, 8, 3), (15, 300, 3), (200, 200, 3)])
def test_nothing_to_see_and_too_little_to_look_at(shape: tuple[int, int, int]) -> None:
    for square in (Square(0, 0, 8), Square(500, -400, 30)):
        assert blockiness(np.zeros(shape, np.uint8), square) == 0
