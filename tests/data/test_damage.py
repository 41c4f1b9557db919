"""Each effect does what its name says, by properties and numbers worked by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from dicface.data.damage import blur, correlate, fade, gaussian_blur, jpeg, jpeg_faces, luma_channel, sepia, sharpen

NONE = torch.zeros(1)


def spreads(image: Tensor) -> tuple[float, float]:
    """Standard deviations of a bright spot along x and y, in pixels."""
    place = torch.arange(float(image.shape[-1]))
    result: list[float] = []
    for axis in (0, 1):
        weight = image.sum(dim=axis) / image.sum()
        mean = (weight * place).sum()
        result.append(float((weight * (place - mean) ** 2).sum().sqrt()))
    return result[0], result[1]


def dot() -> Tensor:
    image = torch.zeros(1, 1, 128, 128)
    image[..., 60, 70] = 1
    return image


@pytest.mark.parametrize(
    ("sigma_px", "angle", "wanted"),
    [((3.0, 3.0), 0.0, (3.0, 3.0)), ((4.0, 2.0), 0.0, (4.0, 2.0)), ((4.0, 2.0), np.pi / 2, (2.0, 4.0))],
)
def test_blur_has_the_stated_widths(sigma_px: tuple[float, float], angle: float, wanted: tuple[float, float]) -> None:
    blurred = blur(dot(), torch.tensor([sigma_px]), NONE, torch.tensor([angle]))
    assert spreads(blurred[0, 0]) == pytest.approx(wanted, rel=0.02)
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-4)


def test_a_stroke_spreads_along_its_direction_alone() -> None:
    blurred = blur(dot(), torch.ones(1, 2), torch.tensor([12.0]), NONE)
    # Variances add: 1 of the Gaussian and, along the stroke, a twelfth of its length squared.
    assert spreads(blurred[0, 0]) == pytest.approx((13**0.5, 1), rel=0.03)


def test_blur_leaves_a_flat_image_and_goes_on_in_the_mirror() -> None:
    flat = torch.full((1, 3, 128, 128), 0.7)
    torch.testing.assert_close(blur(flat, torch.full((1, 2), 5.0), torch.full((1,), 9.0), NONE), flat)


def test_correlated_noise_keeps_its_strength() -> None:
    noise = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    smooth = correlate(noise, torch.tensor([0.8]))
    assert float(smooth.std()) == pytest.approx(1, abs=0.03)
    neighbours = float((smooth[..., 1:] * smooth[..., :-1]).mean())
    # Two Gaussians of 0.8 px, one pixel apart, share exp(-1 / (4 x 0.64)) of their weight.
    assert neighbours == pytest.approx(np.exp(-1 / (4 * 0.64)), abs=0.05)
    torch.testing.assert_close(correlate(noise, NONE), noise)


def test_sharpening_leaves_halos_beside_edges() -> None:
    edge = torch.full((1, 3, 32, 32), 0.25)
    edge[..., 16:] = 0.75
    row = sharpen(edge, torch.tensor([1.0]), torch.tensor([1.0]))[0, 0, 16]
    assert row[15] < 0.2
    assert row[16] > 0.8
    torch.testing.assert_close(row[:10], edge[0, 0, 16, :10])
    assert torch.equal(sharpen(edge, torch.zeros(1), torch.tensor([1.0])), edge)


def test_sepia_keeps_luma_and_the_range() -> None:
    colours = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    brown = sepia(colours, torch.ones(1))
    torch.testing.assert_close(luma_channel(brown), luma_channel(colours), atol=1e-4, rtol=0)
    assert 0 <= brown.min() <= brown.max() <= 1
    red, _, blue = sepia(torch.full((1, 3, 1, 1), 0.5), torch.ones(1))[0, :, 0, 0].tolist()
    assert red > 0.55
    assert blue < 0.35


def test_sepia_without_strength_is_grey() -> None:
    colours = torch.rand(1, 3, 8, 8)
    assert torch.equal(sepia(colours, torch.zeros(1)), luma_channel(colours).expand_as(colours))


def test_small_images_are_blurred_by_the_stated_width() -> None:
    image = torch.zeros(1, 1, 40, 40)
    image[..., 20, 20] = 1
    assert spreads(gaussian_blur(image, torch.tensor([2.0]))[0, 0]) == pytest.approx((2, 2), rel=0.02)


def test_fading_moves_black_and_white_to_the_stated_values() -> None:
    ends = torch.tensor([0.0, 0.5, 1.0]).expand(1, 3, 1, 3)
    faded = fade(ends, torch.tensor([0.2]), torch.tensor([0.8]))
    torch.testing.assert_close(faded[0, 0, 0], torch.tensor([0.2, 0.5, 0.8]))


def test_jpeg_at_half_the_colour_loses_fine_colour_alone(portrait: np.ndarray) -> None:
    stripes = np.full((32, 32, 3), 128, dtype=np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255

    def detail(full_colour: bool) -> float:
        stored = jpeg(stripes, 98, full_colour=full_colour).astype(float)
        return float(np.abs(np.diff(stored[..., 2] - stored[..., 0], axis=1)).mean())

    assert detail(full_colour=True) > 150
    assert detail(full_colour=False) < 20
    grey = np.repeat(portrait[60:92, 150:182, :1], 3, axis=2)
    assert np.array_equal(jpeg(grey, 75, full_colour=True), jpeg(grey, 75, full_colour=False))


def test_the_grid_of_jpeg_repeats_every_sixteen_pixels(portrait: np.ndarray) -> None:
    face = portrait[60:92, 150:182]

    def moved(above: int, left: int) -> np.ndarray:
        return jpeg(face, 90, above, left).astype(float)

    def off(above: int, left: int) -> float:
        return float(np.abs(moved(above, left) - moved(0, 0)).mean())

    assert max(off(16, 0), off(0, 16)) < 0.01
    # At 8 the blocks of luma coincide, those of colour do not.
    assert 0.5 < min(off(8, 0), off(0, 8)) < max(off(8, 0), off(0, 8)) < 2 < min(off(1, 0), off(0, 1), off(9, 0))
    # Each is cut out again where it was.
    assert max(np.abs(moved(above, above // 2) - face).mean() for above in range(16)) < 4


def test_faces_are_stored_one_by_one(portrait: np.ndarray) -> None:
    pixels = np.stack([portrait[60:92, 150:182]] * 3)
    faces = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    quality, offset = torch.tensor([100, 50, 50]), torch.tensor([[0, 0], [3, 5], [3, 5]])
    stored = jpeg_faces(faces, quality, offset, torch.tensor([False, False, True]))
    assert torch.equal(stored[0], faces[0])
    for face, full_colour in ((1, False), (2, True)):
        alone = jpeg(pixels[0], 50, 3, 5, full_colour=full_colour)
        assert torch.equal(stored[face].mul(255).round().byte().permute(1, 2, 0), torch.from_numpy(alone.copy()))
