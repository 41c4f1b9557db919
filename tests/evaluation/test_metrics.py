"""PSNR and SSIM agree with scikit-image and with the recorded numbers."""

import json

import numpy as np
import pytest
from rich.console import Console
from skimage.metrics import structural_similarity

from dicface.evaluation.measure import bootstrap_interval, measure, result_table
from dicface.evaluation.metrics import luma, psnr, ssim
from dicface.evaluation.protocols import PROTOCOLS, Y_CROP8
from dicface.runtime.models import FaceModel
from tests.parity.recorded import recorded_tensors


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    recorded = recorded_tensors("metrics")
    return recorded["sr"], recorded["hr"]


def test_psnr_equals_the_recorded(pair: tuple[np.ndarray, np.ndarray]) -> None:
    recorded = recorded_tensors("metrics")["psnr_ssim_y_crop8"]
    np.testing.assert_allclose(Y_CROP8.psnr(*pair), recorded[:, 0], atol=1e-6)


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
    assert luma(colours).ravel().tolist() == [16, 235, 81]


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


def test_the_interval_holds_the_mean_and_narrows() -> None:
    values = np.random.default_rng(1).normal(25, 2, 400)
    low, high = bootstrap_interval(values)
    assert low < values.mean() < high
    # Half width of a mean's 95 % interval: 1.96 sigma / sqrt(n).
    assert abs((high - low) / 2 - 1.96 * values.std() / 20) < 0.03
    assert bootstrap_interval(values) == [low, high]


def test_a_face_that_comes_back_exactly_leaves_valid_json() -> None:
    flat = np.full((2, 128, 128, 3), 128, dtype=np.uint8)
    result = measure(FaceModel("lite", "onnxruntime"), flat, 16, "flat")
    assert result["bicubic"]["y-crop8"]["psnr"] == {"mean": None, "ci95": None}
    json.dumps(result, allow_nan=False)
    Console(quiet=True).print(result_table(result))


def test_measuring_the_embedded_model(portrait: np.ndarray) -> None:
    hr = np.stack([portrait[50:178, 150:278], portrait[54:182, 156:284]])
    result = measure(FaceModel("lite", "onnxruntime"), hr, 16, "portrait")
    assert result["n"] == 2
    assert set(result["protocols"]) == {protocol.name for protocol in PROTOCOLS} == {"y-crop8", "rgb-crop8", "y"}
    gain = result["protocols"]["y-crop8"]["psnr"]["mean"] - result["bicubic"]["y-crop8"]["psnr"]["mean"]
    assert gain > 1, "the embedded model no longer beats bicubic on the portrait"
    assert result["steps"]["y-crop8"][-1]["psnr"] == pytest.approx(result["protocols"]["y-crop8"]["psnr"]["mean"])
