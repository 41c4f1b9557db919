"""Weights of an ONNX file kept as 8-bit numbers: a quarter of the size, the same arithmetic in 32 bits."""

from itertools import count
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from dicface.files import written_whole

SMALLEST = 1024
"""Values of the smallest tensor that is rounded; what smaller ones would save is not worth the operations."""
_INFERRED = {"Conv", "Add", "Relu", "LeakyRelu"}
"""Operations whose results' shapes every runtime infers. Without the shapes of some others ONNX Runtime takes 5 s to
open a file of `dic`, with them 0.9."""


def round_weights(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round weights to -127..127 times a scale for each channel.

    Args:
        values: (O, I, ...) weights of a convolution. The channels are those of whichever of the first two axes is
            shorter, so that the scales take little space.

    Returns:
        The rounded weights, and scales of a shape that is broadcast over them.
    """
    axis = int(values.ndim > 1 and values.shape[1] < values.shape[0])
    others = tuple(each for each in range(values.ndim) if each != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.round(values / scales).astype(np.int8), scales


def keep_in_eight_bits(path: Path) -> None:
    """Store the weights of an ONNX file as int8, each followed by a cast to float32 and a multiplication by scales.

    Runtimes fold both when they open the file, so results differ only by the rounding of the weights. Equal tensors are
    stored once. What only readers of the graph need is left out: names become numbers, attributes that have their
    defaults go, and so do shapes that can be inferred.

    Args:
        path: a file that `export_onnx` wrote; it is replaced in one step.
    """
    model = onnx.load(str(path))
    graph = model.graph
    numbers = count()
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    names[""] = ""  # an input that is left out
    initializers: list[onnx.TensorProto] = []
    unpacking: list[onnx.NodeProto] = []
    stored: dict[bytes, str] = {}
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        key = str((values.dtype, values.shape)).encode() + values.tobytes()
        if key not in stored:
            weights, scales, floats, result = (str(next(numbers)) for _ in range(4))
            stored[key] = result
            if tensor.data_type == onnx.TensorProto.FLOAT and values.size >= SMALLEST:
                rounded = round_weights(values)
                initializers += map(numpy_helper.from_array, rounded, (weights, scales))
                unpacking.append(helper.make_node("Cast", [weights], [floats], to=onnx.TensorProto.FLOAT))
                unpacking.append(helper.make_node("Mul", [floats, scales], [result]))
            else:
                initializers.append(numpy_helper.from_array(values, result))
        names[tensor.name] = stored[key]
    inferred = {name for node in graph.node if node.op_type in _INFERRED for name in node.output}
    shapes = {value.name: value for value in graph.value_info if value.name not in {*inferred, *names}}
    version = next(opset.version for opset in model.opset_import if opset.domain == "")
    for node in graph.node:
        node.name = ""
        defaults = onnx.defs.get_schema(node.op_type, version).attributes
        stated = [each for each in node.attribute if each != defaults[each.name].default_value]
        del node.attribute[:]
        node.attribute.extend(stated)
        node.input[:] = [names[name] for name in node.input]
        for name in node.output:
            names.setdefault(name, str(next(numbers)))
        node.output[:] = [names[name] for name in node.output]
    for name, value in shapes.items():
        value.name = names[name]
    nodes, infos = [*unpacking, *graph.node], list(shapes.values())
    del graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.initializer.extend(initializers)
    graph.node.extend(nodes)
    graph.value_info.extend(infos)
    with written_whole(path) as part:
        onnx.save(model, str(part))
