"""Strength by the expected error: where a model disagrees with itself, less of its face is blended in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dicface.images.pixels import luma, resize
from dicface.restoration.paste import match_colours
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.uncertainty import mirror_and_step

WHOLE_UNTIL, NONE_FROM = 0.80, 1.10
"""Relative error up to which a face has its whole strength, and from which it has `LEAST_STRENGTH` of it. No damage
that was measured reaches the first on average, odd crops do; see `experiments/strength.py` and ADR 36."""
LEAST_STRENGTH = 0.1
_BORDER_PX = 8


def relative_errors(model: FaceModel, crops: Sequence[NDArray[np.uint8]], results: Sequence[FaceSteps]) -> list[float]:
    """Expected error of results, relative to their change against the plain enlargement.

    It is the mean disagreement of the last step with the mirrored face's result and with the step before, over the root
    mean square difference between result and plain enlargement, both of luma and without a border of 8 px.

    Args:
        model: the model that made the results; it runs once more, over the mirrored crops.
        crops: (S, S, 3) uint8 RGB each.
        results: its results for the crops.

    Returns:
        One number for each, 0 or more.
    """
    inner = np.s_[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX]
    found: list[float] = []
    for crop, result, (mirror, step) in zip(crops, results, mirror_and_step(model, crops, results), strict=True):
        matched = luma(match_colours(result.sr[-1], crop))
        change = (matched - luma(resize(crop, matched.shape)))[inner]
        disagreement = float(mirror[inner].mean() + step[inner].mean())
        found.append(disagreement / max(float(np.sqrt((change**2).mean())), 1e-3))
    return found


def strength_share(relative_error: float) -> float:
    """Share of the chosen strength that a face gets: 1 where the error is small, falling to `LEAST_STRENGTH`."""
    share = (NONE_FROM - relative_error) / (NONE_FROM - WHOLE_UNTIL)
    return min(1.0, max(LEAST_STRENGTH, share))
