"""Finding faces."""

import threading
from typing import NamedTuple, Protocol

import dlib
import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.images import resize
from dicface.pipeline.align import Box

_DLIB_SMALLEST_PX = 80
# From dlib's box to the landmarks' box, in sides of dlib's, as `benchmarks/detection.py` measures it.
_DLIB_DOWN = 0.08


class Detection(NamedTuple):
    """A face that a detector found.

    Attributes:
        box: brows to chin, about the landmarks' box.
        score: the detector's confidence; only the order means something.
    """

    box: Box
    score: float


class Detector(Protocol):
    """Anything that finds faces."""

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Find faces.

        Args:
            pixels: (H, W, 3) uint8 RGB.

        Returns:
            Best first; empty if there is none.
        """
        ...


class DlibDetector:
    """dlib's built-in frontal face detector on an enlarged photo.

    It knows faces from 80 px up, so the photo is first enlarged until the smallest wanted face has 80 px. Its own
    pyramid covers all larger faces in the same pass.

    Args:
        smallest_px: width of the smallest face to find.
        max_megapixels: the photo is not enlarged beyond this; in larger photos the smallest faces are then missed.
    """

    def __init__(self, smallest_px: float = 16.0, max_megapixels: float = 24.0) -> None:
        self.smallest_px = smallest_px
        self.max_megapixels = max_megapixels
        # dlib's detector object may not be shared between threads.
        self._local = threading.local()

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        if not hasattr(self._local, "find"):
            self._local.find = dlib.get_frontal_face_detector()  # pyright: ignore[reportAttributeAccessIssue] - a compiled module
        height, width = pixels.shape[:2]
        affordable = (self.max_megapixels * 1e6 / (height * width)) ** 0.5
        factor = max(1.0, min(_DLIB_SMALLEST_PX / self.smallest_px, affordable))
        enlarged = resize(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))
        boxes, scores, _ = self._local.find.run(np.ascontiguousarray(enlarged), 0, 0.0)
        found: list[Detection] = []
        for box, score in zip(boxes, scores, strict=True):
            down = _DLIB_DOWN * box.height()
            edges = (box.left(), box.top() + down, box.right() + 1, box.bottom() + 1 + down)
            found.append(Detection(Box(*(edge / factor for edge in edges)), float(score)))
        return sorted(found, key=lambda detection: -detection.score)


def make_detector(name: str) -> Detector:
    """A detector by the name that `--detector` takes.

    Raises:
        UsageError: an unknown name.
    """
    match name:
        case "dlib":
            return DlibDetector()
        case "dlib-fast":
            return DlibDetector(smallest_px=40.0)
        case _:
            raise UsageError(f"expected a detector, dlib or dlib-fast, got {name!r}")
