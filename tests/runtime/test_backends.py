"""Backends in a process of their own, whatever other models it had."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from dicface.errors import CheckpointError
from dicface.runtime.backends import OnnxRuntimeBackend

pytest.importorskip("openvino", reason="the backend needs its extra: pip install 'dicface[openvino]'")

TWO_MODELS_AND_A_SIGNAL = """
import gc, pathlib, signal, sys
from dicface.runtime.backends import OpenVinoBackend

first, second = (OpenVinoBackend(pathlib.Path(sys.argv[1])) for _ in range(2))
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGTERM)
"""


def write_face_model(path: Path, side: int = 128) -> None:
    """A model with the ports of a face model, which returns its input twice."""
    port = onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Identity", ["lr"], [name]) for name in ("sr", "heatmaps")]
    lr, *outputs = (port(name, onnx.TensorProto.FLOAT, [1, 3, side, side]) for name in ("lr", "sr", "heatmaps"))
    graph = onnx.helper.make_graph(nodes, "g", [lr], outputs)
    opset = onnx.helper.make_opsetid("", 20)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10), path)


def test_results_of_an_unknown_side_are_refused(tmp_path: Path) -> None:
    write_face_model(tmp_path / "a.onnx", 64)
    with pytest.raises(CheckpointError, match=r"results of 128 or 256 px, got .* with 64 px"):
        OnnxRuntimeBackend(tmp_path / "a.onnx")


def test_signals_are_handled_after_models_were_released(tmp_path: Path) -> None:
    """On processors with AMX, OpenVINO left a signal stack that was no longer mapped."""
    write_face_model(tmp_path / "a.onnx")
    command = [sys.executable, "-c", TWO_MODELS_AND_A_SIGNAL, str(tmp_path / "a.onnx")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "handled\n"), result.stderr
