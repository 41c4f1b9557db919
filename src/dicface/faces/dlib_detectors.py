"""Detectors of dlib, which is optional."""

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.faces.detection import Detection
from dicface.faces.geometry import Box
from dicface.images.pixels import resize
from dicface.runtime.face_finder import FaceFinder
from dicface.runtime.parallel import usable_cores
from dicface.runtime.proposals import Proposal
from dicface.runtime.providers import ProviderName
from dicface.runtime.suppression import non_maximum_suppression

_DLIB_SMALLEST_PX = 80
# From dlib's box to the landmarks' box, in sides of dlib's, as `experiments/detection.py` measures it.
_DLIB_DOWN = 0.08
_PASS_MEGAPIXELS = 16.0
"""Largest image that goes through dlib at once; it takes about 14 MB a megapixel."""
_WHOLE_MEGAPIXELS = 4.0
"""Size of the small version in which a large photo's large faces are looked for."""
_WINDOW = 1.8
"""Side of the window around a proposal that dlib searches, relative to the side of the face."""
_WINDOW_FACE_PX = 100.0
"""Side to which a proposed face is resized in the window; dlib then finds it even if it is a fifth smaller."""
_WINDOW_SCORE = -0.2
"""Least score of dlib in a window; elsewhere it is 0. The face finder has seen a face there, so less is enough."""
_MAX_PROPOSALS = 2000
"""Proposals looked at in one photo, about 3 ms each."""
_LARGEST_CREW = 4
"""Tiles looked through at once, at most; each takes a core and 220 MB."""


class Rectangle(NamedTuple):
    """A part of a photo, in whole pixels, edges."""

    left: int
    top: int
    right: int
    bottom: int


def _intervals(length: int, largest: int, overlap: int) -> list[tuple[int, int]]:
    """Overlapping intervals of one length, at most the largest, that cover a side."""
    count = max(1, math.ceil((length - overlap) / (largest - overlap)))
    step = (length - overlap) / count
    return [(round(k * step), min(length, round((k + 1) * step) + overlap)) for k in range(count)]


def _suppressed(found: list[Detection]) -> list[Detection]:
    """Detections without repetitions, best first; see `non_maximum_suppression`."""
    boxes = np.array([detection.box for detection in found], dtype=np.float64).reshape(-1, 4)
    scores = np.array([detection.score for detection in found], dtype=np.float64)
    return [found[index] for index in non_maximum_suppression(boxes, scores)]


class _Dlib:
    """dlib's built-in frontal face detector; may be shared between threads."""

    def __init__(self, min_score: float = 0.0) -> None:
        try:
            import dlib
        except ImportError as error:
            raise UsageError(
                "the detectors of dlib are not installed; pip install 'dicface[dlib]', or choose the `detector` face"
            ) from error
        self._min_score = min_score
        self._make: Any = dlib.get_frontal_face_detector  # pyright: ignore[reportAttributeAccessIssue] - compiled
        # dlib's own object may not, and takes a fifth of a second to make; each is lent to one call at a time.
        self._idle: deque[Any] = deque()

    def __call__(self, pixels: NDArray[np.uint8], part: Rectangle, factor: float) -> list[Detection]:
        """Search a part of a photo, enlarged or reduced by a factor; boxes are in pixels of the photo."""
        left, top, right, bottom = part
        size = (max(1, round((right - left) * factor)), max(1, round((bottom - top) * factor)))
        enlarged = resize(np.ascontiguousarray(pixels[top:bottom, left:right]), size)
        try:
            find = self._idle.pop()
        except IndexError:
            find = self._make()
        boxes, scores, _ = find.run(enlarged, 0, self._min_score)
        self._idle.append(find)
        found: list[Detection] = []
        for box, score in zip(boxes, scores, strict=True):
            down = _DLIB_DOWN * box.height()
            across_down = (box.left(), box.top() + down, box.right() + 1, box.bottom() + 1 + down)
            edges = (edge / factor + corner for edge, corner in zip(across_down, (left, top) * 2, strict=True))
            found.append(Detection(Box(*edges), float(score)))
        return found


class ThoroughDetector:
    """dlib everywhere in an enlarged photo.

    dlib knows faces from 80 px up, so the photo is enlarged until the smallest wanted face has 80 px; its own pyramid
    covers larger ones in the same pass. A photo that would become too large for one pass is enlarged tile by tile, and
    its large faces are looked for in a small version of the whole.

    Args:
        smallest_px: width of the smallest face to find.
        threads: that it computes with; None takes one for each core, four at most.
    """

    def __init__(self, smallest_px: float = 16.0, *, threads: int | None = None) -> None:
        self.smallest_px = smallest_px
        self._threads = threads
        self._search = _Dlib()

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        height, width = pixels.shape[:2]
        megapixels = height * width / 1e6
        factor = _DLIB_SMALLEST_PX / self.smallest_px
        if megapixels * factor**2 <= _PASS_MEGAPIXELS:
            return _suppressed(self._search(pixels, Rectangle(0, 0, width, height), factor))
        whole = min(factor, (_WHOLE_MEGAPIXELS / megapixels) ** 0.5)
        tile = round((_PASS_MEGAPIXELS * 1e6) ** 0.5 / factor)
        # What the small version is too small to show must lie whole in some tile.
        overlap = min(tile // 2, round(1.5 * _DLIB_SMALLEST_PX / whole))
        parts = [(Rectangle(0, 0, width, height), whole)]
        parts += [
            (Rectangle(left, top, right, bottom), factor)
            for top, bottom in _intervals(height, tile, overlap)
            for left, right in _intervals(width, tile, overlap)
        ]
        # dlib lets other threads run while it searches.
        with ThreadPoolExecutor(self._threads or min(_LARGEST_CREW, usable_cores())) as crew:
            searches = [crew.submit(self._search, pixels, *part) for part in parts]
            return _suppressed([detection for done in searches for detection in done.result()])


class GuidedDetector:
    """dlib only where the face finder proposes a face, in the 2,000 likeliest places of a photo at most.

    Args:
        smallest_px: width of the smallest face to find.
        threads, spinning, provider: see `open_session`.
    """

    def __init__(
        self,
        smallest_px: float = 16.0,
        *,
        threads: int | None = None,
        spinning: bool = True,
        provider: ProviderName = "auto",
    ) -> None:
        self.smallest_px = smallest_px
        self._finder = FaceFinder(threads=threads, spinning=spinning, provider=provider)
        self._search = _Dlib(_WINDOW_SCORE)

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        proposals = self._finder(pixels, self.smallest_px)[:_MAX_PROPOSALS]
        height, width = pixels.shape[:2]
        # One after the other: it takes longer to make another of dlib's objects than to look at a hundred places.
        return _suppressed(
            [
                detection
                for proposal in proposals
                for detection in self._search(
                    pixels, _surroundings(proposal, height, width), _WINDOW_FACE_PX / _side(proposal)
                )
            ]
        )


def _side(proposal: Proposal) -> float:
    left, top, right, bottom = proposal.box.tolist()
    return max(right - left, bottom - top)


def _surroundings(proposal: Proposal, height: int, width: int) -> Rectangle:
    """The window around a proposal that is searched, clipped to the photo."""
    left, top, right, bottom = proposal.box.tolist()
    x, y, reach = (left + right) / 2, (top + bottom) / 2, _WINDOW / 2 * _side(proposal)
    edges = math.floor(x - reach), math.floor(y - reach), math.ceil(x + reach), math.ceil(y + reach)
    # A box may reach beyond the photo; what is looked through has at least a pixel.
    left, top = min(max(0, edges[0]), width - 1), min(max(0, edges[1]), height - 1)
    return Rectangle(left, top, min(width, max(left + 1, edges[2])), min(height, max(top + 1, edges[3])))
