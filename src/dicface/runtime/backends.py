"""Backends: model files as callables, low-resolution faces in, all steps out."""

import io
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dicface.errors import CheckpointError, UsageError
from dicface.files import check_readable
from dicface.images.pixels import FACE_PX, LR_PX_OF
from dicface.runtime.providers import CPU_PROVIDER, ProviderName, openvino_core
from dicface.runtime.sessions import open_session


class FaceOutput(NamedTuple):
    """Results of every step for a batch of faces.

    Attributes:
        sr: (N, T, 3, R, R) float32 RGB in [0, 1], R being the backend's `face_px`.
        heatmaps: (N, T, 68, R/4, R/4) float32, about 1 at a landmark.
    """

    sr: NDArray[np.float32]
    heatmaps: NDArray[np.float32]


class Backend(Protocol):
    """A loaded model file. May be called from several threads at once."""

    name: str
    lr_sizes: tuple[int, int]
    """Smallest and largest side of a crop in pixels."""
    face_px: int
    """Side of its results in pixels."""
    runs_on: str
    """Processor and precision as text."""
    may_mix: bool
    """Whether a face may have the same bits in any batch, so that batches of several callers are worth a trial."""

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """Super-resolve a batch.

        Args:
            lr: (N, 3, S, S) float32 RGB in [0, 1].
        """
        ...


_Shapes = Mapping[str, Sequence[int | str | None]]
"""Shapes of a graph's inputs or outputs by name; text or None where a size is dynamic."""


class _Sides(NamedTuple):
    """Sides in pixels; see `Backend`."""

    lr_sizes: tuple[int, int]
    face_px: int


def _check_ports(path: Path, inputs: _Shapes, outputs: _Shapes) -> _Sides:
    """Check a model's inputs and outputs.

    Raises:
        CheckpointError: other inputs or outputs.
    """
    if list(inputs) != ["lr"] or not {"sr", "heatmaps"} <= outputs.keys() or len(inputs["lr"]) != 4:
        raise CheckpointError(
            f"expected a face model with input lr and outputs sr and heatmaps, got {str(path)!r} with "
            f"inputs {sorted(inputs)} and outputs {sorted(outputs)}; make one with `dicface export` "
            "(`dicface evaluate` takes any network with an image in and an image out)"
        )
    side, made = inputs["lr"][2], outputs["sr"][-1]
    # Older exports do not declare the side of their results, which is 128 px.
    face_px = made if isinstance(made, int) else FACE_PX
    if face_px not in LR_PX_OF:
        raise CheckpointError(
            f"expected a face model with results of {' or '.join(map(str, LR_PX_OF))} px, got {str(path)!r} with "
            f"{face_px} px"
        )
    return _Sides((side, side) if isinstance(side, int) else LR_PX_OF[face_px], face_px)


def is_face_model(path: Path) -> bool:
    """Whether an ONNX file has the inputs and outputs of a face model.

    Raises:
        CheckpointError: not an ONNX file.
    """
    session = open_session(path, provider="cpu")
    inputs, outputs = ({port.name for port in ports} for ports in (session.get_inputs(), session.get_outputs()))
    return inputs == {"lr"} and {"sr", "heatmaps"} <= outputs


class OnnxRuntimeBackend:
    """ONNX Runtime, float32."""

    name = "onnxruntime"

    def __init__(
        self,
        path: Path,
        *,
        graph: bytes | None = None,
        threads: int | None = None,
        spinning: bool = True,
        provider: ProviderName = "auto",
    ) -> None:
        self._session = open_session(path, graph=graph, threads=threads, spinning=spinning, provider=provider)
        inputs = {port.name: port.shape for port in self._session.get_inputs()}
        outputs = {port.name: port.shape for port in self._session.get_outputs()}
        self.lr_sizes, self.face_px = _check_ports(path, inputs, outputs)
        taken = self._session.get_providers()[0]
        self.runs_on, self.may_mix = f"{taken}, float32", taken == CPU_PROVIDER

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """See `Backend`."""
        sr, heatmaps = self._session.run(["sr", "heatmaps"], {"lr": lr})
        return FaceOutput(np.asarray(sr), np.asarray(heatmaps))


class OpenVinoBackend:
    """OpenVINO on the CPU, in bfloat16 where the processor computes in it, else in float32."""

    name = "openvino"
    may_mix = False  # with AMX it chooses its kernels by the size of a batch

    def __init__(
        self,
        path: Path,
        precision: Literal["f32", "bf16"] | None = None,
        *,
        graph: bytes | None = None,
        threads: int | None = None,
    ) -> None:
        from openvino.frontend import FrontEndManager

        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        if precision is not None:
            settings["INFERENCE_PRECISION_HINT"] = precision
        if graph is None:
            check_readable(path)
        try:
            # OpenVINO's detection by content would try a dozen formats and print each to stderr.
            reader = FrontEndManager().load_by_framework("onnx")
            self._model = openvino_core().compile_model(
                reader.convert(reader.load(path if graph is None else io.BytesIO(graph))), "CPU", settings
            )
        except Exception as error:  # its exceptions share no base but this
            reason = str(error).strip().splitlines()[-1]
            raise CheckpointError(f"expected an ONNX model, could not load {str(path)!r}: {reason}") from error
        inputs, outputs = (
            {
                port.any_name: [side.get_length() if side.is_static else None for side in port.partial_shape]
                for port in ports
            }
            for ports in (self._model.inputs, self._model.outputs)
        )
        self.lr_sizes, self.face_px = _check_ports(path, inputs, outputs)
        self.runs_on = f"CPU, {self._model.get_property('INFERENCE_PRECISION_HINT').to_string()}"
        # A request may not be shared between threads.
        self._local = threading.local()

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """See `Backend`."""
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        result = self._local.request.infer({"lr": lr})
        return FaceOutput(np.array(result["sr"]), np.array(result["heatmaps"]))


class TorchVariant(NamedTuple):
    """How torch runs a network.

    Attributes:
        bfloat16: convolutions in bfloat16 (autocast).
        compiled: through torch.compile.
        channels_last: pixels before channels in memory.
    """

    bfloat16: bool = False
    compiled: bool = False
    channels_last: bool = False


def _torch_device(provider: ProviderName, *, has_cuda: bool) -> str:
    if provider == "auto":
        return "cuda" if has_cuda else "cpu"
    if provider not in ("cpu", "cuda") or (provider == "cuda" and not has_cuda):
        there = "cpu and cuda" if has_cuda else "cpu"
        raise UsageError(f"expected a `provider` that torch has here, {there}, got {provider!r}")
    return provider


class TorchBackend:
    """torch, on CUDA where there is one, else on the CPU; eager and float32 unless a variant says otherwise."""

    name = "torch"
    may_mix = False

    def __init__(self, path: Path, variant: TorchVariant | None = None, *, provider: ProviderName = "auto") -> None:
        import torch

        from dicface.checkpoints.networks import load_network

        self._torch, self._variant = torch, variant or TorchVariant()
        self._device = _torch_device(provider, has_cuda=torch.cuda.is_available())
        network = load_network(path).to(self._device)
        self.lr_sizes, self.face_px = network.config.lr_px, network.config.output_px
        self._layout = torch.channels_last if self._variant.channels_last else torch.contiguous_format
        if self._variant.channels_last:
            network.to(memory_format=self._layout)  # pyright: ignore[reportCallIssue] - undeclared in its stub
        self._network: Any = torch.compile(network) if self._variant.compiled else network
        self.runs_on = f"{self._device}, {'bfloat16' if self._variant.bfloat16 else 'float32'}"

    def __call__(self, lr: NDArray[np.float32]) -> FaceOutput:
        """See `Backend`."""
        torch = self._torch
        faces = torch.from_numpy(lr).to(self._device).contiguous(memory_format=self._layout)
        with (
            torch.inference_mode(),
            torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._variant.bfloat16),
        ):
            sr, heatmaps = self._network(faces)
        return FaceOutput(sr.float().clamp(0, 1).cpu().numpy(), heatmaps.float().cpu().numpy())
