"""A face model: crops in, every step with its landmarks out."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dicface.errors import UsageError
from dicface.files import file_digest
from dicface.images.pixels import LR_PX, to_network, to_uint8
from dicface.landmarks import decode_heatmaps
from dicface.runtime.backends import BACKENDS, Backend, OnnxRuntimeBackend, OpenVinoBackend, TorchBackend
from dicface.runtime.batching import SharedRuns
from dicface.runtime.models import DEFAULT_MODEL, PICKLED, find_model
from dicface.runtime.parallel import usable_cores
from dicface.runtime.providers import Choice, choose_backend, choose_provider, processor_capabilities

MAX_BATCH = 16
RUNS_AT_ONCE = max(1, usable_cores() // 2)
"""Of one model's network. A run keeps about two cores busy; on many it would leave most of them idle."""
_TRIED = 3
"""Faces with which it is tried whether company changes a result."""


class FaceSteps(NamedTuple):
    """What a model makes of one face.

    Attributes:
        sr: (T, 128, 128, 3) uint8 RGB, every step; the last is the result.
        landmarks: (T, 68, 2) float32 x, y in pixels of the 128x128 image, pixel centres at integers.
        peaks: (T, 68) float32, the highest value of each landmark's heatmap: about 1 where the model is sure.
    """

    sr: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    peaks: NDArray[np.float32]


def check_crops(name: str, lr_sizes: tuple[int, int], crops: Sequence[NDArray[np.uint8]]) -> None:
    """Make sure that a model takes these crops.

    Raises:
        UsageError: one is not square, or of a side outside `lr_sizes`.
    """
    low, high = lr_sizes
    for crop in crops:
        if crop.shape[0] != crop.shape[1] or not low <= crop.shape[0] <= high:
            raise UsageError(f"{name} takes square crops of {low} to {high} px, got {crop.shape[1]}x{crop.shape[0]}")


class _Loaded(NamedTuple):
    """A backend, why it was taken (no reason if it was asked for), and the model's file."""

    run: Backend
    reason: str
    path: Path


def _load_backend(model: str, backend: str, spinning: bool) -> _Loaded:
    if backend not in BACKENDS:
        raise UsageError(f"expected a backend, one of {', '.join(BACKENDS)}, got {backend!r}")
    suffix = Path(model).suffix.lower()
    if suffix in PICKLED:
        raise UsageError(
            f"expected a network of dicface (.onnx, .safetensors), got {model!r}; `dicface export` makes one "
            "of a run, `dicface convert` of the authors' checkpoints, and `dicface evaluate` measures those of other "
            "networks"
        )
    wants_torch = backend == "torch" or suffix == ".safetensors"
    path = find_model(model, ".safetensors" if wants_torch else ".onnx")
    if wants_torch:
        if backend not in ("auto", "torch") or path.suffix != ".safetensors":
            raise UsageError(
                f"the torch backend takes .safetensors and the others .onnx, got {backend} and {path.name!r}"
            )
        if importlib.util.find_spec("torch") is None:
            raise UsageError("the torch backend is not installed; pip install 'dicface[train]', or use an .onnx model")
        return _Loaded(TorchBackend(path), "" if backend == "torch" else "the model is a .safetensors file", path)
    has_openvino = importlib.util.find_spec("openvino") is not None
    if backend == "openvino" and not has_openvino:
        raise UsageError(
            "the openvino backend is not installed; pip install 'dicface[openvino]', or leave out `backend`"
        )
    chosen = Choice(backend, "")
    if backend == "auto":
        provider = choose_provider(onnxruntime.get_available_providers())
        chosen = choose_backend(provider, has_openvino, processor_capabilities)
    run = OpenVinoBackend(path) if chosen.backend == "openvino" else OnnxRuntimeBackend(path, spinning)
    return _Loaded(run, chosen.reason, path)


class FaceModel:
    """A loaded model: crops in, restored faces with landmarks out. May be shared between threads.

    Attributes:
        name: as it was asked for.
        sha256: of its file, hexadecimal.
    """

    def __init__(self, model: str = DEFAULT_MODEL, backend: str = "auto", spinning: bool = True) -> None:
        """Load a model.

        Args:
            model: name of an embedded model, or a path.
            backend: auto, onnxruntime, openvino or torch.
            spinning: see `open_session`.

        Raises:
            UnknownModelError: no such model.
            UsageError: no such backend, or it is not installed.
            CheckpointError: the file is not a model.
        """
        self.name = model
        self._backend, self._reason, path = _load_backend(model, backend, spinning)
        self.sha256 = file_digest(path)
        self._runs = SharedRuns(self._restore, self._is_same_in_any_batch, RUNS_AT_ONCE, MAX_BATCH)

    @property
    def backend(self) -> str:
        """Which backend runs it."""
        return self._backend.name

    @property
    def description(self) -> str:
        """What it is, for results."""
        return "DIC with landmarks"

    @property
    def how_it_runs(self) -> str:
        """Model, backend, processor, precision, and why this backend, in one line."""
        line = f"{self.name} runs in {self.backend} ({self._backend.runs_on})"
        return f"{line}: {self._reason}" if self._reason else line

    @property
    def lr_sizes(self) -> tuple[int, int]:
        """Smallest and largest side of a crop, in pixels."""
        side = self._backend.lr_size
        return LR_PX if side is None else (side, side)

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """Super-resolve crops; those of one size go through the network together.

        Args:
            crops: (S, S, 3) uint8 RGB each, S within `lr_sizes`.

        Returns:
            One result a crop, in order.
        """
        check_crops(self.name, self.lr_sizes, crops)
        return self._runs(crops)

    def _restore(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """One run of the network over crops of one size."""
        output = self._backend(to_network(np.stack(crops)))
        sr = to_uint8(output.sr.transpose(0, 1, 3, 4, 2))
        found = decode_heatmaps(output.heatmaps), output.heatmaps.max(axis=(-2, -1))
        return [FaceSteps(*steps) for steps in zip(sr, *found, strict=True)]

    def _is_same_in_any_batch(self) -> bool:
        """Whether company changes no bit of a face: tried, since it depends on the graph and on the processor, too."""
        if not self._backend.on_cpu:
            return False
        side, _ = self.lr_sizes
        faces = np.random.default_rng(0).random((_TRIED, 3, side, side), dtype=np.float32)
        together = self._backend(faces)
        return all(
            np.array_equal(one, among[None])
            for face, *group in zip(faces, *together, strict=True)
            for one, among in zip(self._backend(face[None]), group, strict=True)
        )
