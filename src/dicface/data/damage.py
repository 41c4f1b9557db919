"""Operations that damage photos: blur, noise, sharpening, JPEG, toned and faded prints."""

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from dicface.images.pixels import LUMA_WEIGHTS
from dicface.networks.resize import round_to_8_bits, to_pixels

JPEG_GRID = 16
"""Side in pixels of the units of JPEG with 4:2:0 colour."""
# A quarter of it is added to middle grey. Its luma is zero, and its values between -1 and 1 never leave the range.
_SEPIA_TONE = (0.6, -0.1406, -0.85)
_BLUR_MARGIN = 64


def luma_channel(images: Tensor) -> Tensor:
    """Luma of ITU-R BT.601, full range: (N, 3, H, W) float RGB -> (N, 1, H, W) float."""
    weights = torch.tensor(LUMA_WEIGHTS, device=images.device, dtype=images.dtype)
    return (images * weights[:, None, None]).sum(dim=1, keepdim=True)


def sepia(images: Tensor, strength: Tensor) -> Tensor:
    """Tone images brown at equal luma.

    Args:
        images: (N, 3, H, W) float RGB in [0, 1].
        strength: (N,) float, 0 for grey to 1 for a deep brown.

    Returns:
        The same shape and range. Black and white are not changed, middle greys become brown.
    """
    grey = luma_channel(images)
    tone = torch.tensor(_SEPIA_TONE, device=images.device, dtype=images.dtype)
    return grey + strength[:, None, None, None] * grey * (1 - grey) * tone[:, None, None]


def fade(images: Tensor, black: Tensor, white: Tensor) -> Tensor:
    """Fade images: map [0, 1] to [black, white].

    Args:
        images: (N, 3, H, W) float RGB in [0, 1].
        black, white: (N,) float in [0, 1].
    """
    low, high = black[:, None, None, None], white[:, None, None, None]
    return low + (high - low) * images


def blur(images: Tensor, sigma_px: Tensor, stroke_px: Tensor, angle: Tensor) -> Tensor:
    """Blur by an elliptic Gaussian and, along its first axis, by linear motion.

    Args:
        images: (N, C, H, H) float, H of at least 64 px; mirrored at their edges.
        sigma_px: (N, 2) float, standard deviations along and across.
        stroke_px: (N,) float, length of the motion; 0 for none.
        angle: (N,) float, radians from the x axis to the first axis.

    Returns:
        The same shape.
    """
    side = images.shape[-1] + 2 * _BLUR_MARGIN
    padded = nn.functional.pad(images, [_BLUR_MARGIN] * 4, mode="reflect")
    across = torch.fft.rfftfreq(side, device=images.device)
    down = torch.fft.fftfreq(side, device=images.device)[:, None]
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    first, second = cosine * across + sine * down, cosine * down - sine * across
    spread = (sigma_px[:, :1, None] * first) ** 2 + (sigma_px[:, 1:, None] * second) ** 2
    transfer = torch.exp(-2 * torch.pi**2 * spread) * torch.sinc(stroke_px[:, None, None] * first)
    blurred = torch.fft.irfft2(torch.fft.rfft2(padded) * transfer[:, None], s=(side, side))
    inner = slice(_BLUR_MARGIN, _BLUR_MARGIN + images.shape[-1])
    return blurred[..., inner, inner]


def _gaussian_matrix(side: int, sigma_px: Tensor) -> Tensor:
    """Matrices of a Gaussian blur along a line: (N,) float -> (N, 1, side, side) float, rows sum to one."""
    position = torch.arange(side, device=sigma_px.device, dtype=sigma_px.dtype)
    distance = position[:, None] - position
    weights = torch.exp(-(distance**2) / (2 * sigma_px.clamp(min=1e-3)[:, None, None] ** 2))
    return (weights / weights.sum(dim=-1, keepdim=True))[:, None]


def correlate(noise: Tensor, sigma_px: Tensor) -> Tensor:
    """Correlate white noise between neighbours at equal variance.

    Args:
        noise: (N, C, H, H) float, independent from pixel to pixel.
        sigma_px: (N,) float, standard deviation of the smoothing Gaussian; 0 leaves the noise as it is.

    Returns:
        The same shape and variance.
    """
    weights = _gaussian_matrix(noise.shape[-1], sigma_px)
    weights = weights / weights.square().sum(dim=-1, keepdim=True).sqrt()
    return weights @ noise @ weights.transpose(-2, -1)


def gaussian_blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur small images by a Gaussian, which is cut off at their edges and renormalised.

    Args:
        images: (N, C, H, H) float.
        sigma_px: (N,) float, standard deviation.
    """
    weights = _gaussian_matrix(images.shape[-1], sigma_px)
    return weights @ images @ weights.transpose(-2, -1)


def sharpen(images: Tensor, amount: Tensor, radius_px: Tensor) -> Tensor:
    """Sharpen by an unsharp mask: add the difference to a blurred image. Edges get halos.

    Args:
        images: (N, 3, H, H) float RGB in [0, 1].
        amount: (N,) float, factor of the difference; 0 does not change the image.
        radius_px: (N,) float, standard deviation of the blur.
    """
    return images + amount[:, None, None, None] * (images - gaussian_blur(images, radius_px))


def jpeg(
    image: NDArray[np.uint8], quality: int, above: int = 0, left: int = 0, *, full_colour: bool = False
) -> NDArray[np.uint8]:
    """Encode and decode an image as JPEG.

    Args:
        image: (H, W, 3) uint8 RGB.
        quality: Pillow's quality, 1 to 99; 100 does not change the image.
        above, left: offset of the image on the JPEG grid in pixels, 0 to 15.
        full_colour: store colour at full resolution (4:4:4) instead of half (4:2:0).

    Returns:
        The same shape, uint8.
    """
    if quality == 100:
        return image
    # Units that cross the image's border are filled by mirroring.
    whole = np.pad(image, ((above, JPEG_GRID), (left, JPEG_GRID), (0, 0)), mode="symmetric")
    encoded = io.BytesIO()
    Image.fromarray(whole).save(encoded, "JPEG", quality=quality, subsampling=0 if full_colour else 2)
    height, width = image.shape[:2]
    return np.asarray(Image.open(encoded))[above : above + height, left : left + width]


def jpeg_faces(images: Tensor, quality: Tensor, offset: Tensor, full_colour: Tensor) -> Tensor:
    """Encode and decode faces as JPEG, each with its own settings.

    Args:
        images: (N, 3, H, W) float RGB in [0, 1].
        quality: (N,) int; 100 does not change a face.
        offset: (N, 2) int, `above` and `left` of `jpeg`.
        full_colour: (N,) bool.

    Returns:
        The same shape, rounded to 8 bits.
    """
    rounded = round_to_8_bits(images)
    for face in (quality != 100).nonzero()[:, 0].tolist():
        above, left = offset[face].tolist()
        (pixels,) = to_pixels(rounded[face : face + 1])
        stored = jpeg(pixels, int(quality[face]), above, left, full_colour=bool(full_colour[face]))
        rounded[face] = (torch.from_numpy(np.ascontiguousarray(stored)).permute(2, 0, 1) / 255).to(images.device)
    return rounded
