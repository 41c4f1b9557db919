"""What about a face is outside of what the model knows. It is restored all the same, and this is said.

Every limit was measured by `experiments/doubt.py`: the degree of a damage from which on a result is no nearer to the
truth than the plain enlargement, or from which on landmarks are twice as far off as usual (docs/doubt.md, ADR 24).
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square
from dicface.images.pixels import luma
from dicface.restoration.blockiness import blockiness
from dicface.runtime.face_model import FaceSteps

LEAST_BRIGHTNESS = 10
"""Mean luma of a crop. With noise of two grey levels the gain is 0.1 dB there."""
LEAST_CONTRAST = 5
"""Standard deviation of a crop's luma. At 6 the gain is 0.4 dB; at 4 it is a loss, with landmarks twice as far off."""
MOST_TURN = 0.6
"""See `turn`. Beyond, landmarks are 6.8 % off instead of 3.5 %; only 31 faces of celeba-val are turned so far."""
MOST_TILT_DEGREES = 24
"""Landmarks are twice as far off there; the gain lasts longer."""
MOST_BLOCKINESS = 0.4
"""See `dicface.restoration.blockiness`. JPEG 75, which costs three quarters of the gain; no photo of 80 or more did."""
MOST_JPEG_STEP = 7
"""Of the file that a crop came in, whose pixels are too few to tell; see `Photo`. Between 80 and 75."""
LEAST_PEAK = 0.5
"""No square without a face reached it, and 95 % of those about faces did."""


class Doubt(StrEnum):
    """Why a restored face should be trusted less than usual."""

    TOO_LARGE = "is larger than the model can improve"
    TOO_DARK = "is too dark"
    LOW_CONTRAST = "has too little contrast"
    TURNED = "is turned too far to the side"
    TILTED = "is tilted too far"
    BLOCKS = "shows JPEG blocks"
    NO_FACE = "has landmarks that do not look like a face"


class Signs(NamedTuple):
    """What doubt is judged by.

    Attributes:
        brightness: mean luma of the crop, in grey levels.
        contrast: standard deviation of the crop's luma, in grey levels.
        turn: 0 for a face seen from the front, 1 for a profile; from the landmarks found.
        tilt_degrees: of the line between the eyes, 0 to 180, from the landmarks found.
        blockiness: how clearly the photo shows blocks of coarse JPEG about the face, 0 to 1.
        peak: mean of the landmarks' peaks, about 1 where the model is sure.
        jpeg_step: how coarsely the file itself was stored, see `Photo`; 0 if that is not known.
    """

    brightness: float
    contrast: float
    turn: float
    tilt_degrees: float
    blockiness: float
    peak: float
    jpeg_step: float = 0.0


def turn(landmarks: NDArray[np.floating]) -> float:
    """How far a face is turned to the side: 0 from the front, 1 where the nose reaches the jaw's edge.

    Args:
        landmarks: (68, 2) x, y.
    """
    eyes = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    # Along the line between the eyes, so that a tilted face is not taken for a turned one.
    along = landmarks @ (eyes / max(float(np.linalg.norm(eyes)), 1e-6))
    left, right, nose = along[1:4].mean(), along[13:16].mean(), along[30]
    return float(abs(2 * nose - left - right) / max(abs(right - left), 1e-6))


def tilt_degrees(landmarks: NDArray[np.floating]) -> float:
    """Angle of the line between the eyes from the horizontal, 0 to 180.

    Args:
        landmarks: (68, 2) x, y.
    """
    across, down = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    return float(abs(np.degrees(np.arctan2(down, across))))


def signs(
    pixels: NDArray[np.uint8], square: Square, crop: NDArray[np.uint8], result: FaceSteps, jpeg_step: float = 0.0
) -> Signs:
    """What can be seen of a face and its result.

    Args:
        pixels: (H, W, 3) uint8 RGB, the photo.
        square: where the crop was cut out.
        crop: (S, S, 3) uint8 RGB that the model was given.
        result: what it made of it.
        jpeg_step: of the photo's file, if that is known.
    """
    values, landmarks = luma(crop), result.landmarks[-1]
    return Signs(
        float(values.mean()),
        float(values.std()),
        turn(landmarks),
        tilt_degrees(landmarks),
        blockiness(pixels, square),
        float(result.peaks[-1].mean()),
        jpeg_step,
    )


def doubts(seen: Signs) -> tuple[Doubt, ...]:
    """Which signs are beyond their limits.

    Where the landmarks do not look like a face, what they say of its pose is left out.

    Args:
        seen: see `signs`.
    """
    face = seen.peak >= LEAST_PEAK
    found = {
        Doubt.TOO_DARK: seen.brightness < LEAST_BRIGHTNESS,
        Doubt.LOW_CONTRAST: seen.contrast < LEAST_CONTRAST,
        Doubt.TURNED: face and seen.turn > MOST_TURN,
        Doubt.TILTED: face and seen.tilt_degrees > MOST_TILT_DEGREES,
        Doubt.BLOCKS: seen.blockiness > MOST_BLOCKINESS or seen.jpeg_step > MOST_JPEG_STEP,
        Doubt.NO_FACE: not face,
    }
    return tuple(doubt for doubt, holds in found.items() if holds)
