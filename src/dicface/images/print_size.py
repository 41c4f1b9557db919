"""Print size: pixels an inch, and the shape of a pixel, as files of each format state them."""

import math
from typing import Any

from PIL import Image

from dicface.errors import is_our_fault
from dicface.images.exif import print_dpi, unitless_density

_DPI_RANGE = (1.0, 1e6)
_RESOLUTION_INFO = 0x03ED
"""Number of Photoshop's resource with the resolution, as fixed-point numbers, which Pillow converts."""


def stated_dpi(image: Image.Image) -> tuple[float, float] | None:
    """Pixels an inch across and down of the stored picture; None if not stated."""
    dpi: Any = None
    match image.format:
        case "JPEG" | "MPO":
            # Without a statement, Pillow says 72 of a JPEG with EXIF.
            unit = {1: 1.0, 2: 2.54}.get(image.info.get("jfif_unit", 0))
            density = image.info.get("jfif_density", (0, 0))
            dpi = _photoshop_dpi(image) if unit is None else (density[0] * unit, density[1] * unit)
        case "PNG" | "BMP":
            dpi = image.info.get("dpi")
        case "TIFF":
            dpi = print_dpi(getattr(image, "tag_v2", {}))
        case _:
            pass
    if dpi is None and image.format != "TIFF":
        try:
            dpi = print_dpi(image.getexif())
        except Exception as error:  # damaged EXIF raises exceptions of any class
            if is_our_fault(error):
                raise
            return None
    if dpi is None:
        return None
    low, high = _DPI_RANGE
    across, down = float(dpi[0]), float(dpi[1])
    return (across, down) if all(math.isfinite(value) and low <= value <= high for value in (across, down)) else None


def _photoshop_dpi(image: Image.Image) -> tuple[float, float] | None:
    """As Photoshop states it in a JPEG beside JFIF and EXIF, always by the inch; None if it does not."""
    resources: Any = image.info.get("photoshop")
    stated = resources.get(_RESOLUTION_INFO) if isinstance(resources, dict) else None
    return (stated["XResolution"], stated["YResolution"]) if isinstance(stated, dict) else None


def has_square_pixels(image: Image.Image) -> bool:
    """Whether a file's pixels are square, as far as it states their shape alone, without a print size."""
    shape: Any = (1, 1)
    match image.format:
        case "JPEG" | "MPO" if image.info.get("jfif_unit") == 0:
            shape = image.info.get("jfif_density", shape)
        case "PNG":
            shape = image.info.get("aspect", shape)
        case "TIFF":
            shape = unitless_density(getattr(image, "tag_v2", {})) or shape
        case _:
            pass
    return shape[0] == shape[1] or 0 in shape
