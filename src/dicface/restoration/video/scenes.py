"""Scene cuts, by thumbnails of successive frames."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIZE = (48, 27)
_CHANGE = 24.0
"""Least mean change of the thumbnail at a cut, in grey levels."""
_COMMON = 0.72
"""Largest common share of the two histograms at a cut; a pan keeps more."""
_BINS = 8


class SceneCuts:
    """Tells the first frame of a scene. It holds one thumbnail."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None

    def __call__(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether a frame begins a scene; the first frame does.

        Args:
            pixels: (H, W, 3) uint8 RGB.
        """
        small = Image.fromarray(pixels).resize(_SIZE, Image.Resampling.BOX, reducing_gap=1.0)
        now, before = np.asarray(small, dtype=np.float32), self._last
        self._last = now
        if before is None:
            return True
        return float(np.abs(now - before).mean()) > _CHANGE and _common(now, before) < _COMMON


def _common(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Common share of two histograms of colours."""
    weights = np.array((_BINS**2, _BINS, 1))
    bins = (((image // (256 // _BINS)) @ weights).astype(int).ravel() for image in (one, other))
    first, second = (np.bincount(each, minlength=_BINS**3) for each in bins)
    return float(np.minimum(first, second).sum() / (_SIZE[0] * _SIZE[1]))
