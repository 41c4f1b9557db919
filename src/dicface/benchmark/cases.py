"""What is measured: a model in one backend, precision and batch size each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dicface.errors import UsageError
from dicface.runtime.models import Kind, embedded_models, find_model

Backend = Literal["onnxruntime", "openvino", "torch"]
Precision = Literal["float32", "bfloat16"]
BATCHES = (1, 8)
IMAGE_PX: dict[Kind, int] = {"restoration": 16, "landmarks": 128, "finder": 512}
"""Side of the images that a kind of model is measured on. What is said of a face holds for the finder's photos."""


@dataclass(frozen=True)
class Model:
    """A model to measure.

    Attributes:
        name: as it appears in the table.
        kind: what it is for.
        files: its file for each backend that can run it.
        gflop: work for one face (for one photo of the finder's), 2 x multiply-add; None if nobody counted.
        trained: its PSNR means something.
    """

    name: str
    kind: Kind
    files: dict[Backend, Path] = field(hash=False)
    gflop: float | None = None
    trained: bool = True


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        model: what runs.
        backend, precision, batch: how.
        compiled, channels_last: torch only.
    """

    model: Model
    backend: Backend
    precision: Precision
    batch: int
    compiled: bool = False
    channels_last: bool = False

    @property
    def how(self) -> str:
        """Precision and what else differs, for people."""
        extras = [name for name, on in (("compiled", self.compiled), ("channels-last", self.channels_last)) if on]
        return ", ".join((self.precision, *extras))


def embedded_names() -> list[str]:
    """Embedded models whose speed matters; face features only measure others."""
    return [*embedded_models("restoration"), *embedded_models("landmarks"), *embedded_models("finder")]


def embedded(name: str) -> Model:
    """An embedded model, or a model file of a network that restores faces.

    Raises:
        UnknownModelError: neither.
    """
    card = embedded_models().get(name) if name in embedded_names() else None
    if card is None:
        path = find_model(name)
        files: dict[Backend, Path] = {"torch": path} if path.suffix == ".safetensors" else {}
        return Model(path.stem, "restoration", files or {"onnxruntime": path, "openvino": path})
    graph = find_model(name, ".onnx", card["kind"])
    # The others have one backend.
    if card["kind"] == "landmarks":
        return Model(name, "landmarks", {"onnxruntime": graph}, card["gflop_per_face"])
    if card["kind"] == "finder":
        return Model(
            name, "finder", {"onnxruntime": graph}, card["gflop_per_megapixel"] * IMAGE_PX["finder"] ** 2 / 1e6
        )
    files = {"onnxruntime": graph, "openvino": graph, "torch": find_model(name, ".safetensors")}
    return Model(name, "restoration", files, card["gflop_per_face"])


@dataclass(frozen=True)
class Machine:
    """What can be measured here.

    Attributes:
        backends: those installed.
        bfloat16: OpenVINO computes in it on this processor.
        cuda: torch sees an accelerator.
    """

    backends: tuple[Backend, ...]
    bfloat16: bool = False
    cuda: bool = False


def list_cases(models: Sequence[Model], machine: Machine, batches: Collection[int] = BATCHES) -> list[Case]:
    """Every combination that exists here, model by model.

    On the CPU, torch is the reference and runs eager in float32; on CUDA also compiled, in bfloat16 and channels-last.

    Raises:
        UsageError: there is none.
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
