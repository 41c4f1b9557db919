"""Finding faces: what a detector is, the one of this package, and those that have a name."""

import typing
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.geometry import Box
from dicface.faces.names import DetectorName
from dicface.faces.second_look import look_again
from dicface.runtime.face_finder import SMALLEST_PX, FaceFinder
from dicface.runtime.providers import ProviderName

MIN_DETECTION_SCORE = 0.1
"""Detections with a lower score are left out, unless another limit is asked for."""


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
    """Anything that finds faces: a function of the pixels. `Restorer` calls it from each thread that uses it."""

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

    Its proposals are looked at again, upright and at one size; score, box and landmarks are those of that second look.

    Args:
        smallest_px: side of the smallest face to find.
        min_score: detections with a lower score are left out.
        threads, spinning, provider: see `open_session`.
    """

    def __init__(
        self,
        smallest_px: float = SMALLEST_PX,
        *,
        min_score: float = MIN_DETECTION_SCORE,
        threads: int | None = None,
        spinning: bool = True,
        provider: ProviderName = "auto",
    ) -> None:
        self.smallest_px = smallest_px
        self.min_score = min_score
        self._finder = FaceFinder(threads=threads, spinning=spinning, provider=provider)

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        return self.search(pixels, self.smallest_px)

    def search(self, pixels: NDArray[np.uint8], smallest_px: float) -> list[Detection]:
        """Find faces of at least a size. Twice the size takes a quarter of the time.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            smallest_px: side of the smallest face to find.
        """
        proposals = look_again(self._finder, pixels, self._finder(pixels, smallest_px))
        return [
            Detection(Box(*proposal.box.tolist()), proposal.score, proposal.points)
            for proposal in proposals
            if proposal.score >= self.min_score
        ]


def make_detector(
    detector: str | Detector,
    *,
    smallest_px: float = SMALLEST_PX,
    min_score: float = MIN_DETECTION_SCORE,
    threads: int | None = None,
    spinning: bool = True,
    provider: ProviderName = "auto",
) -> Detector:
    """A detector by its name, or the one given.

    Args:
        detector: face (the embedded network); dlib (upright faces from 16 px, near those that the network proposes),
            dlib-fast (from 40 px) or dlib-thorough (from 16 px, everywhere; about 2 s a megapixel), which need the
            extra dlib; or a detector, which is returned.
        smallest_px, min_score: of the detector face, see `FaceDetector`.
        threads, spinning, provider: see `open_session`.

    Raises:
        UsageError: an unknown name, or dlib is not installed.
    """
    if not isinstance(detector, str):
        return detector
    names = typing.get_args(DetectorName)
    if detector not in names:
        raise UsageError(f"expected a `detector`, one of {', '.join(names)}, got {detector!r}")
    if detector == "face":
        return FaceDetector(smallest_px, min_score=min_score, threads=threads, spinning=spinning, provider=provider)
    # dlib is optional and slow to load.
    from dicface.faces.dlib_detectors import GuidedDetector, ThoroughDetector

    if detector == "dlib-thorough":
        return ThoroughDetector(threads=threads)
    dlib_px = 40.0 if detector == "dlib-fast" else 16.0
    return GuidedDetector(dlib_px, threads=threads, spinning=spinning, provider=provider)
