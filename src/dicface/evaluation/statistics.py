"""Means over faces with bootstrap intervals, and paired comparisons."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_DRAWS = 2000
# Resampling is done in parts, which bounds memory on large sets.
_DRAWN_AT_ONCE = 4_000_000


def bootstrap_interval(values: NDArray[np.float64]) -> list[float]:
    """95 % bootstrap interval of a mean, with a fixed seed.

    Args:
        values: (N,) finite values, one per face.

    Returns:
        Low and high end.
    """
    generator = np.random.default_rng(0)
    rows = max(1, _DRAWN_AT_ONCE // len(values))
    means = [
        values[generator.integers(0, len(values), (min(rows, BOOTSTRAP_DRAWS - first), len(values)))].mean(axis=1)
        for first in range(0, BOOTSTRAP_DRAWS, rows)
    ]
    return [float(edge) for edge in np.quantile(np.concatenate(means), (0.025, 0.975))]


class Estimate(NamedTuple):
    """A mean over faces.

    Attributes:
        mean: the mean; None if infinite, as the PSNR of an exact result, which JSON cannot hold.
        ci95: 95 % bootstrap interval; None without a mean.
    """

    mean: float | None
    ci95: list[float] | None

    @property
    def json(self) -> dict[str, Any]:
        """`mean` and `ci95`."""
        return self._asdict()

    def text(self, digits: int, factor: float = 1.0, sign: str = "") -> str:
        """The mean as text, with the interval in brackets."""
        if self.mean is None:
            return "infinite"
        mean = f"{self.mean * factor:{sign}.{digits}f}"
        if self.ci95 is None:
            return mean
        low, high = (f"{edge * factor:{sign}.{digits}f}" for edge in self.ci95)
        return f"{mean} [{low}, {high}]"


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Mean and interval of (N,) values."""
    if not np.isfinite(values).all():
        return Estimate(None, None)
    return Estimate(float(values.mean()), bootstrap_interval(values))


class Paired(NamedTuple):
    """Paired comparison of two upscalers.

    Attributes:
        difference: mean difference, first minus second.
        win_rate: share of faces on which the first is better; ties count half.
        worse: share of faces on which the first is worse; ties do not count.
    """

    difference: Estimate
    win_rate: float
    worse: float

    @property
    def json(self) -> dict[str, Any]:
        """`difference` (mean), `ci95`, `win_rate` and `worse`."""
        difference = {"difference": self.difference.mean, "ci95": self.difference.ci95}
        return {**difference, "win_rate": self.win_rate, "worse": self.worse}


def paired(values: NDArray[np.float64], others: NDArray[np.float64], *, lower_is_better: bool = False) -> Paired:
    """Compare two upscalers face by face.

    Args:
        values, others: (N,) float64, scores of the same faces in the same order.
        lower_is_better: True for errors.
    """
    # Two exact results have infinite PSNR and a difference of zero.
    difference = np.subtract(values, others, out=np.zeros(len(values)), where=values != others)
    above, below = (values > others).mean(), (values < others).mean()
    wins, losses = (below, above) if lower_is_better else (above, below)
    return Paired(estimate(difference), float(wins + 0.5 * (values == others).mean()), float(losses))
