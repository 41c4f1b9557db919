"""Procedural pictures and backgrounds: cloth, walls, foliage, clutter."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_CLUTTER = (4, 24)
"""Range of the number of shapes in a cluttered background."""
_HAIR = ((20, 16, 14), (45, 30, 22), (90, 62, 40), (150, 115, 75), (130, 125, 120), (200, 195, 190))


def draw_log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def draw_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """A random colour; dull ones are likelier than bright ones."""
    grey, tint = rng.uniform(10, 245), rng.normal(0, 1, 3) * rng.choice([5.0, 20.0, 60.0])
    red, green, blue = np.clip(grey + tint, 0, 255).astype(int).tolist()
    return red, green, blue


def hair_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour of hair."""
    shade = np.array(_HAIR[int(rng.integers(len(_HAIR)))]) * rng.uniform(0.6, 1.3)
    red, green, blue = np.clip(shade, 0, 255).astype(int).tolist()
    return red, green, blue


def make_texture(rng: np.random.Generator, size: tuple[int, int], colour: Sequence[int] | None = None) -> Image.Image:
    """A plain, mottled or striped surface.

    Args:
        rng: all randomness comes from it.
        size: width and height.
        colour: RGB about which it varies; random if None.
    """
    base = np.array(draw_colour(rng) if colour is None else colour, dtype=np.float32)
    rows, columns = (int(draw_log_uniform(rng, 1, max(2, side / 2))) for side in (size[1], size[0]))
    grey = rng.normal(0, 1, (max(1, rows), max(1, columns), 1))
    spread = rng.choice([3.0, 12.0, 35.0]) * (grey + 0.3 * rng.normal(0, 1, (max(1, rows), max(1, columns), 3)))
    cells = np.clip(base + spread, 0, 255).astype(np.uint8)
    texture = Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC if rng.random() < 0.8 else 0)
    if rng.random() < 0.25:
        draw, period = ImageDraw.Draw(texture), draw_log_uniform(rng, 2.5, max(3, size[0] / 3))
        shade, width, flat = draw_colour(rng), max(1, round(period * rng.uniform(0.2, 0.6))), rng.random() < 0.5
        for at in np.arange(0, max(size), period).tolist():
            draw.line((0, at, size[0], at) if flat else (at, 0, at, size[1]), shade, width)
    return texture


def cut_surface(rng: np.random.Generator, photos: Sequence[NDArray[np.uint8]], size: tuple[int, int]) -> Image.Image:
    """A small part of a photo, for cloth and things in front.

    Args:
        rng: all randomness comes from it.
        photos: (H, W, 3) uint8 RGB each, at least one.
        size: width and height of the result.
    """
    photo = photos[int(rng.integers(len(photos)))]
    part = [
        min(side * draw_log_uniform(rng, 0.5, 2.5), full) for side, full in zip(size, photo.shape[1::-1], strict=True)
    ]
    left, top = rng.uniform(0, photo.shape[1] - part[0]), rng.uniform(0, photo.shape[0] - part[1])
    box = (left, top, left + part[0], top + part[1])
    return Image.fromarray(photo).resize(size, Image.Resampling.BILINEAR, box=box)


def make_clutter(rng: np.random.Generator, side: int) -> Image.Image:
    """A surface with shapes of all sizes and their textures.

    Args:
        rng: all randomness comes from it.
        side: width and height.
    """
    picture = make_texture(rng, (side, side))
    for _ in range(int(rng.integers(*_CLUTTER))):
        width, height = (round(draw_log_uniform(rng, 4, side)) for _ in range(2))
        mask = draw_shape(rng, width, height)
        corner = int(rng.integers(-width // 2, side)), int(rng.integers(-height // 2, side))
        picture.paste(make_texture(rng, (width, height)), corner, mask)
    return picture


def draw_shape(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Mask of an ellipse, a rectangle, a polygon or a bar."""
    mask = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    match int(rng.integers(4)):
        case 0:
            draw.ellipse((0, 0, width - 1, height - 1), 255)
        case 1:
            draw.rectangle((0, 0, width - 1, height - 1), 255)
        case 2:
            corners = rng.uniform(0, 1, (int(rng.integers(3, 8)), 2)) * (width, height)
            draw.polygon([(x, y) for x, y in corners.tolist()], 255)
        case _:
            ends = (rng.uniform(0, 1, 4) * (width, height, width, height)).tolist()
            draw.line(ends, 255, max(1, round(min(width, height) * rng.uniform(0.05, 0.3))))
    return mask


def cut_background(rng: np.random.Generator, photo: NDArray[np.uint8], side: int, closer: float = 1.0) -> Image.Image:
    """A part of a photo, reduced or enlarged a little, possibly mirrored.

    Args:
        rng: all randomness comes from it.
        photo: (H, W, 3) uint8 RGB.
        side: width and height of the result.
        closer: by how much more it is enlarged.
    """
    height, width = photo.shape[:2]
    part = min(side * draw_log_uniform(rng, 0.5, 1.6) / closer, height, width)
    left, top = rng.uniform(0, width - part), rng.uniform(0, height - part)
    box = (left, top, left + part, top + part)
    cut = Image.fromarray(photo).resize((side, side), Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return cut.transpose(Image.Transpose.ROTATE_90) if rng.random() < 0.1 else cut
