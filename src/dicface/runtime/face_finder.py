"""The face finder: boxes, scores and landmarks of the faces in a photo."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import CheckpointError
from dicface.images.pixels import to_network
from dicface.runtime.models import find_model
from dicface.runtime.proposals import Proposal, suppressed
from dicface.runtime.providers import ProviderName
from dicface.runtime.sessions import open_session

FINDER_MODEL = "finder"
SMALLEST_PX = 11.0
"""Side of the smallest face that it finds, in pixels. Faces of three times the size are found in the reduced photo."""
PROPOSAL_SCORE = 0.15
"""Proposals with a lower score are left out, unless another limit is asked for."""
_STRIDE, _MULTIPLE = 4, 32
_SMALLER = 0.8
"""Boxes below that many times the smallest face wanted are left out; predicted sides are not exact."""
_SIDES = (7.0, 64.0)
"""Range of the sides of boxes, in pixels of the reduced photo; the network was trained on faces of 11 to 34 px."""
_MIN_SIDE = 16
"""Smallest side of a reduced photo, in pixels; a face that fills it has a size that is found."""
_TILE_PX = 1536
"""Largest side of a tile that goes through the network, in pixels; it takes about 250 MB."""
_OVERLAP_PX = 96
_OUTPUTS = ["score", "box", "points"]


class CellOutputs(NamedTuple):
    """Raw outputs of the network, one value for every 4x4 pixels.

    Attributes:
        scores: (N, H/4, W/4) float32 from 0 to 1, 0 in cells beside a better one.
        boxes: (N, 4, H/4, W/4) float32 left, top, right, bottom, in pixels of the picture, edges.
        points: (N, 10, H/4, W/4) float32 x, y of five landmarks, likewise.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]


class _Found(NamedTuple):
    """Many proposals: (N, 4), (N,) and (N, 5, 2) float32."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    points: NDArray[np.float32]


def _tiles(pixels: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Left, top and pixels of overlapping tiles."""
    height, width = pixels.shape[:2]
    step = _TILE_PX - _OVERLAP_PX
    for top in range(0, max(1, height - _OVERLAP_PX), step):
        for left in range(0, max(1, width - _OVERLAP_PX), step):
            yield left, top, pixels[top : top + _TILE_PX, left : left + _TILE_PX]


class FaceFinder:
    """Looks for faces of all sizes from 11 px, in ONNX Runtime. May be shared between threads."""

    def __init__(
        self,
        model: str = FINDER_MODEL,
        *,
        min_score: float = PROPOSAL_SCORE,
        threads: int | None = None,
        spinning: bool = True,
        provider: ProviderName = "auto",
    ) -> None:
        """Load a model.

        Args:
            model: name of an embedded finder, or a path.
            min_score: proposals with a lower score are left out.
            threads, spinning, provider: see `open_session`.

        Raises:
            UnknownModelError: no such model.
            CheckpointError: the file is not a finder.
        """
        path = find_model(model, kind="finder")
        self.min_score = min_score
        self._session = open_session(path, threads=threads, spinning=spinning, provider=provider)
        if [port.name for port in self._session.get_outputs()] != _OUTPUTS:
            raise CheckpointError(f"expected a face finder with outputs score, box and points, got {str(path)!r}")

    def __call__(self, pixels: NDArray[np.uint8], smallest_px: float = SMALLEST_PX) -> list[Proposal]:
        """Look through a photo as it is, and through its halves, quarters and so on.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            smallest_px: side of the smallest face wanted.

        Returns:
            Proposals, best first, each face once.
        """
        found: list[_Found] = []
        height, width = pixels.shape[:2]
        # Reduced by whole factors, which is cheap, so that the smallest face wanted is not reduced below 11 px.
        factor = 2 ** max(0, math.floor(math.log2(smallest_px / SMALLEST_PX)))
        image = Image.fromarray(np.ascontiguousarray(pixels))
        while True:
            reduced = np.asarray(image.reduce(factor)) if factor > 1 else pixels
            for left, top, tile in _tiles(reduced):
                part = self._look(tile)
                corner = np.array([left, top], dtype=np.float32)
                boxes, points = part.boxes + np.tile(corner, 2), part.points + corner
                found.append(_Found(boxes * factor, part.scores, points * factor))
            factor *= 2
            if min(height, width) / factor < _MIN_SIDE:
                return _distinct(found, _SMALLER * smallest_px)

    def run(self, images: NDArray[np.uint8]) -> CellOutputs:
        """Raw outputs of the network for pictures, without a search through reduced copies of them.

        Args:
            images: (N, H, W, 3) uint8 RGB, H and W divisible by 32.
        """
        return CellOutputs(*map(np.asarray, self._session.run(_OUTPUTS, {"image": to_network(images)})))

    def _look(self, tile: NDArray[np.uint8]) -> _Found:
        """Proposals in one tile, in its pixels."""
        height, width = tile.shape[:2]
        padding = ((0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0))
        scores, boxes, points = (output[0] for output in self.run(np.pad(tile, padding, mode="edge")[None]))
        # Peaks lie in the photo, not in what it was padded with.
        scores = scores[: -(-height // _STRIDE), : -(-width // _STRIDE)]
        rows, columns = np.nonzero(scores >= self.min_score)
        found = _Found(boxes[:, rows, columns].T, scores[rows, columns], points[:, rows, columns].T.reshape(-1, 5, 2))
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        possible = (sides.max(axis=1) >= _SIDES[0]) & (sides.max(axis=1) <= _SIDES[1])
        return _Found(*(part[possible] for part in found))


def _distinct(found: list[_Found], min_px: float) -> list[Proposal]:
    """Proposals of at least a given side without repetitions, best first."""
    boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
    wanted = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= min_px
    boxes, scores, points = boxes[wanted], scores[wanted], points[wanted]
    return suppressed([Proposal(*parts) for parts in zip(boxes, scores.tolist(), points, strict=True)])
