"""JPEG blockiness, estimated from pixels.

JPEG quantises the DCT coefficients of blocks of 8x8 px to multiples of a step, which grows as quality falls. On the
grid of these blocks few coefficients lie between zero and the first step; on the 63 shifted grids, and in photos of
high quality, many do. Resizing and rotation remove this trace, though not the damage.
"""

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square
from dicface.images.pixels import luma

_WINDOW_PX = 256
"""Side in pixels of the analysed window around the face."""
_BLOCK_PX = 8
_ORDERS = 5
"""Analysed are coefficients whose orders add up to less than this: finer ones are zero in most blocks."""
_GAP = (2.0, 8.0)
"""Range of small coefficients in grey levels: above rounding errors of pixels, below the steps of coarse JPEG."""
_FEW = 6.0
"""Smallest number of missing coefficients that is significant."""


def _cosines() -> NDArray[np.float32]:
    """The first rows of the orthonormal DCT-II: (orders, 8) float32."""
    order, at = np.arange(_ORDERS)[:, None], np.arange(_BLOCK_PX)[None]
    rows = np.sqrt(2 / _BLOCK_PX) * np.cos(np.pi * (2 * at + 1) * order / (2 * _BLOCK_PX))
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)


_COSINES = _cosines()
_SUM_OF_ORDERS = np.add.outer(np.arange(_ORDERS), np.arange(_ORDERS))
_LOW = (_SUM_OF_ORDERS > 0) & (_SUM_OF_ORDERS < _ORDERS)
"""(5, 5) bool, down and across: the 14 analysed coefficients."""


def window_around(pixels: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
    """The part of a photo around a face that its damage is estimated from: (H, W, 3), up to 256 px a side."""
    found: list[slice] = []
    for start, size in zip((square.top, square.left), pixels.shape[:2], strict=True):
        first = min(max(start + (square.side - _WINDOW_PX) // 2, 0), max(size - _WINDOW_PX, 0))
        found.append(slice(first, first + _WINDOW_PX))
    return pixels[tuple(found)]


def _small_coefficients(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Count small coefficients on each of the 64 grids.

    Args:
        values: (H, W) float32 luma, at least 15 px a side. The same number of blocks is analysed on every grid.

    Returns:
        (8, 8) float64 by the grid's first row and column.
    """
    rows, columns = ((side - _BLOCK_PX + 1) // _BLOCK_PX for side in values.shape)
    counts = np.zeros((_BLOCK_PX, _BLOCK_PX))
    for top in range(_BLOCK_PX):
        strips = values[top : top + rows * _BLOCK_PX].reshape(rows, _BLOCK_PX, -1)
        down = np.tensordot(_COSINES, strips, (1, 1))
        for left in range(_BLOCK_PX):
            blocks = down[:, :, left : left + columns * _BLOCK_PX].reshape(_ORDERS, rows, columns, _BLOCK_PX)
            size = np.abs(blocks @ _COSINES.T)
            small = (size > _GAP[0]) & (size < _GAP[1])
            counts[top, left] = small.sum(axis=(1, 2))[_LOW].sum()
    return counts


def blockiness(pixels: NDArray[np.uint8], square: Square) -> float:
    """Share of small DCT coefficients around a face that are missing on one grid of 8x8 blocks.

    Args:
        pixels: (H, W, 3) uint8 RGB, the photo.
        square: the face's crop.

    Returns:
        About 0 without JPEG or at high quality, about 0.5 at quality 75, near 1 at 60 and below; 0 if the photo is too
        small to tell. Measured in docs/quality-warnings.md.
    """
    values = luma(window_around(pixels, square))
    if min(values.shape) < 2 * _BLOCK_PX:
        return 0.0
    counts = _small_coefficients(values)
    usual = float(np.median(counts))
    return max(0.0, usual - float(counts.min()) - _FEW) / max(usual, 1.0)
