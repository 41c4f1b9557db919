"""Crops of little contrast, stretched for a network and brought back."""

import numpy as np
import pytest

from dicface import FaceModel
from dicface.evaluation.protocols import Y_CROP8
from dicface.images.pixels import luma, resize, to_network
from dicface.runtime.contrast import CONTRAST, MAX_GAIN, brought_back, stretched


def faded(pixels: np.ndarray, share: float, mean: float) -> np.ndarray:
    """A picture with a share of its contrast, about another mean."""
    return (mean + (pixels - pixels.mean()) * share).round().astype(np.uint8)


def test_crops_of_enough_contrast_stay_to_the_bit(portrait: np.ndarray) -> None:
    crop = resize(portrait[80:190, 190:300], (24, 24))
    assert luma(crop).std() > CONTRAST
    lr, (stretch,) = stretched([crop])
    assert stretch.gain == 1
    assert np.array_equal(lr, to_network(crop[None]))
    assert np.array_equal(brought_back(lr[:, None], [stretch])[:, 0], lr)


@pytest.mark.parametrize(("share", "mean"), [(0.3, 128), (0.2, 128), (0.07, 128), (0.09, 18), (0.09, 240)])
def test_others_get_the_contrast_of_faces_and_come_back(portrait: np.ndarray, share: float, mean: float) -> None:
    """Near black and white, too, without clipping: the mean moves as far as it must."""
    crop = faded(resize(portrait[80:190, 190:300], (24, 24)), share, mean)
    lr, stretches = stretched([crop])
    assert lr.dtype == np.float32
    assert lr.min() >= -1e-6
    assert lr.max() <= 1 + 1e-6
    contrast = (lr[0].transpose(1, 2, 0) * 255 @ np.array([0.299, 0.587, 0.114])).std()
    assert contrast == pytest.approx(CONTRAST, rel=0.01)
    np.testing.assert_allclose(brought_back(lr[:, None], stretches)[:, 0], to_network(crop[None]), atol=1e-6)


def test_the_factor_is_as_small_as_the_range_demands() -> None:
    """A few bright pixels on black: a larger factor would clip them."""
    crop = np.zeros((24, 24, 3), np.uint8)
    crop[10, 10] = 250
    lr, (stretch,) = stretched([crop])
    assert stretch.gain == pytest.approx(255 / 250)
    assert lr.max() <= 1 + 1e-6


def test_a_colour_cast_does_not_limit_the_factor(portrait: np.ndarray) -> None:
    """The channels of a brown print lie further apart than each of them reaches."""
    face = resize(portrait[80:190, 190:300], (24, 24)).astype(float)
    crop = (np.array([190, 130, 70]) + (face - face.mean(axis=(0, 1))) * 0.1).round().astype(np.uint8)
    lr, _ = stretched([crop])
    assert (lr[0].transpose(1, 2, 0) * 255 @ np.array([0.299, 0.587, 0.114])).std() == pytest.approx(CONTRAST, rel=0.01)


@pytest.mark.parametrize(
    "crop", [np.full((16, 16, 3), 99, np.uint8), np.tile(np.array([99, 100], np.uint8), (16, 24)).reshape(16, 16, 3)]
)
def test_flat_crops_are_not_blown_up(crop: np.ndarray) -> None:
    lr, (stretch,) = stretched([crop])
    assert stretch.gain <= MAX_GAIN
    assert np.isfinite(lr).all()


@pytest.mark.parametrize("share", [0.3, 0.1])
def test_a_face_in_fog_is_restored(portrait: np.ndarray, share: float) -> None:
    """Without the stretch `lite` gives it several times the contrast that it has."""
    fog = faded(resize(portrait[70:198, 180:308], (128, 128)), share, 150)
    crop = resize(fog, (24, 24))
    (result,) = FaceModel("lite")([crop])
    plain = resize(crop, (128, 128))
    psnr = Y_CROP8.psnr(np.stack([result.sr[-1], plain]), np.stack([fog, fog]))
    assert psnr[0] > psnr[1] + 1


def test_a_batch_of_both_kinds_is_as_one_by_one(portrait: np.ndarray) -> None:
    crop = resize(portrait[80:190, 190:300], (24, 24))
    crops = [crop, faded(crop, 0.1, 100), crop[::-1]]
    model = FaceModel("lite", backend="onnxruntime")
    for together, crop in zip(model(crops), crops, strict=True):
        assert np.abs(together.sr.astype(int) - model([crop])[0].sr).max() <= 1
