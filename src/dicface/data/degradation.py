"""From high-resolution faces to the low-resolution ones that a network gets to see."""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dicface.errors import ConfigError
from dicface.networks.resize import resize_bicubic, to_pixels

JPEG_BLOCK = 16
"""Side of the squares that JPEG encodes by themselves, in pixels: blocks of 8, and colour at half the size."""


@dataclass(frozen=True)
class LRConfig:
    """Low-resolution faces: how large, and how they come about.

    Attributes:
        size_min, size_max: range of the side S; one S for a batch, its logarithm uniform.
        size_16_share: share of the batches that get S = 16 whatever the range says.
        degradation: `bicubic` is the paper's reduction. `camera` makes what photos suffer: blur, a sensor of its own
            resolution, noise, JPEG, and a last resize to S.
        blur_min, blur_max: range of the standard deviation of the blur, in pixels of the result.
        sensor_min, sensor_max: range of the sensor's side divided by S.
        noise_min, noise_max: range of the standard deviation of the noise, in grey levels.
        jpeg_min, jpeg_max: range of the JPEG quality; 100 leaves JPEG out.
        clean_share: share of a camera's faces that suffer none of this, but are reduced as by `bicubic`.
    """

    size_min: int = 16
    size_max: int = 16
    size_16_share: float = 0.0
    degradation: Literal["bicubic", "camera"] = "bicubic"
    blur_min: float = 0.0
    blur_max: float = 0.0
    sensor_min: float = 1.0
    sensor_max: float = 1.0
    noise_min: float = 0.0
    noise_max: float = 0.0
    jpeg_min: int = 100
    jpeg_max: int = 100
    clean_share: float = 0.0

    def __post_init__(self) -> None:
        ranges = (
            (1, self.size_min, self.size_max, 128),
            (0, self.blur_min, self.blur_max, 8),
            (0.25, self.sensor_min, self.sensor_max, 4),
            (0, self.noise_min, self.noise_max, 255),
            (1, self.jpeg_min, self.jpeg_max, 100),
        )
        if any(not least <= low <= high <= most for least, low, high, most in ranges):
            raise ConfigError(
                "expected lr.*_min not above lr.*_max, size from 1 to 128, blur 0 to 8, sensor 0.25 to 4, noise 0 to "
                f"255, jpeg 1 to 100, got {self}"
            )
        if not 0 <= self.clean_share <= 1:
            raise ConfigError(f"expected lr.clean_share from 0 to 1, got {self.clean_share}")


def draw_size(config: LRConfig, generator: torch.Generator) -> int:
    """Draw the side S of one batch."""
    share, where = torch.rand(2, generator=generator).tolist()
    if share < config.size_16_share:
        return 16
    return min(config.size_max, int(config.size_min * ((config.size_max + 1) / config.size_min) ** where))


def reduce_faces(hr: Tensor, size: int) -> Tensor:
    """Low-resolution faces by the paper's recipe: bicubic, rounded to 8 bits.

    Args:
        hr: (N, 3, 128, 128) float RGB in [0, 1].
        size: side of the result in pixels.

    Returns:
        (N, 3, size, size) float, within one grey level of Pillow's reduction.

    Source: the paper's data preparation.
    """
    return resize_bicubic(hr, size, eight_bits=True)


def _blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Gaussian blur, each image with its own (N,) standard deviation in its pixels."""
    position = torch.arange(images.shape[-1], device=images.device, dtype=images.dtype)
    distance = position[:, None] - position
    weights = torch.exp(-(distance**2) / (2 * sigma_px.clamp(min=1e-3)[:, None, None] ** 2))
    weights = (weights / weights.sum(dim=-1, keepdim=True))[:, None]
    return weights @ images @ weights.transpose(-2, -1)


def _jpeg(image: NDArray[np.uint8], quality: int, above: int, left: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 through a JPEG file; 0 to 15 pixels of its first blocks lie above the image and left of it."""
    if quality == 100:
        return image
    # Blocks that the image's border cuts go on in the mirror.
    whole = np.pad(image, ((above, JPEG_BLOCK), (left, JPEG_BLOCK), (0, 0)), mode="symmetric")
    encoded = io.BytesIO()
    Image.fromarray(whole).save(encoded, "JPEG", quality=quality)
    height, width = image.shape[:2]
    return np.asarray(Image.open(encoded))[above : above + height, left : left + width]


def photograph_faces(
    hr: Tensor, size: int, config: LRConfig, generator: torch.Generator, count: int, part: slice
) -> Tensor:
    """Low-resolution faces as a camera at a distance would leave them, each anywhere on the grid of JPEG's blocks.

    Args:
        hr: (n, 3, 128, 128) float RGB in [0, 1]: the wanted faces of a batch.
        size: S, side of the result in pixels.
        config: ranges of the faults, and the share of the faces that `reduce_faces` makes instead.
        generator: all randomness comes from it, as much for a part as for the whole batch.
        count: faces in the whole batch.
        part: which of them `hr` holds.

    Returns:
        (n, 3, S, S) float RGB in [0, 1], rounded to 8 bits.
    """
    draw = torch.rand(7, count, generator=generator)
    # One sensor for a batch, since its faces share a shape.
    side = round(size * float(config.sensor_min + (config.sensor_max - config.sensor_min) * draw[0, 0]))
    side = min(max(side, 4), hr.shape[-1])
    sigma = (config.blur_min + (config.blur_max - config.blur_min) * draw[1, part]) * (hr.shape[-1] / size)
    noise = torch.randn(count, 3, side, side, generator=generator)[part]
    level = (config.noise_min + (config.noise_max - config.noise_min) * draw[2, part]) / 255
    quality = (config.jpeg_min + (config.jpeg_max - config.jpeg_min) * draw[3, part]).round().int().tolist()
    sensed = resize_bicubic(_blur(hr, sigma.to(hr.device)), side) + (level[:, None, None, None] * noise).to(hr.device)
    above, left = (draw[4:6, part] * JPEG_BLOCK).int().tolist()
    faces = zip(to_pixels(sensed), quality, above, left, strict=True)
    stored = torch.from_numpy(np.stack([_jpeg(*face) for face in faces])).to(hr.device)
    lr = resize_bicubic(stored.permute(0, 3, 1, 2) / 255, size, eight_bits=True)
    if config.clean_share == 0:
        return lr
    clean = (draw[6, part] < config.clean_share).to(hr.device)
    return torch.where(clean[:, None, None, None], reduce_faces(hr, size), lr)
