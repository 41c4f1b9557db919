"""Proposals of the face finder: boxes that may hold a face."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.runtime.suppression import non_maximum_suppression


class Proposal(NamedTuple):
    """A box that may hold a face.

    Attributes:
        box: (4,) float32 left, top, right, bottom about the landmarks, brows to chin, in pixels of the photo, edges.
        score: from 0 to 1.
        points: (5, 2) float32 x, y of the right and left eye, the tip of the nose, the right and left corner of the
            mouth, in pixels of the photo, edges.
    """

    box: NDArray[np.float32]
    score: float
    points: NDArray[np.float32]


def suppressed(proposals: list[Proposal]) -> list[Proposal]:
    """Proposals without repetitions, best first; see `non_maximum_suppression`."""
    boxes = np.array([proposal.box for proposal in proposals]).reshape(-1, 4)
    kept = non_maximum_suppression(boxes, np.array([proposal.score for proposal in proposals]))
    return [proposals[at] for at in kept.tolist()]
