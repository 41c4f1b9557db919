"""Whether a restored face still is a picture of its input, and making it one.

A restored face that is reduced again should give the low-resolution face it was made from. Reduction is Pillow's
bicubic, as in training; the truth satisfies it by definition.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.images.pixels import FACE_PX, resize
from dicface.runtime.face_model import FaceSteps
from dicface.runtime.upscalers import Contender

# Rounding to 8 bits, once in the face and twice in Pillow's reduction, is made up for by asking for a little more where
# too little came out, and for less the longer it takes, since large faces would keep swinging.
_FEEDBACK = 0.15
_SETTLING_ROUNDS = 20
_MOST_ROUNDS = 200


@lru_cache
def _reduction(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pillow's bicubic reduction of a line as a matrix (side, 128), and its pseudo-inverse."""
    unit = Image.fromarray(np.eye(FACE_PX, dtype=np.float32))
    matrix = np.asarray(unit.resize((FACE_PX, side), Image.Resampling.BICUBIC), dtype=np.float64)
    return matrix, np.linalg.pinv(matrix).astype(np.float64)


def _both_ways(matrix: NDArray[np.float64], image: NDArray[np.float64]) -> NDArray[np.float64]:
    """A resizing along both sides: (side, side, 3) float64 -> (other, other, 3) float64."""
    return np.matmul(matrix, np.matmul(image.transpose(2, 0, 1), matrix.T)).transpose(1, 2, 0)


def deviation(sr: NDArray[np.uint8], lr: NDArray[np.uint8]) -> NDArray[np.int16]:
    """How far the reduction of a face is from its input.

    Args:
        sr: (128, 128, 3) uint8 RGB.
        lr: (S, S, 3) uint8 RGB.

    Returns:
        (S, S, 3) int16, grey levels, positive where the reduction is too bright.
    """
    side = lr.shape[0]
    return resize(sr, (side, side)).astype(np.int16) - lr


def make_consistent(sr: NDArray[np.uint8], lr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The nearest face that reduces to the input exactly.

    Nearest by the sum of squared differences, but for rounding and for pixels that would leave 0 to 255: the face is
    projected onto the faces whose reduction, computed without rounding, is the input, and then rounded.

    Args:
        sr: (128, 128, 3) uint8 RGB.
        lr: (S, S, 3) uint8 RGB, S at most 128.

    Returns:
        (128, 128, 3) uint8 RGB. Where no face of 0 to 255 reduces to the input, as for a checkerboard of black and
        white, the best that was found.

    Source: ADR 0018; not in the paper.
    """
    matrix, inverse = _reduction(lr.shape[0])
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


class Consistent:
    """A model whose last step is made to reduce to its input exactly (ADR 0018).

    Attributes:
        name: the model's, marked.
        backend: what runs the model.
        description: of the model, and of this.
        lr_sizes: smallest and largest side of a crop, in pixels.
        sha256: of the model's file.
    """

    def __init__(self, model: Contender) -> None:
        self._model = model
        self.name = f"{model.name} (consistent)"
        self.backend = model.backend
        self.sha256 = model.sha256
        self.description = f"{model.description}, projected so that it reduces to its input"
        self.lr_sizes = model.lr_sizes

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """See `Contender`."""
        results: list[FaceSteps] = []
        for crop, steps in zip(crops, self._model(crops), strict=True):
            last = make_consistent(steps.sr[-1], crop)
            results.append(steps._replace(sr=np.concatenate([steps.sr[:-1], last[None]])))
        return results
