"""Warnings for faces outside the model's validated range. Such faces are restored; a warning goes with the result.

Limits are measured by `experiments/quality_warnings.py`: the degree of damage at which results are no nearer to the
truth than plain enlargement, or at which landmark errors double (docs/quality-warnings.md, ADR 24).
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square
from dicface.images.pixels import FACE_PX, LARGE_FACE_PX, luma
from dicface.restoration.blockiness import blockiness
from dicface.restoration.noise import noise_level
from dicface.runtime.face_model import FaceSteps

MIN_BRIGHTNESS = 4
"""Smallest mean luma of a crop in grey levels. At 3.3, with noise of two grey levels, landmark errors double; there is
still a gain."""
MIN_CONTRAST = 3
"""Smallest standard deviation of a crop's luma in grey levels. The same faces have 2.6."""
MAX_YAW = 0.6
"""Largest `yaw`. Beyond, landmark errors are 4.4 % instead of 3.2 %, on the 31 such faces of celeba-val."""
MAX_ROLL_DEGREES = 24
"""Largest `roll_degrees`. Landmark errors are 4.5 % there instead of 3.3 %, and grow fast; there is a gain beyond."""
MAX_BLOCKINESS = 0.4
"""Largest `blockiness`. JPEG quality 75 exceeds it and loses half of the gain; quality 80 does not exceed it."""
MAX_JPEG_STEP = 7
"""Largest JPEG step of a crop's file, see `Photo`: between qualities 80 and 75. Crops are too small for blockiness."""
MAX_NOISE = 26
"""Largest `noise_level`. Landmark errors of a crop of 16 px double there; there is still a gain beyond. No photo of 40
without added noise had more than 10."""
MIN_HEATMAP_CONFIDENCE = {FACE_PX: 0.5, LARGE_FACE_PX: 0.35}
"""Smallest mean heatmap confidence by the side of the model's result. One square in 100
without a face reached it at 128 px, none at 256; 99 % of faces did. On larger heatmaps an error costs a peak more."""


class QualityWarning(StrEnum):
    """Why a restored face should be trusted less than usual."""

    TOO_LARGE = "is larger than the model can improve"
    TOO_DARK = "is too dark"
    LOW_CONTRAST = "has too little contrast"
    YAW = "is turned too far to the side"
    ROLL = "is tilted too far"
    BLOCKS = "shows JPEG blocks"
    NOISE = "is very noisy"
    NO_FACE = "has landmarks that do not look like a face"


class QualityMeasures(NamedTuple):
    """Measures that quality warnings are based on.

    Attributes:
        brightness: mean luma of the crop in grey levels.
        contrast: standard deviation of the crop's luma in grey levels.
        yaw: see `yaw`, from the predicted landmarks.
        roll_degrees: see `roll_degrees`, from the predicted landmarks.
        blockiness: see `blockiness`, 0 to 1.
        heatmap_confidence: mean over the landmarks; about 1 where the model is sure.
        jpeg_step: JPEG step of the photo's file, see `Photo`; 0 if unknown.
        noise: see `noise_level`, in grey levels.
        face_px: side of the model's result in pixels, on which the scale of the confidence depends.
    """

    brightness: float
    contrast: float
    yaw: float
    roll_degrees: float
    blockiness: float
    heatmap_confidence: float
    jpeg_step: float = 0.0
    noise: float = 0.0
    face_px: int = FACE_PX


def yaw(landmarks: NDArray[np.floating]) -> float:
    """Yaw of a face, as a fraction: 0 for a frontal face, 1 where the nose reaches the edge of the jaw.

    Args:
        landmarks: (68, 2) float x, y in any frame.
    """
    eyes = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    # Measured along the line between the eyes, which makes it independent of roll.
    along = landmarks @ (eyes / max(float(np.linalg.norm(eyes)), 1e-6))
    left, right, nose = along[1:4].mean(), along[13:16].mean(), along[30]
    return float(abs(2 * nose - left - right) / max(abs(right - left), 1e-6))


def roll_degrees(landmarks: NDArray[np.floating]) -> float:
    """Roll of a face: angle of the line between the eyes to the horizontal, 0 to 180.

    Args:
        landmarks: (68, 2) float x, y in any frame.
    """
    across, down = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    return float(abs(np.degrees(np.arctan2(down, across))))


def quality_measures(
    pixels: NDArray[np.uint8], square: Square, crop: NDArray[np.uint8], result: FaceSteps, jpeg_step: float = 0.0
) -> QualityMeasures:
    """Measure a face and its result.

    Args:
        pixels: (H, W, 3) uint8 RGB, the photo.
        square: the crop's position in the photo.
        crop: (S, S, 3) uint8 RGB, the model's input.
        result: the model's result.
        jpeg_step: JPEG step of the photo's file; 0 if unknown.
    """
    values, landmarks = luma(crop), result.landmarks[-1]
    return QualityMeasures(
        float(values.mean()),
        float(values.std()),
        yaw(landmarks),
        roll_degrees(landmarks),
        blockiness(pixels, square),
        float(result.heatmap_confidence[-1].mean()),
        jpeg_step,
        noise_level(pixels, square),
        result.sr.shape[1],
    )


def quality_warnings(seen: QualityMeasures) -> tuple[QualityWarning, ...]:
    """The warnings for measures beyond their limits.

    Pose is not judged where the landmarks do not look like a face.

    Args:
        seen: see `quality_measures`.
    """
    face = seen.heatmap_confidence >= MIN_HEATMAP_CONFIDENCE[seen.face_px]
    found = {
        QualityWarning.TOO_DARK: seen.brightness < MIN_BRIGHTNESS,
        QualityWarning.LOW_CONTRAST: seen.contrast < MIN_CONTRAST,
        QualityWarning.YAW: face and seen.yaw > MAX_YAW,
        QualityWarning.ROLL: face and seen.roll_degrees > MAX_ROLL_DEGREES,
        QualityWarning.BLOCKS: seen.blockiness > MAX_BLOCKINESS or seen.jpeg_step > MAX_JPEG_STEP,
        QualityWarning.NOISE: seen.noise > MAX_NOISE,
        QualityWarning.NO_FACE: not face,
    }
    return tuple(warning for warning, holds in found.items() if holds)
