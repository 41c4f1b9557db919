"""Occlusion of faces by sunglasses, hats, masks, hands and hair."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dicface.data.scenes.textures import draw_colour, hair_colour, make_texture

_Points = NDArray[np.float32]


def _skin(image: Image.Image, points: _Points) -> tuple[int, int, int]:
    """The colour of the nose's bridge."""
    x, y = np.clip(points[27:31].mean(axis=0), 0, image.width - 1)
    red, green, blue = image.getpixel((int(x), int(y)))  # pyright: ignore[reportGeneralTypeIssues] - RGB
    return red, green, blue


def _glasses(rng: np.random.Generator, image: Image.Image, points: _Points) -> None:
    draw, dark = ImageDraw.Draw(image), tuple(int(shade) for shade in rng.uniform(0, 70, 3))
    distance = float(np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0)))
    across, down = rng.uniform(0.3, 0.48) * distance, rng.uniform(0.22, 0.42) * distance
    for eye in (points[36:42], points[42:48]):
        x, y = eye.mean(axis=0) + np.array([0, 0.08 * distance])
        draw.ellipse((x - across, y - down, x + across, y + down), dark)
    (x0, y0), (x1, y1) = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    draw.line((x0 - across, y0, x1 + across, y1), dark, max(1, round(0.07 * distance)))


def _hat(rng: np.random.Generator, image: Image.Image, points: _Points) -> None:
    """Cover everything above a line over the brows by a hat, sometimes with a brim."""
    brow = points[17:27, 1].min()
    # A face may lie upside down in its picture.
    height, width = max(1.0, points[8, 1] - brow), float(np.ptp(points[:, 0]))
    line, middle = brow - rng.uniform(-0.06, 0.25) * height, float(points[27, 0])
    half = rng.uniform(0.5, 0.72) * width
    mask = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(mask)
    rise = rng.uniform(0.4, 0.9) * height
    draw.pieslice((middle - half, line - rise, middle + half, line + rise), 180, 360, 255)
    if rng.random() < 0.6:
        brim, thick = half * rng.uniform(1.0, 1.7), rng.uniform(0.04, 0.13) * height
        draw.ellipse((middle - brim, line - thick, middle + brim, line + thick), 255)
    image.paste(make_texture(rng, image.size), (0, 0), mask)


def _mask(rng: np.random.Generator, image: Image.Image, points: _Points) -> None:
    """Cover mouth and nose by a cloth."""
    corners = [points[k] for k in (2, 4, 6, 8, 10, 12, 14)]
    top = points[29] + np.array([0, rng.uniform(-0.05, 0.2) * (points[33, 1] - points[27, 1])])
    shade = draw_colour(rng) if rng.random() < 0.5 else tuple(int(x) for x in rng.uniform(180, 255, 3))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in [*corners, top]], shade)


def _hand(rng: np.random.Generator, image: Image.Image, points: _Points) -> None:
    """Cover cheek, chin or mouth by a few fingers in the face's own colour."""
    draw, colour = ImageDraw.Draw(image), np.array(_skin(image, points)) * rng.uniform(0.75, 1.15)
    width = float(np.ptp(points[:, 0]))
    x, y = points[int(rng.choice([4, 6, 8, 10, 12, 48, 54, 57]))] + rng.normal(0, 0.05, 2) * width
    angle, thick = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.17) * width
    along, beside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    for finger in range(int(rng.integers(1, 5))):
        start = np.array([x, y]) + beside * finger * thick * 1.05
        end = start + along * width * rng.uniform(0.4, 0.9)
        shade = tuple(int(value) for value in np.clip(colour * rng.uniform(0.9, 1.1), 0, 255))
        draw.line((*start, *end), shade, max(1, round(thick)))


def draw_hand(rng: np.random.Generator, image: Image.Image, points: NDArray[np.float32]) -> None:
    """A hand or fist over the whole face, in the face's own colour, fingers side by side with shadows between them.

    Args:
        rng: all randomness comes from it.
        image: RGB, changed in place.
        points: (68, 2) x, y in pixels of it.
    """
    draw, colour = ImageDraw.Draw(image), np.array(_skin(image, points)) * rng.uniform(0.75, 1.15)
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = (high - low).tolist()
    shade = tuple(int(value) for value in np.clip(colour, 0, 255))
    draw.ellipse((*(low - 0.1 * (high - low)), *(high + 0.1 * (high - low))), shade)
    fingers, along = int(rng.integers(3, 6)), rng.uniform(0.25, 1.1) * height
    lean = rng.uniform(-0.3, 0.3) * width
    for finger in range(fingers):
        thick, x = 0.95 * width / fingers, low[0] + (finger + 0.5) * width / fingers
        start, end = (x, low[1] + 0.6 * height), (x + lean, low[1] + 0.6 * height - along * rng.uniform(0.75, 1.1))
        for grown, light in ((1.15, 0.6), (0.9, rng.uniform(0.9, 1.1))):
            tone = tuple(int(value) for value in np.clip(colour * light, 0, 255))
            wide = max(1, round(thick * grown))
            draw.line((*start, *end), tone, wide)
            draw.ellipse((end[0] - wide / 2, end[1] - wide / 2, end[0] + wide / 2, end[1] + wide / 2), tone)


def _strand(rng: np.random.Generator, image: Image.Image, points: _Points) -> None:
    """Cover the forehead or one side by a strand of hair."""
    draw, colour = ImageDraw.Draw(image), hair_colour(rng)
    width, left = float(np.ptp(points[:, 0])), float(points[:, 0].min())
    brow = float(points[17:27, 1].min())
    chin = max(brow, float(points[8, 1]))
    if rng.random() < 0.5:
        low = brow + rng.uniform(-0.1, 0.12) * (chin - brow)
        draw.ellipse((left - 0.1 * width, low - 0.8 * width, left + 1.1 * width, low), colour)
        return
    side = left if rng.random() < 0.5 else left + width
    reach = rng.uniform(0.08, 0.22) * width
    draw.ellipse((side - reach, brow - 0.4 * width, side + reach, chin + 0.3 * width), colour)


_KINDS = (_glasses, _glasses, _hat, _hat, _mask, _hand, _strand)


def occlude(rng: np.random.Generator, image: Image.Image, points: NDArray[np.float32]) -> Image.Image:
    """Cover a face by one or two of sunglasses, hats, masks, hands and hair.

    Args:
        rng: all randomness comes from it.
        image: RGB, the face upright.
        points: (68, 2) x, y in pixels of it.
    """
    covered = image.copy()
    for _ in range(1 if rng.random() < 0.8 else 2):
        _KINDS[int(rng.integers(len(_KINDS)))](rng, covered, points)
    return covered
