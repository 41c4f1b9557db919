"""Face models: crops in, every step's image and landmarks out."""

import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dicface.checkpoints.runs import weights_file
from dicface.errors import UsageError
from dicface.images.pixels import to_uint8
from dicface.landmarks import decode_heatmaps
from dicface.runtime.backends import Backend, OnnxRuntimeBackend, OpenVinoBackend, TorchBackend
from dicface.runtime.batching import SharedRuns
from dicface.runtime.contrast import brought_back, stretched
from dicface.runtime.model_files import ModelFiles, check_sharpness
from dicface.runtime.models import DEFAULT_MODEL, PICKLED, embedded_models, find_model, larger_model, sharp_results
from dicface.runtime.parallel import usable_cores
from dicface.runtime.providers import (
    BACKENDS,
    BackendChoice,
    BackendName,
    ProviderName,
    choose_backend,
    choose_provider,
    processor_capabilities,
)
from dicface.runtime.sharp_twins import invented_detail, mixed_graph, read_twin
from dicface.runtime.torch_extra import lacks_torch

_log = logging.getLogger(__name__)
MAX_BATCH = 16
RUNS_AT_ONCE = max(1, usable_cores() // 2)
"""Simultaneous runs of one model's network. A run keeps about two cores busy."""
_TRIED = 3
"""Number of faces for the test whether results depend on the batch."""


class FaceSteps(NamedTuple):
    """A model's result for one face.

    Attributes:
        sr: (T, R, R, 3) uint8 RGB, every step; the last is the result. R is the model's `face_px`, 128 for most.
        landmarks: (T, 68, 2) float32 x, y in pixels of these images, pixel centres at integers.
        heatmap_confidence: (T, 68) float32, maximum of each landmark's heatmap; about 1 where the model is sure.
    """

    sr: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    heatmap_confidence: NDArray[np.float32]


def check_crops(name: str, lr_sizes: tuple[int, int], crops: Sequence[NDArray[np.uint8]]) -> None:
    """Check that a model takes crops.

    Raises:
        UsageError: one is not square, or of a side outside `lr_sizes`.
    """
    low, high = lr_sizes
    for crop in crops:
        if crop.shape[0] != crop.shape[1] or not low <= crop.shape[0] <= high:
            raise UsageError(f"{name} takes square crops of {low} to {high} px, got {crop.shape[1]}x{crop.shape[0]}")


class _How(NamedTuple):
    """Requested settings of a model; see `FaceModel`."""

    backend: BackendName
    provider: ProviderName
    threads: int | None
    spinning: bool
    twin: Path | None
    sharpness: float


class _Loaded(NamedTuple):
    """A backend, the reason for its choice (empty if requested), and the model's file."""

    run: Backend
    reason: str
    path: Path


def _load_backend(model: str, how: _How) -> _Loaded:
    if how.backend not in BACKENDS:
        raise UsageError(f"expected a backend, one of {', '.join(BACKENDS)}, got {how.backend!r}")
    file = Path(model) if model in embedded_models("restoration") else weights_file(Path(model))
    suffix = file.suffix.lower()
    if suffix in PICKLED and file.is_file():
        raise UsageError(
            f"expected a network of dicface (.onnx, .safetensors), got {str(file)!r}; `dicface export` makes one "
            "of a run, `dicface convert` of the authors' checkpoints, and `dicface evaluate` measures those of other "
            "networks"
        )
    wants_torch = how.backend == "torch" or suffix == ".safetensors"
    path = find_model(model, ".safetensors" if wants_torch else ".onnx")
    return _load_in_torch(path, how) if wants_torch else _load_graph(path, how)


def _load_in_torch(path: Path, how: _How) -> _Loaded:
    if how.twin is not None:
        raise UsageError("expected `sharpness` 0 for the torch backend, which has no sharp twins; take another backend")
    if how.backend not in ("auto", "torch") or path.suffix != ".safetensors":
        raise UsageError(
            f"the torch backend takes .safetensors and the others .onnx, got {how.backend} and {path.name!r}"
        )
    if lacks_torch():
        raise UsageError("the torch backend is not installed; pip install 'dicface[train]', or use an .onnx model")
    if how.threads is not None:
        raise UsageError(
            "expected threads = None for the torch backend, whose threads are those of the whole process; call "
            "torch.set_num_threads"
        )
    reason = "" if how.backend == "torch" else "the model is a .safetensors file"
    return _Loaded(TorchBackend(path, provider=how.provider), reason, path)


def _load_graph(path: Path, how: _How) -> _Loaded:
    has_openvino = importlib.util.find_spec("openvino") is not None
    if how.backend == "openvino" and not has_openvino:
        raise UsageError(
            "the openvino backend is not installed; pip install 'dicface[openvino]', or leave out `backend`"
        )
    if how.backend == "openvino" and how.provider not in ("auto", "cpu"):
        raise UsageError(f"the openvino backend runs on the CPU; leave out `provider`, got {how.provider!r}")
    chosen = BackendChoice(how.backend, "")
    if how.backend == "auto":
        provider = choose_provider(onnxruntime.get_available_providers(), provider=how.provider)
        chosen = choose_backend(provider, processor_capabilities, has_openvino=has_openvino)
    graph = None if how.twin is None else mixed_graph(path.read_bytes(), read_twin(how.twin), how.sharpness)
    if chosen.backend == "openvino":
        return _Loaded(OpenVinoBackend(path, graph=graph, threads=how.threads), chosen.reason, path)
    run = OnnxRuntimeBackend(path, graph=graph, threads=how.threads, spinning=how.spinning, provider=how.provider)
    return _Loaded(run, chosen.reason, path)


class FaceModel:
    """A loaded model: crops in, restored faces with landmarks out. May be shared between threads.

    Attributes:
        name: name or path, as given; with a sharpness, the title in `files`.
        files: title and hash of the model, as results state them.
        sharpness: share of the way to its sharp twin, 0 to 1.
        larger_name: name of the embedded model that takes larger crops; None if there is none.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        backend: BackendName = "auto",
        provider: ProviderName = "auto",
        threads: int | None = None,
        spinning: bool = True,
        sharpness: float = 0.0,
    ) -> None:
        """Load a model.

        Args:
            model: name of an embedded model, or a path.
            backend: what runs it; auto takes what is fastest here (ADR 22).
            provider: processor of ONNX Runtime, and of torch (cpu or cuda); OpenVINO runs on the CPU.
            threads: threads of the network, in ONNX Runtime and OpenVINO; None takes one for each core.
            spinning: see `open_session`.
            sharpness: share of the way to the model's sharp twin, 0 to 1: more detail, and more of it invented
                (ADR 48). Only for an embedded model that has one, and not in torch.

        Raises:
            UnknownModelError: no such model.
            UsageError: no such backend or provider, or it is not installed or has no such setting; a sharpness out of
                its range, or of a model without sharp twin.
            CheckpointError: the file is not a model.
        """
        name, self.sharpness = str(model), float(sharpness)
        twin = check_sharpness(name, self.sharpness)
        how = _How(backend, provider, threads, spinning, twin, self.sharpness)
        self._backend, self._reason, path = _load_backend(name, how)
        self.files = ModelFiles.of(name, self.sharpness, path)
        self.name = self.files.title if twin else name
        self.larger_name = larger_model(name)
        self._measured = sharp_results(name)
        _log.info("%s", self.how_it_runs)
        self._runs = SharedRuns(self._restore, self._is_same_in_any_batch, RUNS_AT_ONCE, MAX_BATCH)

    def __repr__(self) -> str:
        return f"FaceModel({self.name!r}, backend={self.backend!r})"

    @property
    def sha256(self) -> str:
        """SHA-256 of the model file in hex; see `ModelFiles`."""
        return self.files.sha256

    @property
    def backend(self) -> str:
        """Name of its backend."""
        return self._backend.name

    @property
    def description(self) -> str:
        """Kind of model, for results."""
        return "DIC with landmarks"

    @property
    def how_it_runs(self) -> str:
        """Model, backend, processor, precision and reason for the backend, in one line."""
        line = f"{self.name} runs in {self.backend} ({self._backend.runs_on})"
        return f"{line}: {self._reason}" if self._reason else line

    @property
    def lr_sizes(self) -> tuple[int, int]:
        """Smallest and largest side of a crop, in pixels."""
        return self._backend.lr_sizes

    @property
    def face_px(self) -> int:
        """Side of its results, in pixels."""
        return self._backend.face_px

    def invented_detail(self, side: int) -> float | None:
        """Invented detail of results, which the people do not have, as a share of the detail of real faces.

        Measured on other faces when the model's sharp twin was made, not on the face at hand.

        Args:
            side: side of the crop in pixels.

        Returns:
            See `SharpResult.invented`; None for a model without sharp twin.
        """
        return invented_detail(self._measured, self.sharpness, side) if self._measured else None

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """Super-resolve crops; those of one size go through the network together.

        Crops of little contrast are stretched for the network, and their results brought back (`runtime/contrast.py`).

        Args:
            crops: (S, S, 3) uint8 RGB each, S within `lr_sizes`.

        Returns:
            One result per crop, in order.
        """
        check_crops(self.name, self.lr_sizes, crops)
        return self._runs(crops)

    def _restore(self, crops: Sequence[NDArray[np.uint8]]) -> list[FaceSteps]:
        """One run of the network over crops of one size."""
        lr, stretches = stretched(crops)
        output = self._backend(lr)
        sr = to_uint8(brought_back(output.sr, stretches).transpose(0, 1, 3, 4, 2))
        found = decode_heatmaps(output.heatmaps), output.heatmaps.max(axis=(-2, -1))
        return [FaceSteps(*steps) for steps in zip(sr, *found, strict=True)]

    def _is_same_in_any_batch(self) -> bool:
        """Whether results are bit-equal in any batch, by test: it depends on graph and processor."""
        if not self._backend.may_mix:
            return False
        side, _ = self.lr_sizes
        faces = np.random.default_rng(0).random((_TRIED, 3, side, side), dtype=np.float32)
        together = self._backend(faces)
        return all(
            np.array_equal(one, among[None])
            for face, *group in zip(faces, *together, strict=True)
            for one, among in zip(self._backend(face[None]), group, strict=True)
        )
