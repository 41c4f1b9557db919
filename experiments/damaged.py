"""Photos with one damage of a known strength, the same every time."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.data.damage import jpeg
from dicface.images.pixels import luma

_SEPIA = np.array([1.07, 0.92, 0.70])


def jpeg60(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """JPEG of quality 60, colour at half the resolution."""
    return jpeg(pixels, 60)


def grain10(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grain of a standard deviation of 10 grey levels, the same in all colours."""
    grain = np.random.default_rng(0).normal(0, 10, pixels.shape[:2])
    return np.clip(pixels + grain[..., None] + 0.5, 0, 255).astype(np.uint8)


def sepia_grain(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A brown print with less contrast and grain."""
    faded = 128 + 0.8 * (luma(pixels, np.float64)[..., None] * _SEPIA - 128)
    return grain10(np.clip(faded + 0.5, 0, 255).astype(np.uint8))


def clean(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """No damage: the photo itself."""
    return pixels


DAMAGES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "clean": clean,
    "jpeg60": jpeg60,
    "grain10": grain10,
    "sepia+grain": sepia_grain,
}


class Rotated(NamedTuple):
    """A rotated photo and its points."""

    pixels: NDArray[np.uint8]
    points: NDArray[np.float32]


def rotate(pixels: NDArray[np.uint8], points: NDArray[np.floating], degrees: float) -> Rotated:
    """Rotate a photo anticlockwise about its middle; corners are grey.

    Args:
        pixels: (H, W, 3) uint8.
        points: (K, 2) x, y, pixel centres at integers.
        degrees: by how much.
    """
    if not degrees:
        return Rotated(pixels, points.astype(np.float32))
    image = Image.fromarray(pixels)
    grey = (128, 128, 128)
    result = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=grey)
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    centred = points + 0.5 - np.array(image.size) / 2
    return Rotated(np.asarray(result), (centred @ matrix.T + np.array(result.size) / 2 - 0.5).astype(np.float32))
