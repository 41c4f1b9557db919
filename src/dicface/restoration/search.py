"""The faces of a photo: given as boxes, or detected."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import Detector
from dicface.faces.geometry import Box


class Located(NamedTuple):
    """A given or detected face.

    Attributes:
        box: brows to chin, in pixels of the photo, edges.
        score: the detector's confidence; None for a given box.
    """

    box: Box
    score: float | None = None


def check_box(box: Box, width: int, height: int) -> None:
    """Check that a box is not empty and has its centre in the photo; it may reach beyond the edge.

    Raises:
        UsageError: it is empty, or its centre lies outside.
    """
    values = ",".join(f"{edge:g}" for edge in box)
    if not (box.left < box.right and box.top < box.bottom):
        raise UsageError(f"expected a box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {values}")
    if not (0 < box.left + box.right < 2 * width and 0 < box.top + box.bottom < 2 * height):
        raise UsageError(f"expected a box whose centre lies in the photo of {width}x{height} px, got {values}")


def find_faces(pixels: NDArray[np.uint8], detect: Detector, boxes: Sequence[Box] | None = None) -> list[Located]:
    """Locate the faces of a photo.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        detect: the detector; not called if there are boxes.
        boxes: known faces, in pixels of the photo.

    Raises:
        UsageError: a box is empty, or its centre does not lie in the photo.
    """
    if boxes is None:
        return [Located(detection.box, detection.score) for detection in detect(pixels)]
    given = [Located(Box(*box)) for box in boxes]
    for face in given:
        check_box(face.box, pixels.shape[1], pixels.shape[0])
    return given
