"""Damages of whole scenes: light, fading, blur, grain, compression."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dicface.data.damage import jpeg
from dicface.images.pixels import LUMA_WEIGHTS

_LUMA = np.array(LUMA_WEIGHTS, dtype=np.float32)
_SEPIA = np.array([1.08, 0.92, 0.68], dtype=np.float32)


def _tone(rng: np.random.Generator, values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Change contrast, gamma and tint; or darken."""
    if rng.random() < 0.12:
        dim = values * np.float32(rng.uniform(0.15, 0.5))
        return (dim + np.float32(rng.uniform(0, 12))) * np.float32(rng.uniform(1, 1.6))
    curved = 255 * (values / 255) ** np.float32(2 ** rng.uniform(-0.7, 0.7))
    contrast, middle = rng.uniform(0.55, 1.25), rng.uniform(90, 165)
    tint = 1 + rng.normal(0, 0.06, 3)
    return ((curved - 128) * np.float32(contrast) + np.float32(middle)) * tint.astype(np.float32)


def _without_colour(rng: np.random.Generator, values: NDArray[np.floating]) -> NDArray[np.floating]:
    grey = (values @ _LUMA)[..., None]
    if rng.random() < 0.5:
        return np.repeat(grey, 3, axis=2)
    strength = np.float32(rng.uniform(0.4, 1.1))
    return grey * (1 + strength * (_SEPIA - 1))


def _blur(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    if rng.random() < 0.6:
        return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.4))))
    factor = rng.uniform(1.2, 2.2)
    small = image.resize((round(image.width / factor), round(image.height / factor)), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def _noise(
    rng: np.random.Generator, values: NDArray[np.floating], deviations: tuple[float, float] = (2.0, 20.0)
) -> NDArray[np.floating]:
    """Add sensor noise, independent in each colour, or film grain, which is coarser and the same in all colours."""
    deviation = np.float32(rng.uniform(*deviations))
    height, width, _ = values.shape
    if rng.random() < 0.5:
        return values + deviation * rng.standard_normal(values.shape, dtype=np.float32)
    grain = rng.standard_normal((height, width), dtype=np.float32)
    if rng.random() < 0.5:
        grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1) + np.roll(grain, (1, 1), (0, 1))) / 2
    return values + deviation * grain[..., None]


def age(rng: np.random.Generator, image: Image.Image) -> NDArray[np.uint8]:
    """A scanned print from an old album: without colour, faded, with coarse or fine grain, often stored as JPEG.

    Args:
        rng: all randomness comes from it.
        image: RGB.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    if rng.random() < 0.3:
        image = _blur(rng, image)
    values = _without_colour(rng, np.asarray(image).astype(np.float32))
    contrast, middle = np.float32(rng.uniform(0.6, 1.0)), np.float32(rng.uniform(105, 150))
    faded = np.clip((values - 128) * contrast + middle, 0, 255)
    grainy = np.clip(_noise(rng, faded, (6.0, 16.0)) + 0.5, 0, 255).astype(np.uint8)
    return jpeg(grainy, int(rng.integers(50, 96))) if rng.random() < 0.4 else grainy


def damage(rng: np.random.Generator, image: Image.Image) -> NDArray[np.uint8]:
    """A picture with some of the damages of photos, in the order in which they come about.

    Args:
        rng: all randomness comes from it.
        image: RGB.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    toned, colourless, blurred, noisy, stored = rng.random(5) < (0.5, 0.25, 0.25, 0.35, 0.6)
    if blurred:
        image = _blur(rng, image)
    if toned or colourless or noisy:
        values = np.asarray(image).astype(np.float32)
        values = _tone(rng, values) if toned else values
        values = _without_colour(rng, np.clip(values, 0, 255)) if colourless else values
        values = _noise(rng, values) if noisy else values
        image = Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
    pixels = np.asarray(image)
    return jpeg(pixels, int(rng.integers(25, 96))) if stored else pixels
