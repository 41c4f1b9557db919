"""Model files as callables: low-resolution faces in, all steps out."""

import threading
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dicface.errors import CheckpointError

BACKENDS = ("auto", "onnxruntime", "openvino", "torch")


class FaceOutput(NamedTuple):
    """Every step's result for a batch of faces.

    Attributes:
        sr: (N, T, 3, 128, 128) float32 RGB in [0, 1].
        heatmaps: (N, T, 68, 32, 32) float32, about 1 at a landmark.
    """

    sr: NDArray[np.float32]
    heatmaps: NDArray[np.float32]


class Backend(Protocol):
    """A model file that has been loaded; may be called from several threads at once."""

    name: str

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """Super-resolve a batch.

        Args:
            lr: (N, 3, S, S) float32 RGB in [0, 1].
        """
        ...


class OnnxRuntimeBackend:
    """ONNX Runtime on the CPU."""

    name = "onnxruntime"

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base but this
            raise CheckpointError(f"expected an ONNX model, could not load {str(path)!r}: {error}") from error

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """See `Backend`."""
        sr, heatmaps = self._session.run(["sr", "heatmaps"], {"lr": lr})
        return FaceOutput(np.asarray(sr), np.asarray(heatmaps))


class OpenVinoBackend:
    """OpenVINO on the CPU, in bfloat16 where the processor computes in it, else in float32."""

    name = "openvino"

    def __init__(self, path: Path) -> None:
        import openvino

        self._model = openvino.Core().compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        # A request may not be shared between threads.
        self._local = threading.local()

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """See `Backend`."""
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        result = self._local.request.infer({"lr": lr})
        return FaceOutput(np.array(result["sr"]), np.array(result["heatmaps"]))
