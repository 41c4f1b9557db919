"""From numbers of each face to one number with its interval."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_DRAWS = 2000
# Draws are made in parts, which bounds their memory on large sets.
_DRAWN_AT_ONCE = 4_000_000


def bootstrap_interval(values: NDArray[np.float64]) -> list[float]:
    """95 % interval of a mean by resampling the faces, always with the same draws.

    Args:
        values: (N,) one finite number a face.
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
        mean: None if it is infinite, as the PSNR of a face that came back exactly, which has no place in JSON.
        ci95: 95 % bootstrap interval; None beside no mean.
    """

    mean: float | None
    ci95: list[float] | None

    @property
    def json(self) -> dict[str, Any]:
        """`mean` and `ci95`."""
        return self._asdict()

    def text(self, digits: int, factor: float = 1.0, sign: str = "") -> str:
        """For reading: the mean, and the interval in brackets."""
        if self.mean is None:
            return "infinite"
        mean = f"{self.mean * factor:{sign}.{digits}f}"
        if self.ci95 is None:
            return mean
        low, high = (f"{edge * factor:{sign}.{digits}f}" for edge in self.ci95)
        return f"{mean} [{low}, {high}]"


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Mean and interval of (N,) numbers."""
    if not np.isfinite(values).all():
        return Estimate(None, None)
    return Estimate(float(values.mean()), bootstrap_interval(values))


class Paired(NamedTuple):
    """Two upscalers on the same faces.

    Attributes:
        difference: of the first to the second, face by face.
        win_rate: share of faces on which the first is better, ties counting half.
        worse: share of faces on which the first is worse, ties not counting.
    """

    difference: Estimate
    win_rate: float
    worse: float

    @property
    def json(self) -> dict[str, Any]:
        """`difference` (mean), `ci95`, `win_rate` and `worse`."""
        difference = {"difference": self.difference.mean, "ci95": self.difference.ci95}
        return {**difference, "win_rate": self.win_rate, "worse": self.worse}


def paired(values: NDArray[np.float64], others: NDArray[np.float64], lower_is_better: bool = False) -> Paired:
    """Compare two upscalers face by face.

    Args:
        values, others: (N,), of the same faces in the same order.
        lower_is_better: as for errors.
    """
    # Two faces that both came back exactly differ by nothing, as endless as their PSNR is.
    difference = np.subtract(values, others, out=np.zeros(len(values)), where=values != others)
    above, below = (values > others).mean(), (values < others).mean()
    wins, losses = (below, above) if lower_is_better else (above, below)
    return Paired(estimate(difference), float(wins + 0.5 * (values == others).mean()), float(losses))
