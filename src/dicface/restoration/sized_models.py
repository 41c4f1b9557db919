"""The face models of a restorer: its own, and one for larger faces."""

import threading

from dicface.files import file_digest
from dicface.images.pixels import LARGE_FACE_PX, LR_PX_OF
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import find_model, larger_model
from dicface.runtime.providers import BackendName, ProviderName

LARGER_FROM_PX = 48
"""Side of a crop from which the larger model restores it. See `experiments/large_crops.py` and ADR 43."""
LARGEST_SIDE = 64
"""Largest crop that is restored by an any-size model of 128 px, in pixels. Beyond it, the gain ends (ADR 5)."""
LARGEST_SQUEEZE = 1.5
"""Largest factor by which crops are resized for a network of one input size; beyond, there is no gain."""


class SizedModels:
    """Gives the model for a crop by its side. The larger model is opened when a crop first needs it.

    Attributes:
        model: the restorer's own model, which also locates landmarks in the first pass.
        larger_name: name of the model for larger crops; None if there is none.
    """

    def __init__(
        self,
        model: FaceModel,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        threads: int | None = None,
        spinning: bool = True,
    ) -> None:
        """Find the model for larger crops.

        Args:
            model: the restorer's own model.
            backend, provider, threads, spinning: of the larger model, see `FaceModel`.
        """
        self.model = model
        self.larger_name = larger_model(model.name)
        self._how = backend, provider, threads, spinning
        self._larger: FaceModel | None = None
        self._opening = threading.Lock()

    @property
    def larger_sha256(self) -> str | None:
        """SHA-256 of the larger model's file in hex, which is not opened for it; None if there is none."""
        return None if self.larger_name is None else file_digest(find_model(self.larger_name))

    def larger(self) -> FaceModel:
        """The larger model; only where there is one."""
        assert self.larger_name is not None
        with self._opening:
            if self._larger is None:
                backend, provider, threads, spinning = self._how
                self._larger = FaceModel(
                    self.larger_name, backend=backend, provider=provider, threads=threads, spinning=spinning
                )
            return self._larger

    def takes_larger(self, side: int) -> bool:
        """Whether the larger model restores a crop of this side."""
        return self.larger_name is not None and side >= LARGER_FROM_PX

    def for_side(self, side: int) -> FaceModel:
        """The model that restores a crop of this side."""
        return self.larger() if self.takes_larger(side) else self.model

    @property
    def largest_side(self) -> float:
        """Largest side of a crop that is restored, in pixels."""
        if self.larger_name is not None:
            return LR_PX_OF[LARGE_FACE_PX][1]
        low, high = self.model.lr_sizes
        if low == high:
            return high * LARGEST_SQUEEZE
        return LARGEST_SIDE if self.model.face_px < LARGE_FACE_PX else high
