"""PSNR and SSIM of 8-bit images."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_PEAK = 255.0
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2


def luma(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma of ITU-R BT.601 in its studio range.

    Args:
        images: (..., H, W, 3) uint8 RGB.

    Returns:
        (..., H, W, 1) uint8, 16 for black to 235 for white.

    Source: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, rounded.
    """
    weighted = images.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255 + 16
    return weighted.round().astype(np.uint8)[..., None]


def psnr(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each image.

    Args:
        images, references: (N, H, W, C) uint8.

    Returns:
        (N,) float64 in dB; infinite where both are the same.
    """
    difference = images.astype(np.float64) - references
    error = np.square(difference).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(_PEAK**2 / error)


def _blur(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian mean over every 11x11 window that lies inside the image."""
    offset = np.arange(_WINDOW) - _WINDOW // 2
    kernel = np.exp(-(offset**2) / (2 * _SIGMA**2))
    kernel /= kernel.sum()
    rows = sliding_window_view(images, _WINDOW, axis=1) @ kernel
    return sliding_window_view(rows, _WINDOW, axis=2) @ kernel


def ssim(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Structural similarity of each image: 11x11 Gaussian window, sigma 1.5, valid region.

    Args:
        images, references: (N, H, W, C) uint8, at least 11 px high and wide.

    Returns:
        (N,) float64, at most 1; the mean over windows and channels.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
    """
    x, y = images.astype(np.float64), references.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x, variance_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)) / (
        (mean_x**2 + mean_y**2 + _C1) * (variance_x + variance_y + _C2)
    )
    return similarity.mean(axis=(1, 2, 3))
