"""Transparency: the colour of pixels that cannot be seen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEAST_ALPHA = 4
"""Pixels of a smaller alpha count as invisible: their colour changes what is seen by at most three grey levels."""


def fill_invisible(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replace the colours of invisible pixels by those of the visible pixels around them.

    Files store any colour where nothing is seen. Resizing and networks would mix it into the pixels beside it. The
    picture is reduced by halves, each pixel to the mean of its visible parts, until no pixel is invisible; then the
    invisible ones are filled from coarse to fine.

    Args:
        pixels: (H, W, 3) uint8 RGB; not changed.
        alpha: (H, W) uint8, 255 where opaque.

    Returns:
        (H, W, 3) uint8 RGB, which does not depend on invisible colours; black if nothing is visible.
    """
    invisible = alpha < LEAST_ALPHA
    if not invisible.any():
        return pixels
    if invisible.all():
        return np.zeros_like(pixels)
    return np.asarray(_filled(np.dstack([pixels, np.where(invisible, 0, alpha)])))


def _filled(rgba: NDArray[np.uint8]) -> Image.Image:
    """RGB of an image whose invisible pixels have an alpha of 0, with their colours filled."""
    image = Image.fromarray(rgba)
    # Pillow weights colours by alpha.
    smaller = np.array(image.reduce(2))
    smaller[:, :, 3] = np.where(smaller[:, :, 3] > 0, 255, 0)
    coarse = Image.fromarray(smaller).convert("RGB") if smaller[:, :, 3].all() else _filled(smaller)
    filled = coarse.resize(image.size, Image.Resampling.BILINEAR)
    filled.paste(image.convert("RGB"), mask=Image.fromarray(np.where(rgba[:, :, 3] > 0, 255, 0).astype(np.uint8)))
    return filled
