"""Traces of JPEG in pixels, whatever file they come in.

JPEG cuts a photo into blocks of 8x8 px and rounds each block's DCT coefficients to multiples of a step, the larger the
lower the quality. On the grid of these blocks hardly any coefficient then lies between zero and the first step. On the
63 grids beside it, and in a photo that was never coarsely stored, many do. Resizing and turning by an angle wipe the
trace out, though not what the rounding has cost.
"""

import numpy as np
from numpy.typing import NDArray

from dicface.faces.geometry import Square
from dicface.images.pixels import luma

WINDOW_PX = 256
"""Side of the part of a photo, about the face, that is looked at."""
_BLOCK_PX = 8
_ORDERS = 5
"""Coefficients of up to that order less one across and down together: finer ones are zero in most blocks anyway."""
_GAP = (2.0, 8.0)
"""Small coefficients, in grey levels: above what rounding of pixels makes of zero, below the steps of coarse JPEG."""
_FEW = 6.0
"""Coefficients that have to be missing before it means anything."""


def _cosines() -> NDArray[np.float32]:
    """(orders, 8) rows of the orthonormal DCT-II."""
    order, at = np.arange(_ORDERS)[:, None], np.arange(_BLOCK_PX)[None]
    rows = np.sqrt(2 / _BLOCK_PX) * np.cos(np.pi * (2 * at + 1) * order / (2 * _BLOCK_PX))
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)


_COSINES = _cosines()
_SUM_OF_ORDERS = np.add.outer(np.arange(_ORDERS), np.arange(_ORDERS))
_LOW = (_SUM_OF_ORDERS > 0) & (_SUM_OF_ORDERS < _ORDERS)
"""(down, across) the 14 coefficients that are looked at."""


def _around(pixels: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
    """The part of a photo that is looked at; the whole of a small photo."""
    found: list[slice] = []
    for start, size in zip((square.top, square.left), pixels.shape[:2], strict=True):
        first = min(max(start + (square.side - WINDOW_PX) // 2, 0), max(size - WINDOW_PX, 0))
        found.append(slice(first, first + WINDOW_PX))
    return pixels[tuple(found)]


def _small_coefficients(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(8, 8) how many small coefficients there are on each grid, by its first row and column.

    Args:
        values: (H, W) luma, at least 15 px a side. As many blocks as every grid has are looked at.
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
    """The share of small DCT coefficients about a face that one grid of 8x8 blocks lacks.

    Args:
        pixels: (H, W, 3) uint8 RGB, the photo.
        square: the face's crop.

    Returns:
        About 0 in a photo that was never a JPEG, or one of high quality; about 0.5 at quality 75 and near 1 at 60 and
        less; 0 where there is too little to tell. Measured in docs/doubt.md.
    """
    values = luma(_around(pixels, square))
    if min(values.shape) < 2 * _BLOCK_PX:
        return 0.0
    counts = _small_coefficients(values)
    usual = float(np.median(counts))
    return max(0.0, usual - float(counts.min()) - _FEW) / max(usual, 1.0)
