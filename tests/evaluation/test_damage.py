"""Damage by name: what it does, and that it does the same every time."""

import numpy as np
import pytest

from dicface.data.damage import jpeg
from dicface.errors import UsageError
from dicface.evaluation.damage import NAMES, NO_DAMAGE, parse_damage
from dicface.images.pixels import resize

GREY = np.full((128, 128, 3), 128, np.uint8)


@pytest.fixture
def face(portrait: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(portrait[60:188, 150:278])


def off(damaged: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.square(damaged.astype(float) - wanted).mean() ** 0.5)


@pytest.mark.parametrize("text", ["", "none", " "])
def test_no_damage_is_the_papers_reduction(face: np.ndarray, text: str) -> None:
    damage = parse_damage(text)
    assert damage == NO_DAMAGE
    assert np.array_equal(damage.crop(face, 16, 3), resize(face, (16, 16)))
    faces = face[None]
    assert damage.truth(faces) is faces


def test_damage_is_the_same_for_a_face_and_another_for_the_next(face: np.ndarray) -> None:
    for text in ("jpeg50", "noise10", "twice-jpeg60"):
        first, again, other = (parse_damage(text).crop(face, 32, number) for number in (4, 4, 5))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


def test_noise_has_the_stated_strength_in_every_colour() -> None:
    noisy = parse_damage("noise10").crop(GREY, 64, 0).astype(float) - 128
    assert noisy.std() == pytest.approx(10, rel=0.05)
    assert abs(np.corrcoef(noisy[..., 0].ravel(), noisy[..., 2].ravel())[0, 1]) < 0.06
    grain = parse_damage("grain10").crop(GREY, 64, 0).astype(float) - 128
    assert grain.std() == pytest.approx(10, rel=0.05)
    assert np.array_equal(grain[..., 0], grain[..., 2])


def test_jpeg_is_that_of_the_quality_and_the_colour_resolution(face: np.ndarray) -> None:
    wanted = resize(face, (32, 32))
    errors = [off(parse_damage(name).crop(face, 32, 1), wanted) for name in ("jpeg95", "jpeg75", "jpeg50", "jpeg20")]
    assert errors == sorted(errors)
    half, full = (parse_damage(name).crop(face, 32, 1) for name in ("jpeg75", "jpeg75-444"))
    offsets = [(above, left) for above in range(16) for left in range(16)]
    assert any(np.array_equal(half, jpeg(wanted, 75, *offset)) for offset in offsets)
    assert any(np.array_equal(full, jpeg(wanted, 75, *offset, full_colour=True)) for offset in offsets)
    once, twice = (off(parse_damage(name).crop(face, 32, 1), wanted) for name in ("jpeg40", "twice-jpeg40"))
    assert once < twice


def test_places_on_the_grid_of_jpeg_differ_from_face_to_face(face: np.ndarray) -> None:
    stored = {parse_damage("jpeg50").crop(face, 16, number).tobytes() for number in range(100)}
    assert len(stored) > 60


def test_blur_and_sharpening_change_detail(face: np.ndarray) -> None:
    def detail(text: str) -> float:
        return float(np.square(np.diff(parse_damage(text).crop(face, 32, 0).astype(float), axis=1)).mean())

    assert detail("blur1") < 0.6 * detail("") < detail("") < 0.8 * detail("sharp1")


def test_damages_are_applied_in_their_order(face: np.ndarray) -> None:
    smooth, rough = (parse_damage(text).crop(GREY, 64, 0).astype(float) for text in ("noise10,blur1", "blur1,noise10"))
    assert smooth.std() < 0.5 * rough.std()
    assert parse_damage("noise10, jpeg75").name == "noise10,jpeg75"


@pytest.mark.parametrize("name", ["grey", "sepia", "faded"])
def test_prints_change_what_counts_as_true(face: np.ndarray, name: str) -> None:
    damage = parse_damage(name)
    (truth,) = damage.truth(face[None])
    assert off(truth, face) > 5
    assert np.array_equal(damage.crop(truth, 16, 0), resize(truth, (16, 16)))
    if name == "grey":
        assert np.array_equal(truth[..., 0], truth[..., 2])
    if name == "sepia":
        assert truth[..., 0].mean() > truth[..., 2].mean() + 15
    if name == "faded":
        assert truth.min() >= 0.15 * 255 - 1
        assert truth.max() <= 0.8 * 255 + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jpg75", r"expected a damage, one of grey, sepia, .*, or none, got 'jpg75'"),
        ("jpeg", "expected a damage, one of"),
        ("noise10-444", "expected a damage, one of"),
        ("twice-blur1", "expected a damage, one of"),
        ("noise10,,jpeg75", "got ''"),
        ("jpeg100", "expected a whole number from 1 to 99 for jpeg, got 'jpeg100'"),
        ("jpeg7.5", "expected a whole number from 1 to 99 for jpeg, got 'jpeg7.5'"),
        ("noise300", "expected a number from 0 to 255 for noise, got 'noise300'"),
        ("jpeg75,sepia", "expected grey, sepia, faded before other damages, .* got 'jpeg75,sepia'"),
    ],
)
def test_wrong_names_say_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_damage(text)


def test_every_name_that_is_listed_is_known() -> None:
    for name in NAMES.split(", "):
        parse_damage(name.replace("X", "0.5").replace("Q", "60"))
