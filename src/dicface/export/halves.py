"""Weights of an ONNX file kept as 16-bit numbers: half the size, the same arithmetic in 32 bits."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from dicface.files import written_whole

SMALLEST = 1024
"""Values of the smallest tensor that is kept in halves; what smaller ones would save is not worth an operation."""


def keep_in_halves(path: Path) -> None:
    """Store the weights of an ONNX file as float16, each followed by a cast to float32.

    Runtimes fold the casts when they open the file, so results differ only by the rounding of the weights. Equal
    tensors are stored once.

    Args:
        path: a file that `export_onnx` wrote; it is replaced in one step.
    """
    model = onnx.load(str(path))
    graph = model.graph
    kept: list[onnx.TensorProto] = []
    casts: list[onnx.NodeProto] = []
    halves: dict[bytes, str] = {}
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != onnx.TensorProto.FLOAT or values.size < SMALLEST:
            kept.append(tensor)
            continue
        half = values.astype(np.float16)
        key = str(half.shape).encode() + half.tobytes()
        if key not in halves:
            halves[key] = f"{tensor.name}.half"
            kept.append(numpy_helper.from_array(half, halves[key]))
        casts.append(helper.make_node("Cast", [halves[key]], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    with written_whole(path) as part:
        onnx.save(model, str(part))
