"""Photos turned by quarters, and what was found in them turned back."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Box, Square

Quarters = Literal[0, 1, 2, 3]
"""Anticlockwise quarter turns."""


def turn_image(pixels: NDArray[np.uint8], quarters: Quarters) -> NDArray[np.uint8]:
    """A picture turned anticlockwise.

    Args:
        pixels: (H, W, ...) uint8.
        quarters: by how many quarters.

    Returns:
        (H, W, ...) or (W, H, ...) uint8.
    """
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def turn_points_back(points: NDArray[np.floating], quarters: Quarters, height: int, width: int) -> NDArray[np.float32]:
    """Points of a turned picture, in the picture before the turn.

    Args:
        points: (..., 2) x, y in the turned picture, edges.
        quarters: by how many quarters it was turned, anticlockwise.
        height, width: of the picture before the turn.

    Returns:
        (..., 2) float32 x, y, edges.
    """
    x, y = points[..., 0], points[..., 1]
    match quarters:
        case 0:
            turned = x, y
        case 1:
            turned = width - y, x
        case 2:
            turned = width - x, height - y
        case 3:
            turned = y, height - x
    return np.stack(turned, axis=-1).astype(np.float32)


def turn_box_back(box: Box, quarters: Quarters, height: int, width: int) -> Box:
    """A box of a turned picture, in the picture before the turn; see `turn_points_back`."""
    corners = turn_points_back(np.array([box[:2], box[2:]]), quarters, height, width)
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Box(low[0], low[1], high[0], high[1])


def turn_square_back(square: Square, quarters: Quarters, height: int, width: int) -> Square:
    """A crop of a turned picture, in the picture before the turn; see `turn_points_back`."""
    box = turn_box_back(square.box, quarters, height, width)
    return Square(round(box.left), round(box.top), square.side)
