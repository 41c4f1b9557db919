"""Roll and yaw of a face, from its five landmarks."""

import math

import numpy as np
from numpy.typing import NDArray

_NOSE_DEPTH = 0.4
"""By how much the tip of the nose stands out before the eyes, in distances between the eyes."""


def roll_degrees(points: NDArray[np.floating]) -> float:
    """Roll, the turn in the picture plane: 0 upright, positive clockwise as the picture is seen, from -180 to 180.

    Args:
        points: (5, 2) x, y of the right and left eye, the tip of the nose, the right and left corner of the mouth.
    """
    down = points[3:5].mean(axis=0) - points[:2].mean(axis=0)
    return math.degrees(math.atan2(-down[0], down[1]))


def yaw_degrees(points: NDArray[np.floating]) -> float:
    """Yaw, the turn to the side: 0 from the front, positive towards the right of the picture, from -90 to 90.

    The nose of a face that is turned lies off the middle of its eyes, by as much as it stands out times the sine of the
    turn, and the eyes move together by the cosine. Rough: noses differ.

    Args:
        points: as for `roll_degrees`.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:5].mean(axis=0)
    down = (mouth - eyes) / max(1e-6, float(np.linalg.norm(mouth - eyes)))
    across = np.array([down[1], -down[0]])
    apart = float((points[1] - points[0]) @ across)
    aside = float((points[2] - (eyes + mouth) / 2) @ across)
    return math.degrees(math.atan2(aside, _NOSE_DEPTH * max(1e-6, apart)))
