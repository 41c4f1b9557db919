"""Bicubic resizing as two matrix products, equal to Pillow's, and rounding to 8 bits."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dicface.images.pixels import to_uint8

_CUBIC_A = -0.5


def _cubic(distance: Tensor) -> Tensor:
    """Keys' cubic convolution kernel with a = -0.5, the one Pillow uses."""
    x = distance.abs()
    near = ((_CUBIC_A + 2) * x - (_CUBIC_A + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * _CUBIC_A - 4 * _CUBIC_A
    zero = torch.zeros_like(x)
    return torch.where(x < 1, near, torch.where(x < 2, far, zero))


def _weights(distance: Tensor) -> Tensor:
    """Weights of distances in pixels of the larger raster: (..., target, L) float -> the same, rows sum to one."""
    weights = _cubic(distance)
    return weights / weights.sum(dim=-1, keepdim=True)


def _resample(images: Tensor, vertical: Tensor, horizontal: Tensor, *, eight_bits: bool) -> Tensor:
    """Resample rows first, then columns, as Pillow does."""
    across = images @ horizontal.transpose(-2, -1)
    if eight_bits:
        return round_to_8_bits(vertical @ round_to_8_bits(across))
    return vertical @ across


def bicubic_weights(images: Tensor, size: int) -> Tensor:
    """Weights that resample a whole pixel row of some images.

    Args:
        images: (..., L) float; only its last size, dtype and device are used.
        size: number of pixels of the result. Like L it may be symbolic when a graph is exported.

    Returns:
        (size, L) float. Rows sum to one.
    """
    # Distances are computed from integers: in bfloat16 the position of pixel 40 is only precise to a quarter.
    source = torch.arange(images.shape[-1], device=images.device)
    position = torch.arange(size, device=images.device)
    side, target = torch.ones_like(source).sum(), torch.ones_like(position).sum()
    numerator = (2 * source + 1) * target - (2 * position[:, None] + 1) * side
    widening = (side.type_as(images) / target).clamp(min=1.0)
    return _weights(numerator.type_as(images) / (2 * target) / widening)


def resize_bicubic(images: Tensor, size: int, *, eight_bits: bool = False) -> Tensor:
    """Resize square images as Pillow's BICUBIC does.

    Args:
        images: (N, C, S, S) float. S may differ from call to call, and is read from the shape, so that an exported
            graph accepts any.
        size: side of the result in pixels.
        eight_bits: round and clip to 8 bits after each direction, as Pillow does; the images are then in [0, 1].

    Returns:
        (N, C, size, size) float: within one grey level of Pillow's result with `eight_bits`, else in the range of the
        input give or take the kernel's overshoot.
    """
    if torch.is_autocast_enabled(images.device.type):
        # In bfloat16 the error would be two grey levels.
        with torch.autocast(images.device.type, enabled=False):
            return resize_bicubic(images.float(), size, eight_bits=eight_bits)
    weights = bicubic_weights(images, size)
    return _resample(images, weights, weights, eight_bits=eight_bits)


def round_to_8_bits(images: Tensor) -> Tensor:
    """Clip to [0, 1] and round to 256 levels; any shape."""
    return (images.clamp(0, 1) * 255).round() / 255


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) float RGB in [0, 1], on any device -> (N, H, W, 3) uint8."""
    return to_uint8(images.detach().float().permute(0, 2, 3, 1).cpu().numpy())
