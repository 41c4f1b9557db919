"""Between the networks' floats and the 8 bits of a file."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dicface.images.photo import to_uint8


def round_to_8_bits(images: Tensor) -> Tensor:
    """Clip to [0, 1] and round to the 256 levels that a file holds; any shape."""
    return (images.clamp(0, 1) * 255).round() / 255


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) float RGB in [0, 1], on any device -> (N, H, W, 3) uint8."""
    return to_uint8(images.detach().float().permute(0, 2, 3, 1).cpu().numpy())
