"""Which backend runs a model, and on which processor, if the caller leaves it open (ADR 0022)."""

import os
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from dicface.errors import UsageError

PROVIDER_VARIABLE = "DICFACE_PROVIDER"
CPU_PROVIDER = "CPUExecutionProvider"
_PROVIDERS = {
    "cpu": CPU_PROVIDER,
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_UNASKED = ("cuda", "directml")
"""Whoever has these installed them on purpose. CoreML is part of every ONNX Runtime for macOS, and was not measured."""


class Choice(NamedTuple):
    """A backend by its name, and why it was taken."""

    backend: str
    reason: str


def choose_provider(available: Collection[str], environment: Mapping[str, str] = os.environ) -> str:
    """The execution provider that ONNX Runtime shall use.

    Args:
        available: providers of the installed ONNX Runtime, by its own names.
        environment: `DICFACE_PROVIDER` may name one: cpu, cuda, directml or coreml.

    Raises:
        UsageError: the one asked for is unknown or not there.
    """
    asked = environment.get(PROVIDER_VARIABLE, "")
    if not asked:
        return next((_PROVIDERS[name] for name in _UNASKED if _PROVIDERS[name] in available), CPU_PROVIDER)
    if asked not in _PROVIDERS:
        raise UsageError(f"expected {PROVIDER_VARIABLE} to be one of {', '.join(_PROVIDERS)}, got {asked!r}")
    if _PROVIDERS[asked] not in available:
        there = ", ".join(name for name, provider in _PROVIDERS.items() if provider in available)
        raise UsageError(
            f"{PROVIDER_VARIABLE}={asked} is set, but the installed ONNX Runtime has only {there}; install the package "
            "of ONNX Runtime that has it, or unset the variable"
        )
    return _PROVIDERS[asked]


def choose_backend(provider: str, has_openvino: bool, capabilities: Callable[[], Collection[str]]) -> Choice:
    """The backend that `auto` stands for.

    Args:
        provider: what ONNX Runtime would run on.
        has_openvino: it is installed.
        capabilities: asks OpenVINO what the processor can do, which takes a moment; called only if it matters.
    """
    if provider != CPU_PROVIDER:
        return Choice("onnxruntime", f"ONNX Runtime has {provider}")
    if not has_openvino:
        return Choice("onnxruntime", "OpenVINO, faster where the processor computes in bfloat16, is not installed")
    if "BF16" in capabilities():
        return Choice("openvino", "OpenVINO is installed and the processor computes in bfloat16")
    return Choice("onnxruntime", "the processor does not compute in bfloat16, so OpenVINO is not faster")


def processor_capabilities() -> list[str]:
    """What OpenVINO can compute in on this processor, such as FP32 and BF16."""
    import openvino

    return list(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
