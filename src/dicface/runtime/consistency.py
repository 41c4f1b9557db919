"""Data consistency: deviation of a reduced result from its input, and back-projection.

A restored face that is reduced again should give its low-resolution input. Reduction is Pillow's bicubic, as in
training; the high-resolution face satisfies this by definition.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.images.pixels import resize
from dicface.runtime.face_model import FaceSteps
from dicface.runtime.upscalers import Upscaler

# Rounding to 8 bits, once in the face and twice in Pillow's reduction, is compensated by integral feedback. Its gain
# decreases over the rounds, since large faces would oscillate.
_FEEDBACK = 0.15
_SETTLING_ROUNDS = 20
_MOST_ROUNDS = 200


@lru_cache
def _reduction(side: int, face_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pillow's bicubic reduction of a line as a matrix (side, face_px), and its pseudo-inverse."""
    unit = Image.fromarray(np.eye(face_px, dtype=np.float32))
    matrix = np.asarray(unit.resize((face_px, side), Image.Resampling.BICUBIC), dtype=np.float64)
    return matrix, np.linalg.pinv(matrix).astype(np.float64)


def _both_ways(matrix: NDArray[np.float64], image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Resize along both axes by a matrix: (side, side, 3) float64 -> (other, other, 3) float64."""
    return np.matmul(matrix, np.matmul(image.transpose(2, 0, 1), matrix.T)).transpose(1, 2, 0)


def deviation(sr: NDArray[np.uint8], lr: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Difference between the reduction of a face and its input.

    Args:
        sr: (R, R, 3) uint8 RGB.
        lr: (S, S, 3) uint8 RGB.

    Returns:
        (S, S, 3) int16 in grey levels, positive where the reduction is too bright.
    """
    side = lr.shape[0]
    return resize(sr, (side, side)).astype(np.int16) - lr


def back_project_exactly(sr: NDArray[np.uint8], lr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Project a face onto the nearest one that reduces to the input exactly.

    Nearest by the sum of squared differences, except for rounding and clipping: the face is projected onto the faces
    whose reduction, computed without rounding, is the input, and then rounded.

    Args:
        sr: (R, R, 3) uint8 RGB.
        lr: (S, S, 3) uint8 RGB, S at most R.

    Returns:
        (R, R, 3) uint8 RGB. Where no face of 0 to 255 reduces to the input, as for a checkerboard of black and
        white, the best that was found.

    Source: ADR 18; not in the paper.
    """
    matrix, inverse = _reduction(lr.shape[0], sr.shape[0])
    face, goal = sr.astype(np.float64), lr.astype(np.float64)
    best, wrong = sr, int(np.count_nonzero(deviation(sr, lr)))
    for attempt in range(_MOST_ROUNDS):
        if wrong == 0:
            break
        face = np.clip(face + _both_ways(inverse, goal - _both_ways(matrix, face)), 0, 255)
        rounded = np.rint(face).astype(np.uint8)
        left = deviation(rounded, lr)
        if (count := int(np.count_nonzero(left))) < wrong:
            best, wrong = rounded, count
        goal -= _FEEDBACK / (1 + attempt / _SETTLING_ROUNDS) * left
    return best


class DataConsistency:
    """An upscaler whose last step is projected so that it reduces to its input exactly (ADR 18).

    Attributes:
        name: name of the model with `(consistent)`.
        backend: backend of the model.
        description: description of the model and the projection.
        lr_sizes: smallest and largest side of a crop in pixels.
        face_px: side of its results in pixels.
        sha256: SHA-256 of the model file in hex.
    """

    def __init__(self, model: Upscaler) -> None:
        self._model = model
        self.name = f"{model.name} (consistent)"
        self.backend = model.backend
        self.sha256 = model.sha256
        self.description = f"{model.description}, projected so that it reduces to its input"
        self.lr_sizes = model.lr_sizes
        self.face_px = model.face_px

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """See `Upscaler`."""
        results: list[FaceSteps] = []
        for crop, steps in zip(crops, self._model(crops), strict=True):
            last = back_project_exactly(steps.sr[-1], crop)
            results.append(steps._replace(sr=np.concatenate([steps.sr[:-1], last[None]])))
        return results
