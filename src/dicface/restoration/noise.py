"""Noise of a photo, estimated from its finest details.

Half the difference between the diagonals of 2x2 px is free of edges and slopes that run along rows or columns. Noise is
everywhere and texture is not, so that the median of its size is that of the noise.
"""

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square
from dicface.images.pixels import luma
from dicface.restoration.blockiness import window_around

_MEDIAN_OF_NORMAL = 0.6745
"""Median of the absolute value of a normal variable with standard deviation 1."""


def noise_level(pixels: NDArray[np.uint8], square: Square) -> float:
    """Standard deviation of the noise around a face.

    Args:
        pixels: (H, W, 3) uint8 RGB, the photo.
        square: the face's crop.

    Returns:
        In grey levels of luma, where noise that is independent in each colour has two thirds of its standard deviation.
        Texture adds to it in small photos; grain of several pixels, and noise that JPEG or a camera has smoothed, is
        underestimated. Measured in docs/quality-warnings.md. 0 for a photo under 2 px.

    Source: Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994, section 1.3.
    """
    values = luma(window_around(pixels, square))
    if min(values.shape) < 2:
        return 0.0
    diagonal = (values[:-1, :-1] - values[:-1, 1:] - values[1:, :-1] + values[1:, 1:]) / 2
    return float(np.median(np.abs(diagonal)) / _MEDIAN_OF_NORMAL)
