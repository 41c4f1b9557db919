"""Where the face and the landmarks of examples/portrait.jpg are."""

import numpy as np

from dicface.faces.detection import Detector
from dicface.faces.geometry import Box, intersection_over_union

# About the landmarks of the face, in pixels of 512.
PORTRAIT_FACE = Box(173, 83, 279, 188)

# Read off the enlarged picture by hand, x and y in its pixels.
PORTRAIT_POINTS = {
    8: (222, 178),  # chin
    30: (223, 127),  # tip of the nose
    36: (193, 101),  # corners of the eyes
    39: (211, 103),
    42: (238, 105),
    45: (258, 104),
    48: (202, 139.5),  # corners of the mouth
    54: (247.5, 138.5),
}


def faces_in(detect: Detector, photo: np.ndarray, left: float = 0, top: float = 0, scale: float = 1) -> int:
    """How many detections are the portrait's face, for a portrait put at a place of the photo."""
    wanted = Box(*(edge * scale + corner for edge, corner in zip(PORTRAIT_FACE, (left, top) * 2, strict=True)))
    return sum(intersection_over_union(found.box, wanted) > 0.5 for found in detect(photo))
