"""The face finder: likely places of faces in a photo, quickly."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import CheckpointError
from dicface.images.pixels import to_network
from dicface.runtime.models import find_model
from dicface.runtime.sessions import open_session

FINDER_MODEL = "finder"
SMALLEST_PX = 14.0
"""Side of the smallest face that it finds, and half that of the largest; larger ones are found in reduced photos."""
_STRIDE, _MULTIPLE = 4, 8
_SIDES = (8.0, 64.0)
"""What the network says of a size is kept to that, in pixels of the reduced photo, where faces have 14 to 36. Small
places are enlarged, and a strange photo must not make that fill the memory."""
_LEAST_SIDE = 16
"""A photo is reduced no further than to that, where a face that fills it has a size that is found."""
_TILE_PX = 1536
"""Largest side of what goes through the network at once; it takes about 150 MB then."""
_OVERLAP_PX = 64


class Place(NamedTuple):
    """Where a face may be.

    Attributes:
        x, y: its centre, in pixels of the photo, edges.
        side: of the landmarks' box, in pixels of the photo.
        chance: from 0 to 1.
    """

    x: float
    y: float
    side: float
    chance: float


def _tiles(pixels: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Left, top and pixels of overlapping tiles."""
    height, width = pixels.shape[:2]
    step = _TILE_PX - _OVERLAP_PX
    for top in range(0, max(1, height - _OVERLAP_PX), step):
        for left in range(0, max(1, width - _OVERLAP_PX), step):
            yield left, top, pixels[top : top + _TILE_PX, left : left + _TILE_PX]


class FaceFinder:
    """Looks for faces of all sizes from 14 px, in ONNX Runtime. May be shared between threads."""

    def __init__(
        self, model: str = FINDER_MODEL, least_chance: float = 0.2, threads: int = 0, spinning: bool = True
    ) -> None:
        """Load a model.

        Args:
            model: name of an embedded finder, or a path.
            least_chance: what is less likely is left out.
            threads, spinning: see `open_session`.

        Raises:
            UnknownModelError: no such model.
            CheckpointError: the file is not a finder.
        """
        path = find_model(model, kind="finder")
        self.least_chance = least_chance
        self._session = open_session(path, threads, spinning)
        if [port.name for port in self._session.get_outputs()] != ["probability", "side"]:
            raise CheckpointError(f"expected a face finder with outputs probability and side, got {str(path)!r}")

    def __call__(self, pixels: NDArray[np.uint8], smallest_px: float = SMALLEST_PX) -> list[Place]:
        """Look through a photo.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            smallest_px: side of the smallest face wanted.

        Returns:
            Likely places, best first; a face may have several.
        """
        places: list[Place] = []
        height, width = pixels.shape[:2]
        # Reduced by whole factors, which is cheap, so that the smallest face wanted is not reduced below 14 px.
        factor = 2 ** max(0, math.floor(math.log2(smallest_px / SMALLEST_PX)))
        image = Image.fromarray(np.ascontiguousarray(pixels))
        while True:
            reduced = np.asarray(image.reduce(factor)) if factor > 1 else pixels
            for left, top, tile in _tiles(reduced):
                for x, y, side, chance in self._look(tile):
                    # The last pixel of a reduced photo may stand for less than the others.
                    centre = min((left + x) * factor, width), min((top + y) * factor, height)
                    places.append(Place(*centre, side * factor, chance))
            factor *= 2
            if min(height, width) / factor < _LEAST_SIDE:
                return sorted(places, key=lambda place: -place.chance)

    def _look(self, tile: NDArray[np.uint8]) -> list[tuple[float, float, float, float]]:
        """x, y, side and chance of every likely place in one tile, in its pixels."""
        height, width = tile.shape[:2]
        padding = ((0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0))
        image = to_network(np.pad(tile, padding, mode="edge")[None])
        outputs = self._session.run(["probability", "side"], {"image": image})
        # Centres lie in the photo, not in what it was padded with.
        inside = (slice(-(-height // _STRIDE)), slice(-(-width // _STRIDE)))
        chances, sides = (np.asarray(output)[0][inside] for output in outputs)
        sides = np.clip(sides, *_SIDES)
        rows, columns = np.nonzero(chances >= self.least_chance)
        return [
            (
                min((column + 0.5) * _STRIDE, width),
                min((row + 0.5) * _STRIDE, height),
                float(sides[row, column]),
                float(chances[row, column]),
            )
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
