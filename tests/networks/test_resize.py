"""Our bicubic is Pillow's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dicface.networks.resize import crop_bicubic, resize_bicubic


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


@settings(max_examples=30)
@given(left=st.floats(0, 16), top=st.floats(0, 16), side=st.floats(112, 128))
def test_crop_equals_pillows_box_to_one_grey_level(left: float, top: float, side: float) -> None:
    pixels = np.asarray(
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)).resize((144, 144))
    )
    box = (left, top, left + side, top + side)
    pillow = Image.fromarray(pixels).resize((128, 128), Image.Resampling.BICUBIC, box=box)
    ours = crop_bicubic(as_tensor(pixels), *(torch.tensor([value]) for value in (left, top, side)), 128)
    # Pillow reads only what lies inside the box; at its border the kernel reaches two pixels further for us.
    inner = slice(4, -4)
    assert levels_apart(ours[:, :, inner, inner], pillow.crop((4, 4, 124, 124))) <= 1.001


def test_whole_pixel_crop_copies(portrait: np.ndarray) -> None:
    pixels = np.ascontiguousarray(portrait[:144, :144])
    ours = crop_bicubic(as_tensor(pixels), *(torch.tensor([value]) for value in (5.0, 9.0, 128.0)), 128)
    np.testing.assert_allclose(ours[0].permute(1, 2, 0).numpy(), pixels[9:137, 5:133] / 255, atol=1e-5)
