"""A second look at proposals of the face finder, in windows where each face has the size that it knows best."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.runtime.proposals import Proposal
from dicface.runtime.suppression import intersections_over_union

WINDOW_PX = 96
"""Side of a window, a multiple of 32."""
_FACE_PX = 30.0
"""Longer side of the proposed box in a window."""
_SAME_FACE = 0.4
"""A box of a window with a larger intersection over union with the proposed one is of the same face."""
_UNSEEN_SCORE = 0.02
"""Score where a window shows no such box, and least score of one."""
_MIRRORED_POINTS = (1, 0, 2, 4, 3)
"""Which landmark of a mirrored face is which: right and left change places."""


class Window(NamedTuple):
    """A window about a proposed box.

    Attributes:
        pixels: (96, 96, 3) uint8 RGB; beyond the photo its border is repeated.
        left, top: corner of the window, in pixels of the photo, edges.
        factor: pixels of the photo in a pixel of the window.
    """

    pixels: NDArray[np.uint8]
    left: float
    top: float
    factor: float


class Look(NamedTuple):
    """What the network says of one window.

    Attributes:
        scores: (24, 24) float32 from 0 to 1.
        boxes: (4, 24, 24) float32, in pixels of the window, edges.
        points: (10, 24, 24) float32, likewise.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]

    def mirrored(self) -> "Look":
        """The same of the mirrored window."""
        left, top, right, bottom = self.boxes[..., ::-1]
        points = self.points[..., ::-1].reshape(-1, 2, *self.scores.shape)[list(_MIRRORED_POINTS)]
        across, down = WINDOW_PX - points[:, 0], points[:, 1]
        return Look(
            self.scores[:, ::-1],
            np.stack([WINDOW_PX - right, top, WINDOW_PX - left, bottom]),
            np.stack([across, down], axis=1).reshape(self.points.shape),
        )


def cut_window(photo: Image.Image, box: NDArray[np.floating]) -> Window:
    """Cut the surroundings of a box out of a photo.

    Args:
        photo: RGB.
        box: (4,) left, top, right, bottom, in pixels of the photo, edges.
    """
    left, top, right, bottom = box.tolist()
    factor = max(right - left, bottom - top) / _FACE_PX
    reach = factor * WINDOW_PX / 2
    left, top = (left + right) / 2 - reach, (top + bottom) / 2 - reach
    columns, rows = _inside(left, factor, photo.width), _inside(top, factor, photo.height)
    part = columns.start_px, rows.start_px, columns.stop_px, rows.stop_px
    size = columns.stop - columns.start, rows.stop - rows.start
    # A face of several hundred pixels is reduced by a box filter first.
    pixels = np.asarray(photo.resize(size, Image.Resampling.BICUBIC, box=part, reducing_gap=3.0))
    beyond = ((rows.start, WINDOW_PX - rows.stop), (columns.start, WINDOW_PX - columns.stop), (0, 0))
    return Window(np.pad(pixels, beyond, mode="edge"), left, top, factor)


class _Inside(NamedTuple):
    """Where a side of a window shows the photo: pixels of the window, and what they show in pixels of the photo."""

    start: int
    stop: int
    start_px: float
    stop_px: float


def _inside(corner: float, factor: float, length: int) -> _Inside:
    """At least one pixel of the window, and one of the photo."""
    start = min(max(0, math.ceil(-corner / factor)), WINDOW_PX - 1)
    stop = max(min(WINDOW_PX, math.floor((length - corner) / factor)), start + 1)
    start_px = min(max(0.0, corner + factor * start), length - 1.0)
    return _Inside(start, stop, start_px, min(float(length), max(corner + factor * stop, start_px + 1)))


def find_again(look: Look, window: Window, box: NDArray[np.floating]) -> Proposal | None:
    """The best face of a window that overlaps the proposed one.

    Args:
        look: what the network says of the window.
        window: the window.
        box: (4,) the proposed box, in pixels of the photo.

    Returns:
        The face, or None if the network sees none there.
    """
    rows, columns = np.nonzero(look.scores >= _UNSEEN_SCORE)
    corner = np.array([window.left, window.top], dtype=np.float32)
    boxes = look.boxes[:, rows, columns].T * np.float32(window.factor) + np.tile(corner, 2)
    scores = np.where(intersections_over_union(box, boxes) > _SAME_FACE, look.scores[rows, columns], 0)
    if not scores.any():
        return None
    best = int(scores.argmax())
    points = look.points[:, rows[best], columns[best]].reshape(-1, 2) * np.float32(window.factor) + corner
    return Proposal(boxes[best], float(scores[best]), points)


def join_looks(faces: Sequence[Proposal | None]) -> Proposal | None:
    """One face of several looks at it: the mean box and landmarks, and the mean of the scores as log odds.

    Args:
        faces: of each look; None where it shows none.
    """
    seen = [face for face in faces if face is not None]
    if not seen:
        return None
    scores = [_UNSEEN_SCORE if face is None else min(face.score, 1 - 1e-6) for face in faces]
    odds = sum(math.log(score / (1 - score)) for score in scores) / len(scores)
    box, points = (np.mean(parts, axis=0) for parts in zip(*((face.box, face.points) for face in seen), strict=True))
    return Proposal(box, 1 / (1 + math.exp(-odds)), points)
