"""ONNX files with the signature of other people's 512 px face restorers."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_face_restorer(path: Path, *, fidelity: str | None = None, shape: tuple[int, ...] = (1, 3, 512, 512)) -> Path:
    """A network that turns its image upside down in value, times the fidelity if there is one: `out = -in * w`.

    Args:
        path: the file.
        fidelity: `vector` or `scalar` for a number as second input, of doubles and floats; None for none.
        shape: of the image.
    """
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
    inputs, nodes, last = [image], [helper.make_node("Neg", ["input"], ["negative"])], "negative"
    if fidelity is not None:
        kind = TensorProto.DOUBLE if fidelity == "vector" else TensorProto.FLOAT
        inputs.append(helper.make_tensor_value_info("weight", kind, [1] if fidelity == "vector" else []))
        nodes.append(helper.make_node("Cast", ["weight"], ["number"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [last, "number"], ["weighted"]))
        last = "weighted"
    made = helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "g", inputs, [made])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path
