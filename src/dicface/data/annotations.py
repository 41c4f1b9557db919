"""Landmark files that come with photos."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.errors import InputError
from dicface.landmarks import KEYPOINTS


def read_pts(path: Path) -> NDArray[np.float32]:
    """Landmarks from an iBUG `.pts` file.

    Args:
        path: text file with `version`, `n_points` and a brace-enclosed list of 1-based pixel coordinates.

    Returns:
        (68, 2) float32 x, y in pixels of the photo, pixel centres at integers from 0.

    Raises:
        InputError: unreadable, or not 68 points.
    """
    try:
        body = path.read_text(encoding="ascii").partition("{")[2].partition("}")[0]
        points = np.array(body.split(), dtype=np.float32).reshape(-1, 2)
    except (OSError, ValueError) as error:
        raise InputError(f"expected an iBUG .pts file, could not read {path.name!r}: {error}") from error
    if len(points) != KEYPOINTS:
        raise InputError(f"expected {KEYPOINTS} points in {path.name!r}, got {len(points)}")
    return points - 1
