"""Finding faces."""

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import dlib
import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.images import resize
from dicface.pipeline.align import Box, intersection_over_union

_DLIB_SMALLEST_PX = 80
# From dlib's box to the landmarks' box, in sides of dlib's, as `benchmarks/detection.py` measures it.
_DLIB_DOWN = 0.08
_PASS_MEGAPIXELS = 16.0
"""Largest image that goes through dlib at once; it takes about 14 MB a megapixel."""
_WHOLE_MEGAPIXELS = 4.0
"""Size of the small version in which a large photo's large faces are looked for."""
_SAME_FACE = 0.4
_LARGEST_CREW = 4
"""Tiles looked through at once, at most; each takes a core and 220 MB."""


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

    def smallest_face_px(self, height: int, width: int) -> float:
        """Width of the smallest face that it looks for in a photo of that size."""
        ...


def _stretches(length: int, largest: int, overlap: int) -> list[slice]:
    """Overlapping stretches of one length, none over the largest, that cover a side."""
    count = max(1, math.ceil((length - overlap) / (largest - overlap)))
    step = (length - overlap) / count
    return [slice(round(k * step), min(length, round((k + 1) * step) + overlap)) for k in range(count)]


def _without_repeats(found: list[Detection]) -> list[Detection]:
    """Best first, each face once."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda detection: -detection.score):
        if all(intersection_over_union(detection.box, other.box) < _SAME_FACE for other in kept):
            kept.append(detection)
    return kept


class DlibDetector:
    """dlib's built-in frontal face detector on an enlarged photo.

    It knows faces from 80 px up, so the photo is enlarged until the smallest wanted face has 80 px; its own pyramid
    covers larger ones in the same pass. A photo that would become too large for one pass is enlarged tile by tile, and
    its large faces are looked for in a small version of the whole.

    Args:
        smallest_px: width of the smallest face to find.
        max_megapixels: what is looked through at most, in megapixels after enlargement (about 90 ms each); in photos
            that would need more, the smallest faces are missed.
    """

    def __init__(self, smallest_px: float = 16.0, max_megapixels: float = 100.0) -> None:
        self.smallest_px = smallest_px
        self.max_megapixels = max_megapixels
        # dlib's detector object may not be shared between threads.
        self._local = threading.local()

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        height, width = pixels.shape[:2]
        megapixels = height * width / 1e6
        factor = _DLIB_SMALLEST_PX / self.smallest_face_px(height, width)
        if megapixels * factor**2 <= _PASS_MEGAPIXELS:
            return _without_repeats(self._pass(pixels, factor))
        whole = min(factor, (_WHOLE_MEGAPIXELS / megapixels) ** 0.5)
        tile = round((_PASS_MEGAPIXELS * 1e6) ** 0.5 / factor)
        # What the small version is too small to show must lie whole in some tile.
        overlap = min(tile // 2, round(1.5 * _DLIB_SMALLEST_PX / whole))
        parts: list[tuple[slice, slice, float]] = [(slice(0, height), slice(0, width), whole)]
        parts += [
            (rows, columns, factor)
            for rows in _stretches(height, tile, overlap)
            for columns in _stretches(width, tile, overlap)
        ]
        # dlib lets other threads run while it searches.
        with ThreadPoolExecutor(min(_LARGEST_CREW, os.cpu_count() or 1)) as crew:
            searches = [crew.submit(self._part, pixels, *part) for part in parts]
            found = [detection for search in searches for detection in search.result()]
        return _without_repeats(found)

    def smallest_face_px(self, height: int, width: int) -> float:
        """See `Detector`."""
        affordable = (self.max_megapixels * 1e6 / (height * width)) ** 0.5
        return min(float(_DLIB_SMALLEST_PX), max(self.smallest_px, _DLIB_SMALLEST_PX / affordable))

    def _part(self, pixels: NDArray[np.uint8], rows: slice, columns: slice, factor: float) -> list[Detection]:
        """Look through one part, giving boxes in pixels of the whole."""
        left, top = columns.start, rows.start
        return [
            Detection(Box(box.left + left, box.top + top, box.right + left, box.bottom + top), score)
            for box, score in self._pass(pixels[rows, columns], factor)
        ]

    def _pass(self, pixels: NDArray[np.uint8], factor: float) -> list[Detection]:
        """One run of dlib over an enlarged (or reduced) part."""
        if not hasattr(self._local, "find"):
            self._local.find = dlib.get_frontal_face_detector()  # pyright: ignore[reportAttributeAccessIssue] - compiled
        height, width = pixels.shape[:2]
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        boxes, scores, _ = self._local.find.run(resize(np.ascontiguousarray(pixels), size), 0, 0.0)
        found: list[Detection] = []
        for box, score in zip(boxes, scores, strict=True):
            down = _DLIB_DOWN * box.height()
            edges = (box.left(), box.top() + down, box.right() + 1, box.bottom() + 1 + down)
            found.append(Detection(Box(*(edge / factor for edge in edges)), float(score)))
        return found


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
        case "dlib-thorough":
            return DlibDetector(max_megapixels=float("inf"))
        case _:
            raise UsageError(f"expected a detector, dlib, dlib-fast or dlib-thorough, got {name!r}")
