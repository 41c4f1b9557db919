"""A second look at proposals of the face finder, in windows where each face has the size that it knows best."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.faces.pose import roll_degrees
from dicface.runtime.face_finder import CellOutputs, FaceFinder
from dicface.runtime.proposals import Proposal, suppressed
from dicface.runtime.suppression import intersections_over_union

LOOK_PX = 96
"""Side of a window, a multiple of 32."""
_FACE_PX = 30.0
"""Longer side of the proposed box in a window."""
_ROLLED_DEGREES = 15.0
"""Faces rolled by more are turned upright in their windows."""
_ROLLED_PX = 144
"""Side of the square that is turned; its corners then stay outside of the window."""
_SAME_FACE = 0.4
"""A box of a window with a larger intersection over union with the proposed one is of the same face."""
_UNSEEN_SCORE = 0.02
"""Least score of a box in a window; a window without one counts as this score."""
_MIRRORED_POINTS = [1, 0, 2, 4, 3]
"""Which landmark of a mirrored face is which: right and left change places."""
_BATCH = 8
"""Windows that go through the network together, each as it is and mirrored."""


class Window(NamedTuple):
    """A window about a proposed box, in whose middle the box lies.

    Attributes:
        pixels: (96, 96, 3) uint8 RGB; beyond the photo its border is repeated.
        x, y: middle of the window, in pixels of the photo, edges.
        factor: pixels of the photo in a pixel of the window.
        roll_degrees: by how much the photo was turned anticlockwise about the middle.
    """

    pixels: NDArray[np.uint8]
    x: float
    y: float
    factor: float
    roll_degrees: float = 0.0

    def to_photo(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points of the window in the photo.

        Args:
            points: (..., 2) x, y in pixels of the window, edges.
        """
        angle = math.radians(self.roll_degrees)
        matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turned = (points - LOOK_PX / 2) @ matrix.T * self.factor
        return (turned + np.array([self.x, self.y])).astype(np.float32)


def look_again(finder: FaceFinder, pixels: NDArray[np.uint8], proposals: Sequence[Proposal]) -> list[Proposal]:
    """Look at each proposal enlarged or reduced to a side of 30 px, upright, as it is and mirrored.

    Args:
        finder: the face finder.
        pixels: (H, W, 3) uint8 RGB.
        proposals: found in them.

    Returns:
        Those that are seen again, with the scores, boxes and landmarks of the second look; best first, each face once.
    """
    photo = Image.fromarray(np.ascontiguousarray(pixels))
    again: list[Proposal] = []
    for at in range(0, len(proposals), _BATCH):
        some = proposals[at : at + _BATCH]
        windows = [cut_window(photo, proposal) for proposal in some]
        stack = np.stack([window.pixels for window in windows])
        looks = [CellOutputs(*cells) for cells in zip(*finder.run(stack), strict=True)]
        mirrored = [unmirrored(CellOutputs(*cells)) for cells in zip(*finder.run(stack[:, :, ::-1]), strict=True)]
        for proposal, window, pair in zip(some, windows, zip(looks, mirrored, strict=True), strict=True):
            face = join_looks([find_again(look, window, proposal) for look in pair])
            again += [] if face is None else [face]
    return suppressed(again)


def cut_window(photo: Image.Image, proposal: Proposal) -> Window:
    """Cut a proposed face and its surroundings out of a photo, upright.

    Args:
        photo: RGB.
        proposal: the face.
    """
    left, top, right, bottom = proposal.box.tolist()
    x, y = (left + right) / 2, (top + bottom) / 2
    factor, roll = max(right - left, bottom - top) / _FACE_PX, roll_degrees(proposal.points)
    if abs(roll) <= _ROLLED_DEGREES:
        return Window(_surroundings(photo, x, y, factor, LOOK_PX), x, y, factor)
    wide = Image.fromarray(_surroundings(photo, x, y, factor, _ROLLED_PX))
    border = (_ROLLED_PX - LOOK_PX) // 2
    upright = wide.rotate(roll, Image.Resampling.BICUBIC)
    return Window(np.asarray(upright)[border:-border, border:-border], x, y, factor, roll)


def _surroundings(photo: Image.Image, x: float, y: float, factor: float, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) uint8: a part of the photo about a point; beyond the photo its border is repeated."""
    columns = _inside(x - factor * side / 2, factor, side, photo.width)
    rows = _inside(y - factor * side / 2, factor, side, photo.height)
    part = columns.start_px, rows.start_px, columns.stop_px, rows.stop_px
    size = columns.stop - columns.start, rows.stop - rows.start
    # A face of several hundred pixels is reduced by a box filter first.
    pixels = np.asarray(photo.resize(size, Image.Resampling.BICUBIC, box=part, reducing_gap=3.0))
    beyond = ((rows.start, side - rows.stop), (columns.start, side - columns.stop), (0, 0))
    return np.pad(pixels, beyond, mode="edge")


class _Inside(NamedTuple):
    """Part of a window's row that shows the photo: its pixels in the window, and its extent in the photo."""

    start: int
    stop: int
    start_px: float
    stop_px: float


def _inside(corner: float, factor: float, side: int, length: int) -> _Inside:
    """Part of a window's row or column that shows the photo, at least one pixel.

    Args:
        corner: first edge of the window in pixels of the photo.
        factor: pixels of the photo in a pixel of the window.
        side, length: number of pixels of the window and of the photo.
    """
    start = min(max(0, math.ceil(-corner / factor)), side - 1)
    stop = max(min(side, math.floor((length - corner) / factor)), start + 1)
    start_px = min(max(0.0, corner + factor * start), length - 1.0)
    return _Inside(start, stop, start_px, min(float(length), max(corner + factor * stop, start_px + 1)))


def unmirrored(look: CellOutputs) -> CellOutputs:
    """Output for a window from the output for the mirrored window.

    Args:
        look: of one window: (24, 24), (4, 24, 24) and (10, 24, 24).
    """
    left, top, right, bottom = look.boxes[..., ::-1]
    points = look.points[..., ::-1].reshape(-1, 2, *look.scores.shape)[_MIRRORED_POINTS]
    across, down = LOOK_PX - points[:, 0], points[:, 1]
    return CellOutputs(
        look.scores[:, ::-1],
        np.stack([LOOK_PX - right, top, LOOK_PX - left, bottom]),
        np.stack([across, down], axis=1).reshape(look.points.shape),
    )


def find_again(look: CellOutputs, window: Window, proposal: Proposal) -> Proposal | None:
    """The best face of a window that overlaps the proposed one.

    Args:
        look: what the network says of the window.
        window: the window.
        proposal: the proposed face.

    Returns:
        The face, or None if the network sees none there. Of a face that was turned upright only the place of the box
        changes, since its sides are those of the turned face.
    """
    rows, columns = np.nonzero(look.scores >= _UNSEEN_SCORE)
    boxes = look.boxes[:, rows, columns].T
    half = (proposal.box[2:] - proposal.box[:2]) / (2 * window.factor)
    expected = np.concatenate([LOOK_PX / 2 - half, LOOK_PX / 2 + half])
    scores = np.where(intersections_over_union(expected, boxes) > _SAME_FACE, look.scores[rows, columns], 0)
    if not scores.any():
        return None
    best = int(scores.argmax())
    low, high = boxes[best, :2], boxes[best, 2:]
    reach = half if window.roll_degrees else (high - low) / 2
    middle = window.to_photo((low + high) / 2)
    box = np.concatenate([middle - window.factor * reach, middle + window.factor * reach]).astype(np.float32)
    points = window.to_photo(look.points[:, rows[best], columns[best]].reshape(-1, 2))
    return Proposal(box, float(scores[best]), points)


def join_looks(faces: Sequence[Proposal | None]) -> Proposal | None:
    """Join several looks at one face: mean box, mean landmarks, and mean log odds of the scores.

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
