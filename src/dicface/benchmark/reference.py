"""The reference for speeds: the network of the authors' sizes. Needs torch."""

from pathlib import Path

import torch

from dicface.benchmark.cases import BenchmarkModel, Case, Machine, embedded, embedded_names, list_cases
from dicface.benchmark.run import REFERENCE
from dicface.checkpoints.networks import save_network
from dicface.export.graphs import export_onnx
from dicface.networks.dic import DIC, DICNetwork

_NAME = REFERENCE[0]
_GFLOP = 90.7


def _reference_model(folder: Path) -> BenchmarkModel:
    """The embedded `dic`; without it, the same network with random weights, which are as fast."""
    if _NAME in embedded_names():
        return embedded(_NAME)
    torch.manual_seed(0)
    network = DICNetwork(DIC).eval()
    weights, graph = folder / f"{_NAME}.safetensors", folder / f"{_NAME}.onnx"
    save_network(network, weights)
    export_onnx(network, graph)
    return BenchmarkModel(
        _NAME, "restoration", {"torch": weights, "onnxruntime": graph, "openvino": graph}, _GFLOP, trained=False
    )


def reference_cases(folder: Path, machine: Machine) -> list[Case]:
    """Cases of the reference: one face at a time, in every backend and precision. It gains nothing from batches.

    Args:
        folder: folder for the network's files if none is embedded.
        machine: capabilities of this machine.
    """
    return list_cases([_reference_model(folder)], machine, (1,))
