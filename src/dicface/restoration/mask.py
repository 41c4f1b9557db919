"""Masks for blending a restored face into the photo: they follow the outline of the landmarks, with a soft edge."""

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square
from dicface.images.pixels import FACE_PX

SOFT_EDGE = 0.22
"""Width of the soft edge outside of the outline, as a share of the crop's side (ADR 36)."""
_BORDER = 0.15
"""Width of the soft edge along the crop's border, as a share of its side."""
_SMALLEST_AREA = 0.2
"""Smallest outline that is followed, as a share of the crop: smaller ones come from landmarks of no face."""
_JAW, _BROWS = slice(0, 17), slice(17, 27)
_CHIN, _NOSE_BASE = 8, 33


def square_mask() -> NDArray[np.float32]:
    """Mask of a crop whose landmarks are not known: 1 inside, falling to 0 at the border. (128, 128) float32."""
    return _border_mask()


def outline_mask(
    landmarks: NDArray[np.floating], square: Square, *, soft_edge: float = SOFT_EDGE
) -> NDArray[np.float32]:
    """Mask of a face: 1 within jaw, brows and forehead, falling to 0 outside of them, and at the border of the crop.

    The outline is the convex hull of jaw and brows, and of the brows raised by the height from brows to the base of the
    nose, which is about that of a forehead.

    Args:
        landmarks: (68, 2) x, y in pixels of the photo, pixel centres at integers.
        square: the crop.
        soft_edge: width of the edge outside of the outline, as a share of the crop's side.

    Returns:
        (128, 128) float32, 0 to 1, in the frame of the crop; `square_mask` if the outline is too small for a face.
    """
    points = (landmarks.astype(np.float64) + 0.5 - (square.left, square.top)) / square.side
    hull = convex_hull(np.concatenate([points[_JAW], points[_BROWS], points[_BROWS] + _forehead(points)]))
    if _area(np.clip(hull, 0, 1)) < _SMALLEST_AREA:
        return square_mask()
    inside = _smooth_step(1 - _distance_outside(hull) / soft_edge)
    return inside * _border_mask()


def convex_hull(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Corners of the convex hull of points, in order around it.

    Args:
        points: (K, 2) x, y, not all on a line.

    Returns:
        (M, 2) float64.

    Source: Andrew's monotone chain, 1979.
    """

    def chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for x, y in ordered:
            while len(kept) > 1:
                (x1, y1), (x2, y2) = kept[-2:]
                if (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) > 0:
                    break
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    ordered = sorted({(float(x), float(y)) for x, y in points})
    return np.array(chain(ordered) + chain(ordered[::-1]))


def _forehead(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the brows to the hairline."""
    brows = points[_BROWS].mean(axis=0)
    up = brows - points[_CHIN]
    height = np.linalg.norm(brows - points[_NOSE_BASE])
    return up / max(float(np.linalg.norm(up)), 1e-6) * height


def _area(corners: NDArray[np.float64]) -> float:
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _distance_outside(hull: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each pixel of the crop from a convex outline, 0 inside: (128, 128), in sides of the crop."""
    centres = (np.arange(FACE_PX) + 0.5) / FACE_PX
    pixels = np.stack(np.meshgrid(centres, centres), axis=-1)
    edges = np.roll(hull, -1, axis=0) - hull
    nearest = np.full((FACE_PX, FACE_PX), np.inf)
    inside = np.ones((FACE_PX, FACE_PX), dtype=bool)
    for corner, edge in zip(hull, edges, strict=True):
        to_pixel = pixels - corner
        along = np.clip(to_pixel @ edge / (edge @ edge), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(to_pixel - along[..., None] * edge, axis=-1))
        inside &= edge[0] * to_pixel[..., 1] - edge[1] * to_pixel[..., 0] >= 0
    return np.where(inside, 0, nearest)


def _smooth_step(values: NDArray[np.floating]) -> NDArray[np.float32]:
    edge = np.clip(values, 0, 1)
    return (edge * edge * (3 - 2 * edge)).astype(np.float32)


def _border_mask() -> NDArray[np.float32]:
    """1 inside, falling to 0 at the border of the crop."""
    centres = (np.arange(FACE_PX) + 0.5) / FACE_PX
    ramp = _smooth_step(np.minimum(centres, 1 - centres) / _BORDER)
    return ramp[:, None] * ramp
