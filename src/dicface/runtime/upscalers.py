"""Any model that can be measured, by name or file."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dicface.errors import UnknownModelError, UsageError
from dicface.runtime.backends import is_face_model
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.image_model import ENLARGEMENTS, open_enlargement, open_onnx_image_network, open_spandrel
from dicface.runtime.models import DEFAULT_MODEL, PICKLED, embedded_models

_SUFFIXES = (".onnx", ".safetensors", *PICKLED)


class Contender(Protocol):
    """What can be measured; may be called from several threads at once."""

    @property
    def name(self) -> str:
        """As it was asked for."""
        ...

    @property
    def backend(self) -> str:
        """What runs it."""
        ...

    @property
    def description(self) -> str:
        """What it is, and what is done to its result."""
        ...

    @property
    def sha256(self) -> str:
        """Of its file, hexadecimal; empty of what is no network."""
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
            One result a crop, in order. A network without landmarks has T = 1 step, landmarks (1, 0, 2) and peaks
            (1, 0).
        """
        ...


def _is_ours(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in PICKLED:
        return False
    if suffix == ".onnx":
        return is_face_model(path)
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("safetensors") is None:
        # Says itself what is missing.
        return True
    from dicface.checkpoints.networks import is_ours

    return is_ours(path)


def open_model(model: str = DEFAULT_MODEL, backend: str = "auto") -> Contender:
    """Load anything that makes a face of a small crop.

    Args:
        model: name of an embedded model; `bicubic` or `lanczos`; or a file: one of ours (.onnx, .safetensors), any
            other ONNX with one image in and one image out, or weights of any network that spandrel knows
            (.safetensors, .pth, .pt, .ckpt).
        backend: auto, onnxruntime, openvino or torch; networks that are not ours have one each and take auto, too.

    Raises:
        UnknownModelError: no such model.
        UsageError: no such backend, or it is not installed, or another one than the model runs in.
        CheckpointError: the file is not a model, or one that does not enlarge colour images. Nothing in it is executed.
    """
    path = Path(model)
    if model in ENLARGEMENTS:
        opened = open_enlargement(model)
    elif model in embedded_models("restoration"):
        return FaceModel(model, backend)
    elif not path.is_file() or path.suffix.lower() not in _SUFFIXES:
        names = ", ".join([*embedded_models("restoration"), *ENLARGEMENTS])
        raise UnknownModelError(f"expected one of {names} or a model file ({', '.join(_SUFFIXES)}), got {model!r}")
    elif _is_ours(path):
        return FaceModel(model, backend)
    elif path.suffix.lower() == ".onnx":
        opened = open_onnx_image_network(model, path)
    else:
        opened = open_spandrel(model, path)
    if backend not in ("auto", opened.backend):
        raise UsageError(f"{model!r} runs in {opened.backend}; leave out `backend`, got {backend!r}")
    return opened
