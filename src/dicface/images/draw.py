"""Drawings: landmarks and boxes in images, images side by side, contact sheets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_DOT = (64, 255, 96)
_CAPTION_PX = 14


def draw_landmarks(pixels: NDArray[np.uint8], landmarks: NDArray[np.floating], radius: int = 1) -> NDArray[np.uint8]:
    """Draw a dot at each landmark.

    Args:
        pixels: (H, W, 3) uint8 RGB; not changed.
        landmarks: (K, 2) x, y in pixels, pixel centres at integers.
        radius: radius of a dot in pixels.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    # Pillow truncates fractions.
    for x, y in np.rint(landmarks).astype(int).tolist():
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_DOT)
    return np.asarray(image)


def draw_labelled_boxes(
    pixels: NDArray[np.uint8],
    boxes: Sequence[Sequence[float]],
    labels: Sequence[str],
    colours: Sequence[tuple[int, int, int]],
) -> NDArray[np.uint8]:
    """Draw a frame around each box, and its label on a plate of the frame's colour above it.

    Args:
        pixels: (H, W, 3) uint8 RGB; not changed.
        boxes: left, top, right, bottom in pixels, edges.
        labels: one for each box.
        colours: one for each box, RGB.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    line = max(2, round(max(image.size) / 500))
    font = ImageFont.load_default(max(14, round(max(image.size) / 55)))
    for box, colour in zip(boxes, colours, strict=True):
        pen.rectangle(tuple(box), outline=colour, width=line)
    # Plates come last, so that no frame crosses a label.
    for (left, top, *_), label, colour in zip(boxes, labels, colours, strict=True):
        across, down = pen.textbbox((0, 0), label, font=font)[2:]
        x = min(max(0, left), image.width - across - 2 * line)
        y = min(max(0, top - down - 2 * line), image.height - down - 2 * line)
        pen.rectangle((x, y, x + across + 2 * line, y + down + 2 * line), fill=colour)
        pen.text((x + line, y + line), label, fill=(0, 0, 0), font=font)
    return np.asarray(image)


def add_legend(
    pixels: NDArray[np.uint8], texts: Sequence[str], colours: Sequence[tuple[int, int, int]]
) -> NDArray[np.uint8]:
    """Add lines of text below an image, each after a swatch of its colour; the text is cut to the image's width.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        texts: the lines.
        colours: one for each line, RGB.

    Returns:
        (H + lines, W, 3) uint8 RGB.
    """
    height, width = pixels.shape[:2]
    size = max(13, round(max(height, width) / 60))
    font, row = ImageFont.load_default(size), round(1.6 * size)
    image = Image.new("RGB", (width, height + row * len(texts)), (24, 24, 24))
    image.paste(Image.fromarray(pixels), (0, 0))
    pen = ImageDraw.Draw(image)
    for number, (text, colour) in enumerate(zip(texts, colours, strict=True)):
        top = height + number * row + (row - size) // 2
        pen.rectangle((size // 2, top, size // 2 + size, top + size), fill=colour)
        pen.text((2 * size, top), text, fill=(255, 255, 255), font=font)
    return np.asarray(image)


def side_by_side(images: list[NDArray[np.uint8]], gap: int = 2) -> NDArray[np.uint8]:
    """Images of equal height in a row, with a white gap in pixels between them."""
    spacer = np.full((images[0].shape[0], gap, 3), 255, dtype=np.uint8)
    row = [part for image in images for part in (image, spacer)][:-1]
    return np.concatenate(row, axis=1)


def contact_sheet(tiles: list[NDArray[np.uint8]], captions: list[str], columns: int = 12) -> NDArray[np.uint8]:
    """Images of equal size in rows, each with a caption below.

    Args:
        tiles: (H, W, 3) uint8 RGB each, at least one.
        captions: one per tile; a long one is cut off at the front.
        columns: tiles per row.

    Returns:
        (rows * (H + 14), columns * W, 3) uint8 RGB; fewer columns if there are fewer tiles.
    """
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * width, rows * (height + _CAPTION_PX)))
    pen = ImageDraw.Draw(sheet)
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = number % columns * width, number // columns * (height + _CAPTION_PX)
        sheet.paste(Image.fromarray(tile), (left, top))
        fits = next(cut for cut in range(len(caption) + 1) if pen.textlength(caption[cut:]) <= width - 4)
        pen.text((left + 2, top + height + 1), caption[fits:], fill=(255, 255, 255))
    return np.asarray(sheet)
