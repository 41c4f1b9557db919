"""Evaluation protocols by name: colour, border and metric variants."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.evaluation import metrics


@dataclass(frozen=True)
class Protocol:
    """A way to compare two faces.

    Attributes:
        name: name of the protocol.
        luma: compare BT.601 luma instead of RGB.
        border: pixels cut off every side first.
        negative: compute SSIM of the luma's negative, an artefact of the released code (ADR 11).
    """

    name: str
    luma: bool
    border: int
    negative: bool = False

    def _view(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = images.shape[1:3]
        inner = images[:, self.border : height - self.border, self.border : width - self.border]
        return metrics.studio_luma(inner) if self.luma else inner

    def psnr(self, sr: NDArray[np.uint8], hr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, H, W, 3) uint8 RGB twice -> (N,) float64 dB."""
        return metrics.psnr(self._view(sr), self._view(hr))

    def ssim(self, sr: NDArray[np.uint8], hr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, H, W, 3) uint8 RGB twice -> (N,) float64."""
        views = self._view(sr), self._view(hr)
        # 8-bit luma times 255 wraps round to its negative.
        return metrics.ssim(*((view * np.uint8(255) for view in views) if self.negative else views))


Y_CROP8 = Protocol("y-crop8", luma=True, border=8)
"""Protocol of the paper."""
RGB_CROP8 = Protocol("rgb-crop8", luma=False, border=8)
"""Protocol of mmagic."""
Y = Protocol("y", luma=True, border=0)
"""Protocol of SPARNet and later papers."""

Y_CROP8_RELEASED = Protocol("y-crop8-released", luma=True, border=8, negative=True)
"""Protocol of the authors' code: PSNR as `y-crop8`, SSIM of negatives (ADR 11). For comparison with its output."""

PROTOCOLS = (Y_CROP8, RGB_CROP8, Y)
"""Default protocols."""


def protocols_by_name(names: Sequence[str]) -> tuple[Protocol, ...]:
    """Look up protocols by name.

    Raises:
        UsageError: an unknown name.
    """
    known = {protocol.name: protocol for protocol in (*PROTOCOLS, Y_CROP8_RELEASED)}
    for name in names:
        if name not in known:
            raise UsageError(f"expected a protocol, one of {', '.join(known)}, got {name!r}")
    return tuple(known[name] for name in dict.fromkeys(names))
