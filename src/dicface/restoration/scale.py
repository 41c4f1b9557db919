"""Enlargement of a photo: given, or the largest that keeps the result within a limit."""

from typing import Literal

from dicface.errors import UsageError

SCALE_RANGE = (1.0, 8.0)
AUTO_SCALES = (4.0, 2.0, 1.0)
AUTO_MEGAPIXELS = 24.0
"""Largest result of the scale auto: what current phones take, and what every program opens (ADR 36)."""
Scale = float | Literal["auto"]


def check_scale(scale: Scale) -> None:
    """Check a scale.

    Raises:
        UsageError: neither `auto` nor a number from 1 to 8.
    """
    if isinstance(scale, str):
        if scale != "auto":
            raise UsageError(f"expected a `scale` from {SCALE_RANGE[0]:g} to {SCALE_RANGE[1]:g} or auto, got {scale!r}")
    elif not SCALE_RANGE[0] <= scale <= SCALE_RANGE[1]:
        raise UsageError(f"expected a `scale` from {SCALE_RANGE[0]:g} to {SCALE_RANGE[1]:g}, got {scale:g}")


def scale_for(scale: Scale, width: int, height: int) -> float:
    """The enlargement of a photo.

    Args:
        scale: 1 to 8; auto takes the largest of 4, 2 and 1 whose result has at most `AUTO_MEGAPIXELS`, and 1 for a
            photo that is larger already.
        width, height: of the photo, in pixels.

    Raises:
        UsageError: see `check_scale`.
    """
    check_scale(scale)
    if not isinstance(scale, str):
        return float(scale)
    fitting = (each for each in AUTO_SCALES if width * height * each**2 <= AUTO_MEGAPIXELS * 1e6)
    return next(fitting, AUTO_SCALES[-1])
