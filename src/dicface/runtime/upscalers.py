"""What can be measured: anything that makes 128 px faces of small ones, not models alone."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicface.consistency import make_consistent
from dicface.images import FACE_PX, LR_PX
from dicface.runtime.models import FaceSteps


class Upscaler(Protocol):
    """Crops in, 128 px faces out."""

    @property
    def name(self) -> str:
        """Stands beside every number."""
        ...

    @property
    def lr_sizes(self) -> tuple[int, int]:
        """Smallest and largest side of a crop, in pixels."""
        ...

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """Super-resolve crops.

        Args:
            crops: (S, S, 3) uint8 RGB each, S within `lr_sizes`.

        Returns:
            One result a crop, in order. Those that find no landmarks have arrays for none.
        """
        ...


def image_alone(sr: NDArray[np.uint8]) -> FaceSteps:
    """The result of what makes one image in one step and finds no landmarks.

    Args:
        sr: (128, 128, 3) uint8 RGB.
    """
    return FaceSteps(sr[None], np.empty((1, 0, 2), np.float32), np.empty((1, 0), np.float32))


class Enlargement:
    """Plain enlargement by one of Pillow's filters."""

    lr_sizes = LR_PX

    def __init__(self, name: str) -> None:
        """Choose the filter.

        Args:
            name: bicubic or lanczos.
        """
        self.name = name
        self._filter = Image.Resampling[name.upper()]

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """See `Upscaler`."""
        size = (FACE_PX, FACE_PX)
        return [image_alone(np.asarray(Image.fromarray(crop).resize(size, self._filter))) for crop in crops]


class Consistent:
    """An upscaler whose last step is made to reduce to its input exactly (ADR 0018)."""

    def __init__(self, upscaler: Upscaler) -> None:
        self._upscaler = upscaler
        self.name = f"{upscaler.name} (consistent)"
        self.lr_sizes = upscaler.lr_sizes

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """See `Upscaler`."""
        results: list[FaceSteps] = []
        for crop, steps in zip(crops, self._upscaler(crops), strict=True):
            last = make_consistent(steps.sr[-1], crop)
            results.append(steps._replace(sr=np.concatenate([steps.sr[:-1], last[None]])))
        return results
