"""Bicubic resizing as two matrix products, equal to Pillow's, and the 8 bits of a file."""

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


def bicubic_matrix(start: Tensor, extent: Tensor, source: Tensor, target: int) -> Tensor:
    """Weights that resample a stretch of a pixel row to another length.

    Reduction widens the kernel by the factor, enlargement does not; what falls outside the row is left out and the rest
    made to sum to one. Both are Pillow's rules, so the result equals `Image.resize(..., BICUBIC, box=...)` up to its
    rounding to 8 bits.

    Args:
        start: (N,) float, first edge of the stretch, in pixels; 0 is the outer edge of pixel 0.
        extent: (N,) float, length of the stretch in pixels, positive.
        source: (L,) float, the indices 0..L-1 of the row's pixels.
        target: number of pixels of the result.

    Returns:
        (N, target, L) float. Rows sum to one.
    """
    scale = (extent / target)[:, None, None]
    position = torch.arange(target, device=source.device, dtype=source.dtype)
    centre = start[:, None, None] + (position[:, None] + 0.5) * scale
    return _weights((source + 0.5 - centre) / scale.clamp(min=1.0))


def _weights(distance: Tensor) -> Tensor:
    """(..., target, L) float distances, in pixels of the larger raster -> the same, rows sum to one."""
    weights = _cubic(distance)
    return weights / weights.sum(dim=-1, keepdim=True)


def _resample(images: Tensor, vertical: Tensor, horizontal: Tensor, eight_bits: bool) -> Tensor:
    """Rows first, then columns, in Pillow's order."""
    across = images @ horizontal.transpose(-2, -1)
    if eight_bits:
        return round_to_8_bits(vertical @ round_to_8_bits(across))
    return vertical @ across


def bicubic_weights(images: Tensor, size: int) -> Tensor:
    """Weights that resample a whole pixel row of some images.

    Args:
        images: (..., L) float; only its last side, type and device count.
        size: number of pixels of the result. Like L it may be unknown when a graph is exported.

    Returns:
        (size, L) float. Rows sum to one.
    """
    # Distances are differences of whole numbers: a runtime that computes in bfloat16 would have pixel 40 only to a
    # quarter of a pixel.
    source = torch.arange(images.shape[-1], device=images.device)
    position = torch.arange(size, device=images.device)
    side, target = torch.ones_like(source).sum(), torch.ones_like(position).sum()
    numerator = (2 * source + 1) * target - (2 * position[:, None] + 1) * side
    widening = (side.type_as(images) / target).clamp(min=1.0)
    return _weights(numerator.type_as(images) / (2 * target) / widening)


def resize_bicubic(images: Tensor, size: int, eight_bits: bool = False) -> Tensor:
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
        # In bfloat16 the result would be off by two grey levels.
        with torch.autocast(images.device.type, enabled=False):
            return resize_bicubic(images.float(), size, eight_bits)
    weights = bicubic_weights(images, size)
    return _resample(images, weights, weights, eight_bits)


def round_to_8_bits(images: Tensor) -> Tensor:
    """Clip to [0, 1] and round to the 256 levels that a file holds; any shape."""
    return (images.clamp(0, 1) * 255).round() / 255


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) float RGB in [0, 1], on any device -> (N, H, W, 3) uint8."""
    return to_uint8(images.detach().float().permute(0, 2, 3, 1).cpu().numpy())
