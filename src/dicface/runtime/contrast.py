"""Contrast that networks know: crops of little contrast are stretched before a network and its results brought back.

Networks give a face the contrast of those they learnt from. To one with a tenth of it, in fog or on a faded print, they
gave several times more than it has, 5 dB worse than the plain enlargement (ADR 47).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.images.pixels import luma, to_network

CONTRAST = 40
"""Standard deviation of luma in grey levels that crops are stretched to. Most faces have more and stay as they are."""
MAX_GAIN = 20
"""Largest factor. Beyond, a crop has fewer than ten grey levels, and rounding is what would be stretched."""


class Stretch(NamedTuple):
    """How a crop was stretched: `stretched = (crop - mean) * gain + centre`.

    Attributes:
        gain: 1 or more; 1 for crops that stay as they are.
        mean, centre: (3,) float32, mean of each channel before and after, in [0, 1].
    """

    gain: float
    mean: NDArray[np.float32]
    centre: NDArray[np.float32]


def stretched(crops: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], list[Stretch]]:
    """Stretch those crops whose contrast is below `CONTRAST`.

    Nothing is clipped: the factor is as small, and the mean moved as far, as the range of pixels demands.

    Args:
        crops: N of (S, S, 3) uint8 RGB.

    Returns:
        (N, 3, S, S) float32 in [0, 1], the network's input, and how each was stretched.
    """
    lr = to_network(np.stack(crops))
    stretches: list[Stretch] = []
    for number, crop in enumerate(crops):
        one = lr[number]
        spread = float(np.ptp(one, axis=(1, 2)).max())
        wanted = CONTRAST / max(float(luma(crop).std()), CONTRAST / MAX_GAIN)
        gain = min(wanted, 1 / spread) if spread else 1.0
        mean = one.mean(axis=(1, 2))
        if gain <= 1:
            stretches.append(Stretch(1.0, mean, mean))
            continue
        around = (one - mean[:, None, None]) * np.float32(gain)
        centre = np.clip(mean, -around.min(axis=(1, 2)), 1 - around.max(axis=(1, 2)))
        lr[number] = around + centre[:, None, None]
        stretches.append(Stretch(gain, mean, centre))
    return lr, stretches


def brought_back(sr: NDArray[np.float32], stretches: Sequence[Stretch]) -> NDArray[np.float32]:
    """Results of stretched crops with the contrast and the means of the crops.

    Args:
        sr: (N, T, 3, R, R) float32 in [0, 1], of crops as `stretched` returns them.
        stretches: how each of them was stretched.

    Returns:
        The same shape; results of crops that stayed as they were are bit-equal.
    """
    if all(stretch.gain == 1 for stretch in stretches):
        return sr
    back = sr.copy()
    for number, (gain, mean, centre) in enumerate(stretches):
        if gain > 1:
            back[number] = (sr[number] - centre[:, None, None]) / np.float32(gain) + mean[:, None, None]
    return back
