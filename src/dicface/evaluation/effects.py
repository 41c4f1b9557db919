"""Operations of damages on 8-bit images, with the functions that training damages faces with."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dicface.data.damage import JPEG_GRID, fade, gaussian_blur, jpeg, luma_channel, sepia, sharpen
from dicface.evaluation.damage import Effect
from dicface.networks.resize import round_to_8_bits, to_pixels

_SEPIA_STRENGTH = 0.7
_FADED_BLACK, _FADED_WHITE = 0.15, 0.8
_UNSHARP_RADIUS_PX = 0.8


def _change(effect: Effect, images: Tensor) -> Tensor:
    """Apply an operation without randomness to (1, 3, H, H) float RGB in [0, 1]."""
    amount = torch.tensor([effect.strength])
    match effect.kind:
        case "grey":
            return luma_channel(images).expand_as(images)
        case "sepia":
            return sepia(images, torch.tensor([_SEPIA_STRENGTH]))
        case "faded":
            return fade(images, torch.tensor([_FADED_BLACK]), torch.tensor([_FADED_WHITE]))
        case "blur":
            return gaussian_blur(images, amount)
        case "sharp":
            return sharpen(images, amount, torch.tensor([_UNSHARP_RADIUS_PX]))
        case _:
            raise AssertionError(effect.kind)


def _noise(image: NDArray[np.uint8], draw: np.random.Generator, levels: float, colours: int) -> NDArray[np.uint8]:
    noise = draw.normal(0, levels, (*image.shape[:2], colours))
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def _jpeg(image: NDArray[np.uint8], draw: np.random.Generator, effect: Effect) -> NDArray[np.uint8]:
    for _ in range(2 if effect.twice else 1):
        above, left = draw.integers(0, JPEG_GRID, 2).tolist()
        image = jpeg(image, int(effect.strength), above, left, full_colour=effect.full_colour)
    return image


def apply_effect(effect: Effect, image: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
    """Apply one operation of a damage.

    Args:
        effect: the operation.
        image: (H, H, 3) uint8 RGB.
        draw: source of the noise and of the position on JPEG's grid.

    Returns:
        (H, H, 3) uint8 RGB.
    """
    match effect.kind:
        case "noise":
            return _noise(image, draw, effect.strength, colours=3)
        case "grain":
            return _noise(image, draw, effect.strength, colours=1)
        case "jpeg":
            return _jpeg(image, draw, effect)
        case _:
            changed = _change(effect, torch.tensor(image).permute(2, 0, 1)[None] / 255)
            return to_pixels(round_to_8_bits(changed))[0]
