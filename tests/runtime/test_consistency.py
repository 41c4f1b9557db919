"""Faces that reduce to their input."""

import numpy as np
import pytest

from dicface.images.pixels import resize
from dicface.runtime.consistency import back_project_exactly, deviation


@pytest.fixture
def face(portrait: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(portrait[50:178, 150:278])


def test_deviation_by_hand() -> None:
    assert (
        deviation(np.full((128, 128, 3), 100, np.uint8), np.full((8, 8, 3), 103, np.uint8)).tolist()
        == [[[-3] * 3] * 8] * 8
    )


@pytest.mark.parametrize("side", [8, 13, 16, 32, 48, 64])
def test_the_result_reduces_to_its_input_exactly(face: np.ndarray, side: int) -> None:
    lr = resize(face, (side, side))
    worse = np.clip(
        resize(lr, (128, 128)).astype(int) + np.random.default_rng(3).integers(-9, 10, (128, 128, 3)), 0, 255
    )
    result = back_project_exactly(worse.astype(np.uint8), lr)
    np.testing.assert_array_equal(resize(result, (side, side)), lr)


def test_it_comes_nearer_to_the_truth(face: np.ndarray) -> None:
    """A projection onto what the truth belongs to cannot lead away from it; rounding can, by a little."""
    lr = resize(face, (16, 16))
    plain = resize(lr, (128, 128))
    before, after = (np.square(image.astype(float) - face).mean() for image in (plain, back_project_exactly(plain, lr)))
    assert after < before


def test_what_is_consistent_stays_as_it_is(face: np.ndarray) -> None:
    np.testing.assert_array_equal(back_project_exactly(face, resize(face, (16, 16))), face)


def test_what_no_face_can_give_ends_with_the_best_found() -> None:
    checkerboard = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    plain = resize(checkerboard, (128, 128))
    result = back_project_exactly(plain, checkerboard)
    assert np.count_nonzero(deviation(result, checkerboard)) <= np.count_nonzero(deviation(plain, checkerboard))
