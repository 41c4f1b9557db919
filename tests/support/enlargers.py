"""ONNX files of networks that enlarge images."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_enlarger(path: Path, *, scale: int = 2, side: int | None = None, taps: int = 5) -> Path:
    """A convolution with fixed random weights, whose result is enlarged by repeating pixels.

    Args:
        path: the file.
        scale: enlargement.
        side: the only side that it takes; None for any.
        taps: size of the convolution.
    """
    weights = np.random.default_rng(0).random((3, 3, taps, taps)).astype(np.float32)
    weights /= weights.sum(axis=(1, 2, 3), keepdims=True)
    sizes = [1, 3, side or "h", side or "w"]
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["seen"], pads=[taps // 2] * 4),
        helper.make_node("Resize", ["seen", "", "scales"], ["made"], mode="nearest"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, None)],
        initializer=[
            numpy_helper.from_array(weights, "weights"),
            helper.make_tensor("scales", TensorProto.FLOAT, [4], [1.0, 1.0, scale, scale]),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path
