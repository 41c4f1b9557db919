"""Evaluation protocols: what is compared, under one name each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicface.evaluation import metrics


@dataclass(frozen=True)
class Protocol:
    """How two faces are compared.

    Attributes:
        name: stands beside every number measured this way.
        luma: compare BT.601 luma instead of RGB.
        border: pixels cut from every side first.
    """

    name: str
    luma: bool
    border: int

    def _view(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = images.shape[1:3]
        inner = images[:, self.border : height - self.border, self.border : width - self.border]
        return metrics.luma(inner) if self.luma else inner

    def psnr(self, sr: NDArray[np.uint8], hr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, H, W, 3) uint8 RGB twice -> (N,) float64 dB."""
        return metrics.psnr(self._view(sr), self._view(hr))

    def ssim(self, sr: NDArray[np.uint8], hr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, H, W, 3) uint8 RGB twice -> (N,) float64."""
        return metrics.ssim(self._view(sr), self._view(hr))


Y_CROP8 = Protocol("y-crop8", luma=True, border=8)
"""The paper's."""
RGB_CROP8 = Protocol("rgb-crop8", luma=False, border=8)
"""mmagic's."""
Y = Protocol("y", luma=True, border=0)
"""SPARNet's and later papers'."""

PROTOCOLS = (Y_CROP8, RGB_CROP8, Y)
