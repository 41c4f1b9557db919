"""How much detail results add, how well it fits, and whether it is stitched.

Detail of a crop of S px is what the crop cannot hold: the part of a face's luma with more than S / 2 waves across it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.images.pixels import luma, resize

STITCH_PERIODS_PX = (2, 4, 8)
"""Periods of the patterns that strided layers and their enlargements leave behind."""
_PEAK_REACH = 1
_NEIGHBOURS = range(3, 7)
"""Distances from a peak in waves. The window spreads a peak over one wave to each side; 2 is left free."""


class DetailEnergies(NamedTuple):
    """Energies of N faces and of their high-resolution faces, for `DetailScores`.

    Attributes:
        made, real: (N,) float64 energy of the detail.
        common: (N,) float64 inner product of both details.
        made_peaks, real_peaks: (N, 3, 2) float64 energy of the residual at the periods of `STITCH_PERIODS_PX`, and mean
            energy beside each.
    """

    made: NDArray[np.float64]
    real: NDArray[np.float64]
    common: NDArray[np.float64]
    made_peaks: NDArray[np.float64]
    real_peaks: NDArray[np.float64]


class DetailScores(NamedTuple):
    """Detail over all faces together.

    Attributes:
        share: energy of the detail as a share of that in the high-resolution faces.
        correlation: correlation with their detail: 1 for the same but for strength, less for what is elsewhere or
            missing; 0 where there is no detail.
        stitch: energy of the residual at the period that stands out most, relative to its neighbours and to the same in
            the high-resolution faces. 1 for real faces, larger where a network leaves a grid; None without residual.
    """

    share: float
    correlation: float
    stitch: float | None


def _spectrum(values: NDArray[np.float32]) -> NDArray[np.complex128]:
    """(N, R, R) float -> (N, R, R) complex, mean removed and border faded out."""
    window = np.hanning(values.shape[-1])
    centred = values - values.mean(axis=(1, 2), keepdims=True)
    return np.fft.fft2(centred * np.outer(window, window))


def _peaks(residual: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, R, R) float -> (N, 3, 2) float64 energies at and beside the periods, rows and columns together."""
    energy = np.abs(_spectrum(residual)) ** 2
    half = residual.shape[-1] // 2
    # By the number of waves, 0 to R / 2, across or down.
    waves = (energy.sum(axis=1) + energy.sum(axis=2))[:, : half + 1]
    pairs: list[NDArray[np.float64]] = []
    for period in STITCH_PERIODS_PX:
        peak = residual.shape[-1] // period
        at = [wave for wave in range(peak - _PEAK_REACH, peak + _PEAK_REACH + 1) if wave <= half]
        beside = [peak + sign * distance for distance in _NEIGHBOURS for sign in (-1, 1)]
        beside = [wave for wave in beside if 0 < wave <= half]
        pairs.append(np.stack([waves[:, at].mean(axis=1), waves[:, beside].mean(axis=1)], axis=-1))
    return np.stack(pairs, axis=1)


def detail_energies(sr: NDArray[np.uint8], hr: NDArray[np.uint8], lr_size: int) -> DetailEnergies:
    """Measure the detail of results.

    Args:
        sr, hr: (N, R, R, 3) uint8 RGB, results and high-resolution faces.
        lr_size: S, side of the crops in pixels. The residual is what a face has beyond the plain enlargement of its
            undamaged crop.

    Returns:
        Energies by face; add those of several batches with `joined_energies`.
    """
    side = hr.shape[1]
    across = np.fft.fftfreq(side, 1 / side)
    beyond = np.hypot(across[:, None], across) > lr_size / 2
    # Face by face in memory, so that a sum does not depend on the faces beside it.
    made, real = (np.ascontiguousarray(_spectrum(luma(faces))[:, beyond]) for faces in (sr, hr))
    plain = luma(np.stack([resize(resize(face, (lr_size, lr_size)), (side, side)) for face in hr]))
    return DetailEnergies(
        (np.abs(made) ** 2).sum(axis=1),
        (np.abs(real) ** 2).sum(axis=1),
        (made * real.conj()).real.sum(axis=1),
        _peaks(luma(sr) - plain),
        _peaks(luma(hr) - plain),
    )


def joined_energies(parts: Sequence[DetailEnergies]) -> DetailEnergies:
    """Energies of several batches as those of one."""
    return DetailEnergies(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def detail_scores(energies: DetailEnergies) -> DetailScores:
    """Share, correlation and stitch over all faces together."""
    made, real, common = (float(each.sum()) for each in energies[:3])
    made_peaks, real_peaks = energies.made_peaks.sum(axis=0), energies.real_peaks.sum(axis=0)
    stitch = None
    if made_peaks.all() and real_peaks.all():
        contrast = (made_peaks[:, 0] / made_peaks[:, 1]) / (real_peaks[:, 0] / real_peaks[:, 1])
        stitch = float(contrast.max())
    return DetailScores(made / real if real else 0.0, common / (made * real) ** 0.5 if made and real else 0.0, stitch)
