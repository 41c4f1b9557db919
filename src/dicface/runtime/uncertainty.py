"""Expected error of a restored face, pixel by pixel, from test-time augmentation.

A face is super-resolved again mirrored and shifted by half a pixel. Where the aligned results differ, and where the
last step still changed something, the true error is larger: `experiments/uncertainty.py`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.images.pixels import luma, smooth, to_uint8
from dicface.runtime.face_model import FaceSteps

LEVELS_PER_GREY = 4
"""Levels in a map's image per grey level of expected error; 63 grey levels and more are white."""
BASE, MIRROR, STEP, SHIFT = 0.22, 1.21, 1.58, 0.53
FACTOR, POWER = 1.13, 0.93
"""Expected error = FACTOR * (BASE + weighted disagreements) ** POWER; `experiments/uncertainty.py` fits it (ADR 23)."""
_HALF = 0.5
_SPREAD_PX = 2.0
"""Standard deviation of the Gaussian that disagreements are averaged with: errors come in patches."""
_Upscale = Callable[[Sequence[NDArray[np.uint8]]], list[FaceSteps]]


class Disagreements(NamedTuple):
    """Local root mean square differences between a model's results for one face, (R, R) float32 in grey levels.

    Attributes:
        mirror: difference to the result of the mirrored face.
        step: difference between the last two steps; zero for a network with one step.
        shift: difference to the results of the face shifted by half a pixel of the crop, to the right and down.
    """

    mirror: NDArray[np.float32]
    step: NDArray[np.float32]
    shift: NDArray[np.float32]


def moved(pixels: NDArray[np.uint8], right: float, down: float) -> NDArray[np.uint8]:
    """Shift an image by pixels or fractions of them, with bicubic interpolation; the edge is repeated."""
    height, width = pixels.shape[:2]
    pad = int(np.ceil(max(abs(right), abs(down)))) + 2
    image = Image.fromarray(np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    box = (pad - right, pad - down, pad - right + width, pad - down + height)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box))


def disagreements(
    model: _Upscale, crops: Sequence[NDArray[np.uint8]], results: Sequence[FaceSteps]
) -> list[Disagreements]:
    """Measure disagreements by super-resolving each face three more times.

    Args:
        model: the model that made the results.
        crops: (S, S, 3) uint8 RGB each.
        results: its results for the crops.

    Returns:
        One per crop, in order.
    """
    rightward = model([moved(crop, _HALF, 0) for crop in crops])
    downward = model([moved(crop, 0, _HALF) for crop in crops])
    pairs = mirror_and_step(model, crops, results)
    found: list[Disagreements] = []
    for crop, result, right, down, (mirror, step) in zip(crops, results, rightward, downward, pairs, strict=True):
        last = luma(result.sr[-1])
        back = -_HALF * last.shape[0] / crop.shape[0]
        images = moved(right.sr[-1], back, 0), moved(down.sr[-1], 0, back)
        shifts = [(luma(image) - last) ** 2 for image in images]
        found.append(Disagreements(mirror, step, _root_nearby((shifts[0] + shifts[1]) / 2)))
    return found


def mirror_and_step(
    model: _Upscale, crops: Sequence[NDArray[np.uint8]], results: Sequence[FaceSteps]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The disagreements `mirror` and `step` alone, by super-resolving each face once more; see `Disagreements`."""
    mirrored = model([np.ascontiguousarray(crop[:, ::-1]) for crop in crops])
    found: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for result, other in zip(results, mirrored, strict=True):
        last = luma(result.sr[-1])
        step = (last - luma(result.sr[-2])) ** 2 if len(result.sr) > 1 else np.zeros_like(last)
        found.append((_root_nearby((luma(other.sr[-1][:, ::-1]) - last) ** 2), _root_nearby(step)))
    return found


def _root_nearby(squares: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.sqrt(smooth(squares.astype(np.float32), _SPREAD_PX))


def expected_error(found: Disagreements) -> NDArray[np.float32]:
    """Expected mean absolute error of luma: (R, R) float32 in grey levels."""
    weighted = BASE + MIRROR * found.mirror + STEP * found.step + SHIFT * found.shift
    return (FACTOR * weighted**POWER).astype(np.float32)


def expected_errors(
    model: _Upscale, crops: Sequence[NDArray[np.uint8]], results: Sequence[FaceSteps]
) -> list[NDArray[np.float32]]:
    """Expected errors of several faces, see `disagreements` and `expected_error`."""
    return [expected_error(found) for found in disagreements(model, crops, results)]


def map_image(errors: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A map as a grey image with `LEVELS_PER_GREY` levels per grey level: (H, W) float -> (H, W) uint8."""
    return to_uint8(errors * (LEVELS_PER_GREY / 255))
