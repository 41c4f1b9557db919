"""How far a restored face may be off, pixel by pixel, from how much the model disagrees with itself.

A face is super-resolved again in the mirror and moved by half a pixel, and all answers are laid over each other. Where
they differ, and where the last step still changed something, the true error is larger: `experiments/uncertainty.py`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.images.pixels import FACE_PX, luma, smooth, to_uint8
from dicface.runtime.face_model import FaceSteps

LEVELS_PER_GREY = 4
"""In a map's image, one grey level of expected error is that many; 63 and more are white."""
BASE, MIRROR, STEP, SHIFT = 0.15, 0.97, 1.40, 0.79
FACTOR, POWER = 1.06, 0.96
"""Expected error = FACTOR * (BASE + weighted disagreements) ** POWER; `experiments/uncertainty.py` fits it (ADR 23)."""
_HALF = 0.5
_SPREAD_PX = 2.0
"""Standard deviation of the Gaussian over which disagreements are averaged: errors come in patches."""
_Upscaler = Callable[[Sequence[NDArray[np.uint8]]], list[FaceSteps]]


class Disagreements(NamedTuple):
    """How much a model's answers about one face differ, each the root mean square nearby, (128, 128) in grey levels.

    Attributes:
        mirror: from the answer about the mirrored face.
        step: of the last two steps; zero of a network with one.
        shift: from the answers about the face moved by half a pixel of the crop, to the right and down.
    """

    mirror: NDArray[np.float32]
    step: NDArray[np.float32]
    shift: NDArray[np.float32]


def moved(pixels: NDArray[np.uint8], right: float, down: float) -> NDArray[np.uint8]:
    """An image whose content is moved by a fraction of a pixel or more, bicubic; the edge is repeated."""
    height, width = pixels.shape[:2]
    pad = int(np.ceil(max(abs(right), abs(down)))) + 2
    image = Image.fromarray(np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    box = (pad - right, pad - down, pad - right + width, pad - down + height)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box))


def disagreements(
    model: _Upscaler, crops: Sequence[NDArray[np.uint8]], results: Sequence[FaceSteps]
) -> list[Disagreements]:
    """Ask a model three times more about each face.

    Args:
        model: what made the results.
        crops: (S, S, 3) uint8 RGB each.
        results: what it made of them.

    Returns:
        One a crop, in order.
    """
    mirrored = model([np.ascontiguousarray(crop[:, ::-1]) for crop in crops])
    rightward = model([moved(crop, _HALF, 0) for crop in crops])
    downward = model([moved(crop, 0, _HALF) for crop in crops])
    found: list[Disagreements] = []
    for crop, result, *others in zip(crops, results, mirrored, rightward, downward, strict=True):
        last = luma(result.sr[-1])
        back = -_HALF * FACE_PX / crop.shape[0]
        images = others[0].sr[-1][:, ::-1], moved(others[1].sr[-1], back, 0), moved(others[2].sr[-1], 0, back)
        mirror, right, down = ((luma(image) - last) ** 2 for image in images)
        step = (last - luma(result.sr[-2])) ** 2 if len(result.sr) > 1 else np.zeros_like(last)
        found.append(Disagreements(*(np.sqrt(smooth(v, _SPREAD_PX)) for v in (mirror, step, (right + down) / 2))))
    return found


def expected_error(found: Disagreements) -> NDArray[np.float32]:
    """What the disagreements mean: (128, 128) float32, the mean absolute error of luma to expect, in grey levels."""
    weighted = BASE + MIRROR * found.mirror + STEP * found.step + SHIFT * found.shift
    return (FACTOR * weighted**POWER).astype(np.float32)


def expected_errors(
    model: _Upscaler, crops: Sequence[NDArray[np.uint8]], results: Sequence[FaceSteps]
) -> list[NDArray[np.float32]]:
    """The maps of some faces; see `disagreements` and `expected_error`."""
    return [expected_error(found) for found in disagreements(model, crops, results)]


def map_image(errors: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A map as a grey picture, `LEVELS_PER_GREY` levels for each grey level: (H, W) -> (H, W) uint8."""
    return to_uint8(errors * (LEVELS_PER_GREY / 255))
