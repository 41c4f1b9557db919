"""PSNR and SSIM agree with scikit-image and with the recorded numbers."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from dicface.errors import UsageError
from dicface.evaluation.metrics import (
    average_precision,
    frechet_distance,
    nrmse,
    psnr,
    ssim,
    studio_luma,
    verification_auc,
)
from dicface.evaluation.protocols import PROTOCOLS, Y_CROP8, Y_CROP8_RELEASED, protocols_by_name
from tests.support.recorded import recorded_tensors


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    recorded = recorded_tensors("metrics")
    return recorded["sr"], recorded["hr"]


def test_psnr_equals_the_recorded(pair: tuple[np.ndarray, np.ndarray]) -> None:
    recorded = recorded_tensors("metrics")["psnr_ssim_y_crop8"]
    np.testing.assert_allclose(Y_CROP8.psnr(*pair), recorded[:, 0], atol=1e-6)


def test_the_released_protocol_gives_the_recorded_ssim(pair: tuple[np.ndarray, np.ndarray]) -> None:
    """The authors multiply 8-bit luma by 255, which leaves its negative (ADR 11)."""
    recorded = recorded_tensors("metrics")["psnr_ssim_y_crop8"]
    np.testing.assert_allclose(Y_CROP8_RELEASED.psnr(*pair), recorded[:, 0], atol=1e-6)
    np.testing.assert_allclose(Y_CROP8_RELEASED.ssim(*pair), recorded[:, 1], atol=1e-6)
    assert 1e-6 < np.abs(Y_CROP8.ssim(*pair) - recorded[:, 1]).max() < 2e-5


def test_protocols_have_one_name_each() -> None:
    assert [protocol.name for protocol in PROTOCOLS] == ["y-crop8", "rgb-crop8", "y"]
    assert protocols_by_name(["y", "y-crop8-released", "y"]) == (PROTOCOLS[2], Y_CROP8_RELEASED)
    with pytest.raises(UsageError, match=r"expected a protocol, one of y-crop8, rgb-crop8, y, .*, got 'psnr'"):
        protocols_by_name(["psnr"])


def test_psnr_equals_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = [peak_signal_noise_ratio(hr, sr, data_range=255) for sr, hr in zip(*pair, strict=True)]
    np.testing.assert_allclose(psnr(*pair), expected, atol=1e-9)


def test_ssim_equals_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = [
        structural_similarity(
            one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2
        )
        for one, other in zip(*pair, strict=True)
    ]
    np.testing.assert_allclose(ssim(*pair), expected, atol=1e-6)


def test_luma_by_hand() -> None:
    colours = np.array([[[[0, 0, 0], [255, 255, 255], [255, 0, 0]]]], dtype=np.uint8)
    assert studio_luma(colours).ravel().tolist() == [16, 235, 81]


def test_psnr_by_hand() -> None:
    black, grey = np.zeros((1, 4, 4, 1), np.uint8), np.full((1, 4, 4, 1), 51, np.uint8)
    np.testing.assert_allclose(psnr(black, grey), 10 * np.log10(25))
    assert np.isinf(psnr(grey, grey)).all()


def test_an_image_is_like_itself(pair: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_allclose(ssim(pair[0], pair[0]), 1)


def test_the_border_is_cut_before_anything(pair: tuple[np.ndarray, np.ndarray]) -> None:
    sr = pair[0].copy()
    sr[:, :8], sr[:, :, -8:] = 0, 255
    np.testing.assert_array_equal(Y_CROP8.psnr(sr, pair[1]), Y_CROP8.psnr(*pair))


def face_landmarks() -> np.ndarray:
    """Eyes 60 px apart at the outer corners, 20 px at the inner; jaw 100 px wide."""
    points = np.zeros((1, 68, 2))
    points[0, 0], points[0, 16] = (0, 50), (100, 50)
    points[0, 36:42] = [(20, 40), (25, 35), (35, 35), (40, 40), (35, 45), (25, 45)]
    points[0, 42:48] = [(60, 40), (65, 35), (75, 35), (80, 40), (75, 45), (65, 45)]
    return points


def test_normalised_errors_by_hand() -> None:
    wanted = face_landmarks()
    found = wanted + np.array([3.0, 4.0])
    assert nrmse(found, wanted, "width") == pytest.approx(0.05)
    assert nrmse(found, wanted, "outer_eye") == pytest.approx(5 / 60)
    assert nrmse(found, wanted, "inter_ocular") == pytest.approx(5 / 40)
    assert nrmse(found, wanted, "outer_eye_released") == pytest.approx(5 / np.hypot(50, 10))


def test_one_wrong_landmark_counts_by_its_square() -> None:
    wanted = face_landmarks()
    found = wanted.copy()
    found[0, 30, 0] += 68**0.5
    assert nrmse(found, wanted, "width") == pytest.approx(0.01)


def test_verification_auc_by_hand() -> None:
    identities = np.array([0, 0, 1, 1])
    apart = np.array([[1.0, 0], [2, 0.1], [0, 1], [0.1, 3]])
    assert verification_auc(apart, identities) == 1
    assert verification_auc(apart, np.array([0, 1, 0, 1])) == pytest.approx(2 / 8)


def test_average_precision_by_hand() -> None:
    """Found of three: first, third and none; precision 1 up to a third of them, 2/3 up to two thirds."""
    scores, hits = np.array([0.2, 0.9, 0.5, 0.1]), np.array([True, True, False, False])
    assert average_precision(scores, hits, 3) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision(np.array([0.9]), np.array([True]), 1) == 1
    assert average_precision(np.array([]), np.array([], dtype=bool), 2) == 0
    assert average_precision(np.array([]), np.array([], dtype=bool), 0) == 0


def test_the_frechet_distance_of_normal_samples_is_the_formula() -> None:
    draw = np.random.default_rng(0)
    # Means 0 and 2, deviations 1 and 3 in one dimension: 2^2 + (3 - 1)^2; nothing in the other.
    one = draw.normal((0, 0), (1, 1), (200_000, 2))
    other = draw.normal((2, 0), (3, 1), (200_000, 2))
    assert frechet_distance(one, other) == pytest.approx(8, rel=0.02)
    assert frechet_distance(other, one) == pytest.approx(frechet_distance(one, other))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_takes_fewer_vectors_than_features() -> None:
    few = np.random.default_rng(0).normal(size=(3, 8))
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(few, few + 1) == pytest.approx(8, abs=1e-6)
