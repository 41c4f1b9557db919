"""Landmarks of large faces in photos."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Box, Square, cut, square_of_box, square_of_landmarks, to_photo
from dicface.images.pixels import FACE_PX, resize
from dicface.runtime.landmark_model import LandmarkModel


class PhotoLandmarks(NamedTuple):
    """Landmarks of one face of a photo.

    Attributes:
        points: (68, 2) float32 x, y in pixels of the photo, pixel centres at integers.
        heatmap_confidence: (68,) float32, about 1 where the model is sure.
    """

    points: NDArray[np.float32]
    heatmap_confidence: NDArray[np.float32]


def locate(model: LandmarkModel, pixels: NDArray[np.uint8], box: Box, *, passes: int = 2) -> PhotoLandmarks:
    """Find the landmarks of a face in a photo.

    A detector's box only approximates that of the landmarks. Each further pass cuts the face out by the landmarks of
    the previous pass, as the model's training faces were cut.

    Args:
        model: model for sharp faces.
        pixels: (H, W, 3) uint8 RGB.
        box: box of the face, brows to chin.
        passes: number of passes, at least 1.
    """
    square = square_of_box(box)
    for _ in range(passes - 1):
        square = square_of_landmarks(_locate_in(model, pixels, square).points)
    return _locate_in(model, pixels, square)


def _locate_in(model: LandmarkModel, pixels: NDArray[np.uint8], square: Square) -> PhotoLandmarks:
    found = model(resize(cut(pixels, square), (FACE_PX, FACE_PX))[None])
    return PhotoLandmarks(to_photo(found.points[0], square), found.heatmap_confidence[0])
