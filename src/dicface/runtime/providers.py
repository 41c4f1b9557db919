"""Automatic choice of backend and provider (ADR 22)."""

import os
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from dicface.errors import UsageError

if TYPE_CHECKING:
    import openvino

BackendName = Literal["auto", "onnxruntime", "openvino", "torch"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
ProviderName = Literal["auto", "cpu", "cuda", "directml", "coreml"]
PROVIDER_VARIABLE = "DICFACE_PROVIDER"
"""Environment variable that names the provider where the caller leaves it to auto."""
CPU_PROVIDER = "CPUExecutionProvider"
_PROVIDERS = {
    "cpu": CPU_PROVIDER,
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_UNASKED = ("cuda", "directml")
"""Providers that auto takes where installed. CoreML is part of every ONNX Runtime for macOS, and was not measured."""


class BackendChoice(NamedTuple):
    """Name of a backend, and the reason for its choice."""

    backend: str
    reason: str


def choose_provider(
    available: Collection[str], environment: Mapping[str, str] = os.environ, *, provider: ProviderName = "auto"
) -> str:
    """The execution provider that ONNX Runtime uses.

    Args:
        available: providers of the installed ONNX Runtime, by its own names.
        environment: where `DICFACE_PROVIDER` may name the provider that auto stands for.
        provider: auto takes what the environment names, else CUDA or DirectML where ONNX Runtime has them, else the
            CPU.

    Returns:
        Its name in ONNX Runtime.

    Raises:
        UsageError: the requested provider is unknown or not installed.
    """
    if (asked := provider) not in get_args(ProviderName):
        raise UsageError(f"expected `provider` to be one of {', '.join(get_args(ProviderName))}, got {asked!r}")
    said, instead = f"`provider` {asked} was asked for", "leave out `provider`"
    if asked == "auto":
        asked = environment.get(PROVIDER_VARIABLE, "")
        if not asked:
            return next((_PROVIDERS[name] for name in _UNASKED if _PROVIDERS[name] in available), CPU_PROVIDER)
        if asked not in _PROVIDERS:
            raise UsageError(f"expected {PROVIDER_VARIABLE} to be one of {', '.join(_PROVIDERS)}, got {asked!r}")
        said, instead = f"{PROVIDER_VARIABLE}={asked} is set", "unset the variable"
    if _PROVIDERS[asked] not in available:
        there = ", ".join(name for name, known in _PROVIDERS.items() if known in available)
        raise UsageError(
            f"{said}, but the installed ONNX Runtime has only {there}; install the package of ONNX Runtime that has "
            f"it, or {instead}"
        )
    return _PROVIDERS[asked]


def choose_backend(provider: str, capabilities: Callable[[], Collection[str]], *, has_openvino: bool) -> BackendChoice:
    """Choose the backend for `auto`.

    Args:
        provider: provider of ONNX Runtime.
        capabilities: gives OpenVINO's capabilities of the processor, which takes a moment; called only if needed.
        has_openvino: OpenVINO is installed.
    """
    if provider != CPU_PROVIDER:
        return BackendChoice("onnxruntime", f"ONNX Runtime has {provider}")
    if not has_openvino:
        return BackendChoice(
            "onnxruntime", "OpenVINO, faster where the processor computes in bfloat16, is not installed"
        )
    if "BF16" in capabilities():
        return BackendChoice("openvino", "OpenVINO is installed and the processor computes in bfloat16")
    return BackendChoice("onnxruntime", "the processor does not compute in bfloat16, so OpenVINO is not faster")


@cache
def openvino_core() -> "openvino.Core":
    """The process's one `openvino.Core`, which is never released.

    On processors with AMX, each core replaces the stack on which its thread handles signals, and puts back the previous
    one when it is released. Cores that are released in the order of their creation leave a stack that is no longer
    mapped, and the next signal that Python handles, such as Ctrl+C, ends the process with a segmentation fault.
    """
    import openvino

    return openvino.Core()


def processor_capabilities() -> list[str]:
    """Precisions in which OpenVINO computes on this processor, such as FP32 and BF16."""
    return list(openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
