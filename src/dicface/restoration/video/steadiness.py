"""Steady faces: a restored face is averaged over time where the picture stands still, not where it moves (ADR 42)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.faces.geometry import Square
from dicface.images.pixels import luma, resize, smooth

LONGEST_MEMORY = 6.0
"""Largest number of frames that an average is worth."""
STILL_UNTIL, MOVED_FROM = 0.6, 1.8
"""Smoothed change of luma, in grey levels, up to which a pixel stands still, and from which it has moved."""
_MOTION_PX = 64
"""Side of the crop in which motion is measured."""
_BLUR_PX = 1.5
"""Of the change, in pixels of the clip: noise averages out, and motion does not."""
_ITERATIONS, _ENOUGH_PX = 4, 0.03
_LARGEST_SHIFT_PX = 12.0
"""Largest measured motion between two frames, in pixels of the 64 px crop."""
_LEAST_SHIFT_PX, _LEAST_GROWTH = 0.15, 0.003
"""Smaller motion is taken for none, since resampling would blur the average."""
_LARGEST_GROWTH = 0.2
_INNER = np.s_[6:-6, 6:-6]
_FROM_MIDDLE = np.arange(_MOTION_PX) + 0.5 - _MOTION_PX / 2
_DAMPING = (1.0, 1.0, 1.0)
"""Added to the normal equations, so that a crop without texture has no motion."""


class FaceMotion(NamedTuple):
    """How the picture in a crop has moved since the frame before: it has grown about the middle, and been shifted.

    Attributes:
        x, y: shift in pixels of the clip.
        growth: growth as a share; 0 for none.
        middle_x, middle_y: middle of the crop, edges.
    """

    x: float = 0.0
    y: float = 0.0
    growth: float = 0.0
    middle_x: float = 0.0
    middle_y: float = 0.0

    def __call__(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where (..., 2) points of the frame before are now, pixel centres at integers."""
        middle = np.array((self.middle_x, self.middle_y)) - 0.5
        shift = np.array((self.x, self.y))
        return (points + shift - middle) * (1 + self.growth) + middle

    def before(self, square: Square) -> tuple[float, float, float]:
        """Left edge, top edge and side in the frame before of what a crop shows now."""
        side = square.side / (1 + self.growth)
        return self.middle_x - side / 2 - self.x, self.middle_y - side / 2 - self.y, side


class SteadyStep(NamedTuple):
    """One frame of a face.

    Attributes:
        face: (R, R, 3) uint8 RGB, the averaged face.
        motion: of the picture in the crop.
    """

    face: NDArray[np.uint8]
    motion: FaceMotion


class SteadyFace:
    """The running average of one restored face. It holds no frame but the last.

    Args:
        memory: largest number of frames that the average is worth; 1 for no averaging.
    """

    def __init__(self, memory: float = LONGEST_MEMORY) -> None:
        self._memory = memory
        self._square: Square | None = None
        self._face = np.zeros((0, 0, 3), np.float32)
        self._plain = np.zeros((_MOTION_PX, _MOTION_PX), np.float32)
        self._count = np.zeros((_MOTION_PX, _MOTION_PX), np.float32)

    def __call__(self, face: NDArray[np.uint8], crop: NDArray[np.uint8], square: Square) -> SteadyStep:
        """Average a frame in.

        Args:
            face: (R, R, 3) uint8 RGB, the restored face in the colours of the crop.
            crop: (S, S, 3) uint8 RGB, the square of the clip.
            square: where the crop was cut, in pixels of the clip.
        """
        plain = luma(resize(crop, (_MOTION_PX, _MOTION_PX)))
        # A face that grows may come from another model, of another size.
        if self._square is None or face.shape != self._face.shape:
            self._square, self._plain = square, plain
            self._face, self._count = face.astype(np.float32), np.ones((_MOTION_PX, _MOTION_PX), np.float32)
            return SteadyStep(face, FaceMotion())
        motion = self._motion(plain, square)
        box = _box(self._square, square, motion)
        before, inside = _warped(self._plain, box), _is_inside(box, _MOTION_PX)
        still = _stillness(before, plain, square.side) * inside
        count = np.minimum(_warped(self._count, box) * still + 1, np.float32(self._memory))
        history = np.stack([_warped(self._face[:, :, k], box) for k in range(3)], axis=2)
        self._face = np.asarray(history + (face - history) / _enlarged(count, face.shape[0])[:, :, None], np.float32)
        self._plain = np.asarray(before + (plain - before) / count, np.float32)
        self._count, self._square = count, square
        return SteadyStep(np.rint(np.clip(self._face, 0, 255)).astype(np.uint8), motion)

    def forget(self) -> None:
        """Begin again with the next frame."""
        self._square = None

    def _motion(self, plain: NDArray[np.float32], square: Square) -> FaceMotion:
        """Shift and growth of the picture in the crop since the frame before, by least squares.

        Source: Lucas and Kanade, "An iterative image registration technique with an application to stereo vision",
        1981; for one shift and growth of the whole crop.
        """
        assert self._square is not None
        middle = square.left + square.side / 2, square.top + square.side / 2
        per_px = square.side / _MOTION_PX
        found, motion = np.zeros(3), FaceMotion(0.0, 0.0, 0.0, *middle)
        for _ in range(_ITERATIONS):
            before = _warped(self._plain, _box(self._square, square, motion))
            down, across = np.gradient(before)
            slopes = np.stack([across, down, across * _FROM_MIDDLE[None] + down * _FROM_MIDDLE[:, None]], axis=2)
            slopes = slopes[_INNER].reshape(-1, 3).astype(np.float64)
            change = (plain - before)[_INNER].ravel().astype(np.float64)
            step = np.linalg.solve(slopes.T @ slopes + np.diag(_DAMPING), -slopes.T @ change)
            found += step
            motion = FaceMotion(found[0] * per_px, found[1] * per_px, found[2], *middle)
            if np.abs(step[:2]).max() < _ENOUGH_PX:
                break
        shift, growth = np.abs(found[:2]).max(), abs(found[2])
        is_none = shift < _LEAST_SHIFT_PX and growth < _LEAST_GROWTH
        too_much = shift > _LARGEST_SHIFT_PX or growth > _LARGEST_GROWTH
        return FaceMotion(0.0, 0.0, 0.0, *middle) if is_none or too_much else motion


def _box(old: Square, new: Square, motion: FaceMotion) -> tuple[float, float, float, float]:
    """Where the pixels of a new crop lie in the old one, as shares of its side."""
    left, top, side = motion.before(new)
    left, top, side = (left - old.left) / old.side, (top - old.top) / old.side, side / old.side
    return left, top, left + side, top + side


def _warped(values: NDArray[np.float32], box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Resample a square image to a box of it; 0 outside."""
    if box == (0.0, 0.0, 1.0, 1.0):
        return values
    side = values.shape[0]
    edges = tuple(edge * side for edge in box)
    image = Image.fromarray(values)
    return np.asarray(image.transform((side, side), Image.Transform.EXTENT, edges, Image.Resampling.BICUBIC))


def _is_inside(box: tuple[float, float, float, float], side: int) -> NDArray[np.float32]:
    """1 where a box lies in the image, 0 outside and within a pixel of its border: (side, side)."""
    share = (np.arange(side) + 0.5) / side
    across, down = box[0] + share * (box[2] - box[0]), box[1] + share * (box[3] - box[1])
    least = 0.0 if box == (0.0, 0.0, 1.0, 1.0) else 1 / side
    columns, rows = (((line >= least) & (line <= 1 - least)).astype(np.float32) for line in (across, down))
    return np.outer(rows, columns)


def _stillness(before: NDArray[np.float32], now: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """1 where the luma of a crop stays, 0 where it changes."""
    change = np.abs(smooth(now - before, max(0.8, _BLUR_PX * _MOTION_PX / side)))
    return np.clip((MOVED_FROM - change) / (MOVED_FROM - STILL_UNTIL), 0, 1).astype(np.float32)


def _enlarged(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BILINEAR))
