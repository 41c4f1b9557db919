"""Operations on pixel arrays: range, size, luma, smoothing."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import UsageError

Float = TypeVar("Float", np.float32, np.float64)

FACE_PX = 128
"""Side of a high-resolution and of a super-resolved face, unless a model says otherwise."""
LARGE_FACE_PX = 256
"""Side of the faces that models for larger crops make."""
LR_PX = (8, 64)
"""Smallest and largest side of a low-resolution face."""
LR_PX_OF = {FACE_PX: LR_PX, LARGE_FACE_PX: (32, 256)}
"""Smallest and largest side of the crops of an any-size network in pixels, by the side of its results."""
# Mean R, G, B of CelebA faces, subtracted from pixels in [0, 1]. Source: the authors' released code.
CHANNEL_MEANS = (0.509, 0.424, 0.378)
LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Of R, G and B. Source: ITU-R BT.601, full range."""


def to_uint8(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Quantise pixels in [0, 1] to uint8: clipped, scaled by 255, rounded."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def to_network(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, S, S, 3) uint8 RGB -> (N, 3, S, S) float32 in [0, 1], the networks' input."""
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)


def resize(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize with Pillow's bicubic filter.

    Args:
        pixels: (H, W, 3) or (H, W) uint8.
        size: width and height of the result in pixels.

    Returns:
        uint8 of the new size.
    """
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def luma(pixels: NDArray[np.uint8], kind: type[Float] = np.float32) -> NDArray[Float]:
    """Luma: (..., 3) uint8 RGB -> (...) floats of a given kind, 0 to 255."""
    return np.asarray(pixels.astype(kind) @ np.array(LUMA_WEIGHTS, dtype=kind), dtype=kind)


def gaussian_weights(sigma_px: float, reach_px: int) -> NDArray[np.float64]:
    """Gaussian kernel at the pixels -reach_px..reach_px: (2 * reach_px + 1,) float64 with sum 1."""
    weights = np.exp(-(np.arange(-reach_px, reach_px + 1) ** 2) / (2 * sigma_px**2))
    return weights / weights.sum()


def smooth(values: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Gaussian blur of (H, W) values. Beyond the edge, the nearest value is repeated."""
    reach = round(3 * sigma_px)
    weights = gaussian_weights(sigma_px, reach)
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if axis == side else (0, 0) for side in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
        values = (windows @ weights).astype(np.float32)
    return values


def check_crop_batch(crops: NDArray[np.uint8]) -> None:
    """Check the shape and the type of a batch of face crops.

    Raises:
        UsageError: they are not (N, S, S, 3) uint8.
    """
    if crops.ndim != 4 or crops.shape[3] != 3 or crops.dtype != np.uint8:
        raise UsageError(f"expected (N, S, S, 3) uint8 RGB crops, got {crops.dtype} of shape {crops.shape}")
