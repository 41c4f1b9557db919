"""Upscalers: all models that make a face of a small crop, by name or file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dicface.checkpoints.runs import how_to_make, weights_file
from dicface.errors import UnknownModelError, UsageError
from dicface.images.pixels import FACE_PX
from dicface.runtime.backends import is_face_model
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.image_model import ENLARGEMENTS, open_enlargement, open_onnx_image_network, open_spandrel
from dicface.runtime.model_files import check_sharpness
from dicface.runtime.models import DEFAULT_MODEL, PICKLED, embedded_models
from dicface.runtime.providers import BackendName, ProviderName
from dicface.runtime.torch_extra import lacks_torch

_SUFFIXES = (".onnx", ".safetensors", *PICKLED)


class Upscaler(Protocol):
    """A model that makes faces of small crops. May be called from several threads at once."""

    @property
    def name(self) -> str:
        """Name or path, as given."""
        ...

    @property
    def backend(self) -> str:
        """Name of the library that runs it."""
        ...

    @property
    def description(self) -> str:
        """Kind of model, and how its result is processed."""
        ...

    @property
    def sha256(self) -> str:
        """SHA-256 of the model file in hex; empty for plain interpolation."""
        ...

    @property
    def lr_sizes(self) -> tuple[int, int]:
        """Smallest and largest side of a crop in pixels."""
        ...

    @property
    def face_px(self) -> int:
        """Side of its results in pixels."""
        ...

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """Super-resolve crops.

        Args:
            crops: (S, S, 3) uint8 RGB each, S within `lr_sizes`.

        Returns:
            One result per crop, in order. A network without landmarks has T = 1 step, landmarks (1, 0, 2) and
            heatmap_confidence (1, 0).
        """
        ...


def _is_ours(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in PICKLED:
        return False
    if suffix == ".onnx":
        return is_face_model(path)
    if lacks_torch():
        # The backend's own error names what is missing.
        return True
    from dicface.checkpoints.networks import is_ours

    return is_ours(path)


def open_model(
    model: str = DEFAULT_MODEL,
    backend: BackendName = "auto",
    *,
    provider: ProviderName = "auto",
    face_px: int = FACE_PX,
    sharpness: float = 0.0,
) -> Upscaler:
    """Load an upscaler.

    Args:
        model: name of an embedded model; `bicubic` or `lanczos`; or a file: one of ours (.onnx, .safetensors), any
            other ONNX with one image in and one image out, or weights of any network that spandrel supports
            (.safetensors, .pth, .pt, .ckpt); or a run's folder. Nothing in it is executed.
        backend: auto, onnxruntime, openvino or torch; other networks than ours run in one backend only.
        provider: processor of ONNX Runtime, and of torch for our networks; see `FaceModel`.
        face_px: side in pixels to which the results of others than our networks are resized.
        sharpness: see `FaceModel`.

    Raises:
        UnknownModelError: no such model.
        UsageError: unknown backend, not installed, or not the one that the model runs in; a sharpness out of its range,
            or of a model without sharp twin.
        CheckpointError: the file is not a model, or does not enlarge colour images.
    """
    check_sharpness(model, sharpness)
    path = weights_file(Path(model))
    if model in ENLARGEMENTS:
        opened = open_enlargement(model, face_px)
    elif model in embedded_models("restoration"):
        return FaceModel(model, backend=backend, provider=provider, sharpness=sharpness)
    elif not path.is_file() or path.suffix.lower() not in _SUFFIXES:
        names = ", ".join([*embedded_models("restoration"), *ENLARGEMENTS])
        raise UnknownModelError(
            f"expected one of {names}, a model file ({', '.join(_SUFFIXES)}) or a run's folder, got {model!r}"
            f"{how_to_make(model)}"
        )
    elif _is_ours(path):
        return FaceModel(model, backend=backend, provider=provider)
    elif path.suffix.lower() == ".onnx":
        opened = open_onnx_image_network(model, path, provider=provider, face_px=face_px)
    else:
        opened = open_spandrel(model, path, face_px)
    if backend not in ("auto", opened.backend):
        raise UsageError(f"{model!r} runs in {opened.backend}; leave out `backend`, got {backend!r}")
    return opened


def open_models(
    models: Sequence[str],
    backend: BackendName = "auto",
    *,
    provider: ProviderName = "auto",
    sharpness: float = 0.0,
) -> list[Upscaler]:
    """Load upscalers to compare with each other.

    Results of others than our networks are resized to the largest side of these, or to 128 px if there is none.

    Args:
        models, backend, provider: see `open_model`.
        sharpness: of the first.

    Raises:
        UnknownModelError, UsageError, CheckpointError: see `open_model`.
    """
    opened = [
        open_model(model, backend, provider=provider, sharpness=sharpness if number == 0 else 0.0)
        for number, model in enumerate(models)
    ]
    face_px = max((one.face_px for one in opened), default=FACE_PX)
    return [
        one
        if isinstance(one, FaceModel) or one.face_px == face_px
        else open_model(model, backend, provider=provider, face_px=face_px)
        for model, one in zip(models, opened, strict=True)
    ]


def check_upscalers(upscaler: Upscaler, against: Upscaler | None, lr_size: int) -> None:
    """Check that upscalers can be compared on crops of one size.

    Args:
        upscaler: one.
        against: the other one; None if there is none.
        lr_size: side of the crops in pixels.

    Raises:
        UsageError: one of them does not take crops of that size, or both have the same name.
    """
    for one in (upscaler, *([] if against is None else [against])):
        low, high = one.lr_sizes
        if not low <= lr_size <= high:
            sizes = f"of {low} px" if low == high else f"from {low} to {high} px"
            raise UsageError(f"expected a low-resolution side {sizes} for {one.name}, got {lr_size}")
    if against is not None and against.name == upscaler.name:
        raise UsageError(f"expected another model to compare with, got {upscaler.name} twice")
