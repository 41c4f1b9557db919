"""Non-maximum suppression: of boxes that overlap, the best is kept."""

import numpy as np
from numpy.typing import NDArray

SAME_FACE = 0.4
"""Boxes with a larger intersection over union are of one face."""
_CONTAINED, _NEARLY_AS_LARGE = 0.75, 0.3
"""A box is also of the same face if this share of its area lies in a better one, which shows more of the face; or if it
contains this share of a better one that is nearly as large: at least the second share of its area."""


def intersections_over_union(box: NDArray[np.floating], boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Overlap of one box with others.

    Args:
        box: (4,) left, top, right, bottom.
        boxes: (N, 4).

    Returns:
        (N,) from 0 to 1.
    """
    common, areas, area = _areas(box, boxes)
    return common / (areas + area - common)


def _areas(
    box: NDArray[np.floating], boxes: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Areas of the intersections, of the boxes and of the one box."""
    across = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    down = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.maximum(across, 0) * np.maximum(down, 0), areas, (box[2] - box[0]) * (box[3] - box[1])


def non_maximum_suppression(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Which boxes to keep so that no two are of one face.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,).

    Returns:
        Indices of the boxes kept, best first.
    """
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(left):
        best, left = int(left[0]), left[1:]
        kept.append(best)
        common, areas, area = _areas(boxes[best], boxes[left])
        same = common > SAME_FACE * (areas + area - common)
        same |= common > _CONTAINED * areas
        same |= (common > _CONTAINED * area) & (area > _NEARLY_AS_LARGE * areas)
        left = left[~same]
    return np.array(kept, dtype=np.int64)
