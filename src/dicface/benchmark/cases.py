"""Benchmark cases: a model in one backend, precision and batch size each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dicface.errors import UsageError
from dicface.runtime.cards import Kind
from dicface.runtime.models import embedded_models, find_model

MeasuredBackend = Literal["onnxruntime", "openvino", "torch"]
Precision = Literal["float32", "bfloat16"]
BATCHES = (1, 8)
IMAGE_PX: dict[Kind, int] = {"restoration": 16, "landmarks": 128, "finder": 512}
"""Side of the benchmark images by kind of model. For the finder, numbers per face are numbers per photo."""


@dataclass(frozen=True)
class BenchmarkModel:
    """A model to measure.

    Attributes:
        name: name in the table.
        kind: kind of model.
        files: file for each backend that can run it.
        gflop: GFLOP per face (per photo for the finder), 2 x multiply-add; None if unknown.
        trained: False for random weights, whose PSNR is meaningless.
    """

    name: str
    kind: Kind
    files: dict[MeasuredBackend, Path] = field(hash=False)
    gflop: float | None = None
    trained: bool = True


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        model: the model.
        backend, precision: what it runs in.
        batch: faces per call.
        compiled, channels_last: variants of torch; False for other backends.
    """

    model: BenchmarkModel
    backend: MeasuredBackend
    precision: Precision
    batch: int
    compiled: bool = False
    channels_last: bool = False

    @property
    def how(self) -> str:
        """Precision and variant as text."""
        extras = [name for name, on in (("compiled", self.compiled), ("channels-last", self.channels_last)) if on]
        return ", ".join((self.precision, *extras))


def embedded_names() -> list[str]:
    """Names of the embedded models that are benchmarked: all but face features."""
    return [*embedded_models("restoration"), *embedded_models("landmarks"), *embedded_models("finder")]


def embedded(name: str) -> BenchmarkModel:
    """The embedded model or restoration model file of a name.

    Raises:
        UnknownModelError: neither.
    """
    card = embedded_models().get(name) if name in embedded_names() else None
    if card is None:
        path = find_model(name)
        files: dict[MeasuredBackend, Path] = {"torch": path} if path.suffix == ".safetensors" else {}
        return BenchmarkModel(path.stem, "restoration", files or {"onnxruntime": path, "openvino": path})
    graph = find_model(name, ".onnx", card.kind)
    # The others have one backend.
    if card.kind == "landmarks":
        return BenchmarkModel(name, "landmarks", {"onnxruntime": graph}, card.gflop)
    if card.kind == "finder":
        return BenchmarkModel(name, "finder", {"onnxruntime": graph}, card.gflop * IMAGE_PX["finder"] ** 2 / 1e6)
    files = {"onnxruntime": graph, "openvino": graph, "torch": find_model(name, ".safetensors")}
    return BenchmarkModel(name, "restoration", files, card.gflop)


@dataclass(frozen=True)
class Machine:
    """Capabilities of this machine.

    Attributes:
        backends: the installed backends.
        bfloat16: OpenVINO computes in bfloat16 on this processor.
        cuda: torch has a CUDA device.
    """

    backends: tuple[MeasuredBackend, ...]
    bfloat16: bool = False
    cuda: bool = False


def list_cases(models: Sequence[BenchmarkModel], machine: Machine, batches: Collection[int] = BATCHES) -> list[Case]:
    """All cases that this machine can run, model by model.

    On the CPU, torch is the reference and runs eager in float32; on CUDA also compiled, in bfloat16 and channels-last.

    Raises:
        UsageError: no backend runs any of the models.
    """
    cases: list[Case] = []
    for model in models:
        for backend in machine.backends:
            if backend not in model.files:
                continue
            precisions: list[Precision] = ["float32"]
            if (backend == "openvino" and machine.bfloat16) or (backend == "torch" and machine.cuda):
                precisions.append("bfloat16")
            switches = (False, True) if backend == "torch" and machine.cuda else (False,)
            cases += [
                Case(model, backend, precision, batch, compiled, channels_last)
                for batch in sorted(batches)
                for precision in precisions
                for compiled in switches
                for channels_last in switches
            ]
    if not cases:
        asked = ", ".join(model.name for model in models)
        raise UsageError(f"no backend among {', '.join(machine.backends)} runs {asked}; choose another `model`")
    return cases
