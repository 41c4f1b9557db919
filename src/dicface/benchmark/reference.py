"""The reference that speed is compared with: the network of the authors' sizes. Needs torch."""

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
    """The embedded `dic`; while there is none, the same network with random weights, on which speed does not depend."""
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
    """The reference, one face at a time, in every backend and precision; batches gain nothing there.

    Args:
        folder: where a network is written if none is embedded.
        machine: what can be measured here.
    """
    return list_cases([_reference_model(folder)], machine, (1,))
