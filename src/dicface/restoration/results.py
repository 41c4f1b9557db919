"""What is known of the faces of a photo, and the photo with them restored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Box, Square
from dicface.restoration.quality import Doubt


class Outcome(StrEnum):
    """What became of a face."""

    RESTORED = "restored"
    TOO_LARGE = "left alone: already larger than the model can improve"
    TOO_SMALL = "left alone: smaller than the model has learned"
    PROFILE = "left alone: seen from the side, which the model has not learned"
    FLAT = "left alone: no contrast inside the box"
    DOUBTFUL = "left alone: neither the detector nor the landmarks are sure of a face"


@dataclass(frozen=True)
class Face:
    """One face of a photo.

    Attributes:
        box: where it was found, or the box that was given, in pixels of the photo, edges.
        score: the detector's confidence; None for a given box.
        outcome: what became of it.
        square: the crop that was restored, or would have been.
        landmarks: (68, 2) float32 x, y in pixels of the photo before enlargement, pixel centres at integers; None
            unless restored.
        steps: (T, 128, 128, 3) uint8 RGB, the face after every step; None unless restored.
        uncertainty: (128, 128) float32, how far the luma of the last step is expected to be off on average, in grey
            levels; None unless restored and asked for.
        doubts: why the result should be trusted less than usual; empty unless restored.
        probability: that it is a face, by the detector and by the landmarks found in it; None for a given box, and for
            detectors without calibration.
    """

    box: Box
    score: float | None
    outcome: Outcome
    square: Square
    landmarks: NDArray[np.float32] | None = None
    steps: NDArray[np.uint8] | None = None
    uncertainty: NDArray[np.float32] | None = None
    doubts: tuple[Doubt, ...] = ()
    probability: float | None = None


@dataclass(frozen=True)
class Restoration:
    """A restored photo.

    Attributes:
        image: (round(H * scale), round(W * scale), 3) uint8 RGB.
        faces: every face that was found or given, restored or not; empty if there is none.
        stages_s: seconds spent on detecting, restoring and pasting.
        turned_degrees: by how much the photo had to be turned anticlockwise for its faces to be upright; 0, 90, 180 or
            270. What is said of faces is in the frame of the photo as it was given.
    """

    image: NDArray[np.uint8]
    faces: tuple[Face, ...]
    stages_s: Mapping[str, float] = field(default_factory=dict[str, float])
    turned_degrees: int = 0
