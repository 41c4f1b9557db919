"""Our bicubic is Pillow's."""

import numpy as np
import pytest
import torch
from PIL import Image

from dicface.networks.resize import resize_bicubic


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


def levels_apart(ours: torch.Tensor, pillow: Image.Image) -> float:
    rounded = ours[0].permute(1, 2, 0).numpy() * 255
    return float(np.abs(rounded - np.asarray(pillow, dtype=np.float32)).max())


@pytest.mark.parametrize(("side", "target"), [(128, 16), (128, 8), (128, 63), (16, 128), (24, 64), (8, 128), (64, 64)])
def test_resize_equals_pillow_to_one_grey_level(portrait: np.ndarray, side: int, target: int) -> None:
    pixels = np.ascontiguousarray(portrait[80 : 80 + side, 170 : 170 + side])
    pillow = Image.fromarray(pixels).resize((target, target), Image.Resampling.BICUBIC)
    assert levels_apart(resize_bicubic(as_tensor(pixels), target, eight_bits=True), pillow) <= 1.001


def test_mixed_precision_leaves_the_result_alone(portrait: np.ndarray) -> None:
    face = as_tensor(np.ascontiguousarray(portrait[80:208, 170:298]))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = resize_bicubic(face, 16, eight_bits=True)
    assert torch.equal(mixed, resize_bicubic(face, 16, eight_bits=True))
