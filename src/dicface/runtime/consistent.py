"""Results that reduce to their input."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dicface.runtime.consistency import make_consistent
from dicface.runtime.models import FaceSteps
from dicface.runtime.upscalers import Contender


class Consistent:
    """A model whose last step is made to reduce to its input exactly (ADR 0018).

    Attributes:
        name: the model's, marked.
        backend: what runs the model.
        description: of the model, and of this.
        lr_sizes: smallest and largest side of a crop, in pixels.
        sha256: of the model's file.
    """

    def __init__(self, model: Contender) -> None:
        self._model = model
        self.name = f"{model.name} (consistent)"
        self.backend = model.backend
        self.sha256 = model.sha256
        self.description = f"{model.description}, projected so that it reduces to its input"
        self.lr_sizes = model.lr_sizes

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """See `Contender`."""
        results: list[FaceSteps] = []
        for crop, steps in zip(crops, self._model(crops), strict=True):
            last = make_consistent(steps.sr[-1], crop)
            results.append(steps._replace(sr=np.concatenate([steps.sr[:-1], last[None]])))
        return results
