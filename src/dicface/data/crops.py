"""Faces as the bytes that packs store."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.errors import UsageError

CROP_FORMATS = ("webp", "webp-lossless", "png", "jpeg")


def encode_crop(pixels: NDArray[np.uint8], kind: str, quality: int) -> bytes:
    """A face as the bytes of an image file.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        kind: one of `CROP_FORMATS`; `webp-lossless` and `png` keep every pixel.
        quality: 1 to 100, for `webp` and `jpeg`.

    Raises:
        UsageError: another format.
    """
    file = BytesIO()
    match kind:
        case "webp":
            Image.fromarray(pixels).save(file, "WEBP", quality=quality)
        case "webp-lossless":
            Image.fromarray(pixels).save(file, "WEBP", lossless=True)
        case "png":
            Image.fromarray(pixels).save(file, "PNG")
        case "jpeg":
            Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
        case _:
            raise UsageError(f"expected a format, one of {', '.join(CROP_FORMATS)}, got {kind!r}")
    return file.getvalue()
