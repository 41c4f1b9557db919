"""The face models of a restorer: its own, one for larger faces, and their sharper ones."""

import threading

from dicface.images.pixels import LARGE_FACE_PX, LR_PX_OF
from dicface.runtime.face_model import FaceModel
from dicface.runtime.model_files import ModelFiles, chosen_sharpness
from dicface.runtime.models import sharp_twin
from dicface.runtime.providers import BackendName, ProviderName

LARGER_FROM_PX = 32
"""Side of a crop from which the larger model restores it, in pixels. Its results are better from there on (ADR 43)."""
LARGEST_SIDE = 64
"""Largest crop that is restored by an any-size model of 128 px, in pixels. Beyond it, the gain ends (ADR 5)."""
LARGEST_SQUEEZE = 1.5
"""Largest factor by which crops are resized for a network of one input size; beyond, there is no gain."""


class SizedModels:
    """Gives the model for a crop by its side. Models besides the restorer's own are opened when a crop needs them.

    Attributes:
        model: the restorer's own model, which makes the first pass over every face, so that sharpness changes no
            outcome.
        larger_name: name of the model for larger crops; None if there is none.
        sharpness: share of the way to the models' sharp twins.
    """

    def __init__(
        self,
        model: FaceModel,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        threads: int | None = None,
        spinning: bool = True,
        sharpness: float | None = None,
    ) -> None:
        """Find the other models.

        Args:
            model: the restorer's own model.
            backend, provider, threads, spinning: of the other models, see `FaceModel`.
            sharpness: see `chosen_sharpness`. A larger model without sharp twin stays faithful.

        Raises:
            UsageError: a sharpness out of its range, or of a model without sharp twin.
        """
        self.model = model
        self.sharpness = chosen_sharpness(model.name, sharpness, backend=model.backend)
        self.larger_name = model.larger_name
        self._how = backend, provider, threads, spinning
        self._opened: dict[str, FaceModel] = {}
        self._opening = threading.Lock()

    def _sharpness_of(self, name: str) -> float:
        return self.sharpness if sharp_twin(name) else 0.0

    def _open(self, name: str) -> FaceModel:
        """A model, as sharp as wanted; opened once."""
        with self._opening:
            if name not in self._opened:
                backend, provider, threads, spinning = self._how
                self._opened[name] = FaceModel(
                    name,
                    backend=backend,
                    provider=provider,
                    threads=threads,
                    spinning=spinning,
                    sharpness=self._sharpness_of(name),
                )
            return self._opened[name]

    @property
    def last_pass(self) -> list[ModelFiles]:
        """The models that may make a last pass; none is opened for it."""
        own = ModelFiles.of(self.model.name, self.sharpness) if self.sharpness else self.model.files
        if self.larger_name is None:
            return [own]
        return [own, ModelFiles.of(self.larger_name, self._sharpness_of(self.larger_name))]

    @property
    def own(self) -> FaceModel:
        """The restorer's own model, as sharp as wanted."""
        return self._open(self.model.name) if self.sharpness else self.model

    def said_of(self, model: FaceModel) -> str:
        """Name of the model that restored a face, empty for the restorer's own; see `Face.model`."""
        return "" if model is self.model else model.name

    def takes_larger(self, side: int) -> bool:
        """Whether the larger model restores a crop of this side."""
        return self.larger_name is not None and side >= LARGER_FROM_PX

    def for_side(self, side: int) -> FaceModel:
        """The model of the last pass over a crop of this side."""
        if self.larger_name is not None and self.takes_larger(side):
            return self._open(self.larger_name)
        return self.own

    @property
    def largest_side(self) -> float:
        """Largest side of a crop that is restored, in pixels."""
        if self.larger_name is not None:
            return LR_PX_OF[LARGE_FACE_PX][1]
        low, high = self.model.lr_sizes
        if low == high:
            return high * LARGEST_SQUEEZE
        return LARGEST_SIDE if self.model.face_px < LARGE_FACE_PX else high
