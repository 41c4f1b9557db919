"""Boxes and square crops in photos, and points between their frames.

Boxes are in pixels of the photo with edges at integers: 0 is the outer edge of the first pixel. Landmarks have pixel
centres at integers, as everywhere.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.images.pixels import FACE_PX

ENLARGEMENT = 1.3
"""Side of a crop, relative to the landmarks' square. Source: the released code's preparation."""


class Box(NamedTuple):
    """A rectangle in a photo, in pixels, edges."""

    left: float
    top: float
    right: float
    bottom: float


class Square(NamedTuple):
    """A square crop of whole pixels, which needs no resampling. It may reach beyond the photo."""

    left: int
    top: int
    side: int

    @property
    def box(self) -> Box:
        """The square as a box."""
        return Box(self.left, self.top, self.left + self.side, self.top + self.side)


def _square_about(box: Box, enlargement: float) -> Square:
    side = max(1, round(max(box.right - box.left, box.bottom - box.top) * enlargement))
    left = round((box.left + box.right - side) / 2)
    top = round((box.top + box.bottom - side) / 2)
    return Square(left, top, side)


def landmark_box(landmarks: NDArray[np.floating]) -> Box:
    """Smallest box that contains all landmarks.

    Args:
        landmarks: (K, 2) x, y in pixels of the photo, pixel centres at integers.
    """
    low, high = landmarks.min(axis=0) + 0.5, landmarks.max(axis=0) + 0.5
    return Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def square_of_landmarks(landmarks: NDArray[np.floating], enlargement: float = ENLARGEMENT) -> Square:
    """The training recipe's crop: the landmarks' box made square about its centre and enlarged by 0.3.

    Args:
        landmarks: (K, 2) x, y in pixels of the photo, pixel centres at integers.
        enlargement: side of the crop, relative to the landmarks' square.

    Source: the released code's preparation; not clipped to the photo, see `cut`.
    """
    return _square_about(landmark_box(landmarks), enlargement)


def square_of_box(box: Box) -> Square:
    """The crop of a face whose box goes from brows to chin, which is taken for the landmarks' box."""
    return _square_about(box, ENLARGEMENT)


def cut(pixels: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
    """Copy a square out of a photo. Beyond the edge, the nearest pixel is repeated.

    Args:
        pixels: (H, W, 3) uint8.
        square: the crop.

    Returns:
        (side, side, 3) uint8.
    """
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(square.top, square.top + square.side), 0, height - 1)
    columns = np.clip(np.arange(square.left, square.left + square.side), 0, width - 1)
    return pixels[rows[:, None], columns]


def to_photo(landmarks: NDArray[np.floating], square: Square, face_px: int = FACE_PX) -> NDArray[np.float32]:
    """Transform landmarks from the image that a network made or saw of a crop to the photo.

    Args:
        landmarks: (..., 2) x, y in pixels of that image, pixel centres at integers.
        square: the crop.
        face_px: side of that image.

    Returns:
        (..., 2) float32 x, y in pixels of the photo, pixel centres at integers.
    """
    corner = np.array([square.left, square.top])
    return ((landmarks + 0.5) * (square.side / face_px) + corner - 0.5).astype(np.float32)


def intersection_over_union(one: Box, other: Box) -> float:
    """Overlap of two boxes: 0 if they do not touch, 1 if they are the same."""
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(0.0, across) * max(0.0, down)
    areas = sum((box.right - box.left) * (box.bottom - box.top) for box in (one, other))
    return common / (areas - common)
