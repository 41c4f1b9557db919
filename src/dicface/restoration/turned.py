"""Faces of a turned photo, in the frame of the photo before the turn."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.faces.turns import Quarters, turn_box_back, turn_points_back, turn_square_back
from dicface.restoration.results import Face


def turn_face_back(face: Face, quarters: Quarters, height: int, width: int) -> Face:
    """A face of a turned photo, in the frame of the photo before the turn.

    Args:
        face: the face.
        quarters: by how many quarters the photo was turned, anticlockwise.
        height, width: of the photo before the turn, in pixels.
    """

    def back(images: NDArray[Any], axes: tuple[int, int]) -> NDArray[Any]:
        return np.ascontiguousarray(np.rot90(images, -quarters, axes))

    points = face.landmarks
    return replace(
        face,
        box=turn_box_back(face.box, quarters, height, width),
        square=turn_square_back(face.square, quarters, height, width),
        landmarks=None if points is None else turn_points_back(points + 0.5, quarters, height, width) - 0.5,
        steps=None if face.steps is None else back(face.steps, (1, 2)),
        uncertainty=None if face.uncertainty is None else back(face.uncertainty, (0, 1)),
    )
