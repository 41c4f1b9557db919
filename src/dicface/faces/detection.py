"""Finding faces: what a detector is, ours, and those that can be chosen by name."""

from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.geometry import Box
from dicface.runtime.face_finder import LEAST_SCORE, FaceFinder

DetectorName = Literal["face", "dlib", "dlib-fast", "dlib-thorough"]
DEFAULT_DETECTOR: DetectorName = "face"
SMALLEST_PX = 11.0
"""Side of the smallest face that is looked for, in pixels."""


class Detection(NamedTuple):
    """A face that a detector found.

    Attributes:
        box: about the landmarks, brows to chin, in pixels of the photo, edges.
        score: the detector's confidence.
        points: (5, 2) x, y of the right and left eye, the tip of the nose, the right and left corner of the mouth, in
            pixels of the photo, edges; right is the person's right. None if the detector finds none.
    """

    box: Box
    score: float
    points: NDArray[np.float32] | None = None


class Detector(Protocol):
    """Anything that finds faces. Called from several threads at once where photos share batches."""

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Find faces.

        Args:
            pixels: (H, W, 3) uint8 RGB.

        Returns:
            Best first; empty if there is none.
        """
        ...


class FaceDetector:
    """The face finder: faces from 11 px up to the whole photo, with five landmarks and scores from 0 to 1.

    Args:
        smallest_px: side of the smallest face to find.
        least_score: what scores less is left out.
        threads, spinning: see `open_session`.
    """

    def __init__(
        self,
        smallest_px: float = SMALLEST_PX,
        least_score: float = LEAST_SCORE,
        threads: int = 0,
        spinning: bool = True,
    ) -> None:
        self.smallest_px = smallest_px
        self._finder = FaceFinder(least_score=least_score, threads=threads, spinning=spinning)

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        return [
            Detection(Box(*proposal.box.tolist()), proposal.score, proposal.points)
            for proposal in self._finder(pixels, self.smallest_px)
        ]


def make_detector(
    detector: str | Detector,
    threads: int = 0,
    spinning: bool = True,
    smallest_px: float = SMALLEST_PX,
    least_score: float = LEAST_SCORE,
) -> Detector:
    """A detector by its name, or the one given.

    Args:
        detector: face (ours); dlib (upright faces from 16 px, where ours proposes one), dlib-fast (from 40 px) or
            dlib-thorough (from 16 px, everywhere), which need dlib; or a detector, which is returned.
        threads, spinning: see `open_session`.
        smallest_px, least_score: of what `face` looks for, see `FaceDetector`.

    Raises:
        UsageError: an unknown name, or dlib is not installed.
    """
    if not isinstance(detector, str):
        return detector
    if detector == "face":
        return FaceDetector(smallest_px, least_score, threads, spinning)
    if detector not in ("dlib", "dlib-fast", "dlib-thorough"):
        raise UsageError(f"expected a detector, face, dlib, dlib-fast or dlib-thorough, got {detector!r}")
    # dlib is optional and slow to load.
    from dicface.faces.dlib_detectors import GuidedDetector, ThoroughDetector

    if detector == "dlib-thorough":
        return ThoroughDetector(threads=threads)
    return GuidedDetector(40.0 if detector == "dlib-fast" else 16.0, threads, spinning)
