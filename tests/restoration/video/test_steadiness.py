"""Steady faces: hand-made pictures that stand still, move, grow and change."""

import itertools

import numpy as np
import pytest
from PIL import Image

from dicface.faces.geometry import Square
from dicface.images.pixels import resize
from dicface.restoration.video.steadiness import LONGEST_MEMORY, SteadyFace

SIDE = 32


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """(200, 200, 3) uint8 with soft structure everywhere."""
    coarse = np.random.default_rng(3).integers(40, 215, (34, 34, 3)).astype(np.uint8)
    return resize(coarse, (200, 200))


def view(scene: np.ndarray, left: float, top: float, side: float = SIDE) -> np.ndarray:
    """A crop at any place: (32, 32, 3) uint8."""
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(scene).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))


def noisy(image: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 6, image.shape)
    return np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8)


def test_noise_of_a_face_that_stands_still_averages_out(scene: np.ndarray) -> None:
    crop, steady = view(scene, 60, 60), SteadyFace()
    face = resize(crop, (128, 128))
    made = [steady(noisy(face, seed), crop, Square(60, 60, SIDE)).face for seed in range(12)]
    changes = [np.abs(one.astype(int) - other).mean() for one, other in itertools.pairwise(made[8:])]
    alone = np.abs(noisy(face, 1).astype(int) - noisy(face, 2)).mean()
    assert max(changes) < alone / 3
    assert np.abs(made[-1].astype(int) - face).std() < np.abs(noisy(face, 1).astype(int) - face).std() / 2


def test_without_memory_each_frame_stands_for_itself(scene: np.ndarray) -> None:
    crop, steady = view(scene, 60, 60), SteadyFace(1)
    for seed in range(3):
        face = noisy(resize(crop, (128, 128)), seed)
        assert np.abs(steady(face, crop, Square(60, 60, SIDE)).face.astype(int) - face).max() <= 1


@pytest.mark.parametrize("shift", [(1.6, 0.0), (-1.0, 2.0)])
def test_motion_within_the_crop_is_measured(scene: np.ndarray, shift: tuple[float, float]) -> None:
    """The crop stays, and the picture moves in it."""
    square, steady = Square(60, 60, SIDE), SteadyFace()
    steady(resize(view(scene, 60, 60), (128, 128)), view(scene, 60, 60), square)
    moved = view(scene, 60 - shift[0], 60 - shift[1])
    motion = steady(resize(moved, (128, 128)), moved, square).motion
    assert (motion.x, motion.y) == pytest.approx(shift, abs=0.2)
    assert motion(np.array([[70.0, 70.0]]))[0] == pytest.approx(np.add((70, 70), shift), abs=0.3)


def test_a_crop_that_follows_sees_no_motion_but_says_it(scene: np.ndarray) -> None:
    """The crop moves over a picture that stands still: nothing has moved in the clip."""
    steady = SteadyFace()
    for left in (60, 61, 62):
        crop = view(scene, left, 60)
        step = steady(resize(crop, (128, 128)), crop, Square(left, 60, SIDE))
    assert (step.motion.x, step.motion.y, step.motion.growth) == (0, 0, 0)


def test_growth_is_measured(scene: np.ndarray) -> None:
    square, steady = Square(60, 60, SIDE), SteadyFace()
    steady(resize(view(scene, 60, 60), (128, 128)), view(scene, 60, 60), square)
    side = SIDE / 1.04
    grown = view(scene, 76 - side / 2, 76 - side / 2, side)
    motion = steady(resize(grown, (128, 128)), grown, square).motion
    assert motion.growth == pytest.approx(0.04, abs=0.01)
    assert motion(np.array([[85.5, 75.5]]))[0] == pytest.approx((85.9, 75.5), abs=0.2)


def test_what_changes_is_not_averaged(scene: np.ndarray) -> None:
    """A mouth that opens: its half is new at once, the other stays."""
    crop, square, steady = view(scene, 60, 60), Square(60, 60, SIDE), SteadyFace()
    face = resize(crop, (128, 128))
    for _ in range(int(LONGEST_MEMORY)):
        steady(face, crop, square)
    changed = crop.copy()
    changed[20:] = 255 - changed[20:]
    other = resize(changed, (128, 128))
    step = steady(other, changed, square)
    changed_px = np.s_[92:120]
    left = np.abs(step.face[changed_px].astype(int) - other[changed_px]).mean()
    assert left < np.abs(face[changed_px].astype(int) - other[changed_px]).mean() / 20
    assert np.abs(step.face[:60].astype(int) - face[:60]).mean() < 2


def test_forgetting(scene: np.ndarray) -> None:
    crop, steady = view(scene, 60, 60), SteadyFace()
    steady(np.zeros((128, 128, 3), np.uint8), crop, Square(60, 60, SIDE))
    steady.forget()
    face = resize(crop, (128, 128))
    assert np.array_equal(steady(face, crop, Square(60, 60, SIDE)).face, face)
