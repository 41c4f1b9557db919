"""Facial landmarks: the 68 iBUG points, their heatmaps and their boxes.

Points are (x, y) with pixel centres at integers. Heatmap cell (column, row) is the point (4 column, 4 row) of the
128x128 image, the authors' convention.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ComponentRanges = Sequence[Sequence[tuple[int, int]]]

KEYPOINTS = 68
HEATMAP_SIZE = 32
HEATMAP_STRIDE = 4

# Left eye, right eye, nose, mouth, silhouette with brows; half-open, 0-based.
COMPONENTS_68: ComponentRanges = (
    ((36, 42),),
    ((42, 48),),
    ((27, 36),),
    ((48, 68),),
    ((0, 27),),
)
# Helen's 194 points. As in the released code, each range misses its last point.
COMPONENTS_194: ComponentRanges = (
    ((134, 153), (174, 193)),
    ((114, 133), (154, 173)),
    ((41, 57),),
    ((58, 113),),
    ((0, 40),),
)
COMPONENTS = {KEYPOINTS: COMPONENTS_68, 194: COMPONENTS_194}


def _mirror_order() -> NDArray[np.int64]:
    pairs = [(i, 16 - i) for i in range(8)]
    pairs += [(17 + i, 26 - i) for i in range(5)]
    pairs += [(31, 35), (32, 34)]
    pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)]
    order = np.arange(KEYPOINTS)
    for left, right in pairs:
        order[left], order[right] = right, left
    return order


MIRROR_68 = _mirror_order()
"""(68,) int64: index of each point's mirror image, so that `mirrored = points[MIRROR_68]` after x is reversed."""


def five_points(landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
    """Eyes, tip of the nose and corners of the mouth of 68 landmarks.

    Args:
        landmarks: (68, 2) x, y in any frame.

    Returns:
        (5, 2) in the same frame: middle of the right and the left eye, tip of the nose, right and left corner of the
        mouth, where right is the person's right.
    """
    eyes = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]])


def authors_peaks(heatmaps: NDArray[np.floating]) -> NDArray[np.int64]:
    """Landmarks by the authors' rule, for comparison with their numbers.

    Row and column of the highest cell times 4, each +1 if the second highest cell lies further on that axis, else -1.

    Args:
        heatmaps: (..., 32, 32) float.

    Returns:
        (..., 2) int64 x, y in pixels of the 128x128 image.
    """
    flat = heatmaps.reshape(*heatmaps.shape[:-2], -1)
    order = np.argsort(flat, axis=-1, kind="stable")
    first, second = order[..., -1], order[..., -2]
    size = heatmaps.shape[-1]
    points = np.stack([first % size, first // size], axis=-1)
    others = np.stack([second % size, second // size], axis=-1)
    return points * HEATMAP_STRIDE + np.where(others > points, 1, -1)


def decode_heatmaps(heatmaps: NDArray[np.floating]) -> NDArray[np.float32]:
    """Landmarks to a fraction of a cell: the centroid of the 5x5 cells about the highest one.

    Args:
        heatmaps: (..., 32, 32) float; negative values count as zero.

    Returns:
        (..., 2) float32 x, y in pixels of the 128x128 image, pixel centres at integers.
    """
    size, reach = heatmaps.shape[-1], 2
    maps = np.maximum(np.asarray(heatmaps, dtype=np.float32).reshape(-1, size, size), 0)
    peak = maps.reshape(len(maps), -1).argmax(axis=1)
    cells = np.arange(size)
    near_row = np.abs(cells[None] - (peak // size)[:, None]) <= reach
    near_column = np.abs(cells[None] - (peak % size)[:, None]) <= reach
    window = maps * near_row[:, :, None] * near_column[:, None, :] + 1e-12 * (
        near_row[:, :, None] & near_column[:, None, :]
    )
    total = window.sum(axis=(1, 2))
    x = (window.sum(axis=1) * cells).sum(axis=1) / total
    y = (window.sum(axis=2) * cells).sum(axis=1) / total
    points = np.stack([x, y], axis=-1) * HEATMAP_STRIDE
    return points.reshape(*heatmaps.shape[:-2], 2).astype(np.float32)
