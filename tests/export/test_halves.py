"""ONNX files whose weights are kept in float16."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dicface import FaceModel
from dicface.export.halves import keep_in_halves
from dicface.images.pixels import resize
from dicface.runtime.models import find_model
from dicface.runtime.providers import BackendName
from dicface.runtime.sessions import open_session


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_half_the_size_gives_the_same_face(backend: BackendName, portrait: np.ndarray, tmp_path: Path) -> None:
    whole, half = find_model("lite"), tmp_path / "half.onnx"
    shutil.copyfile(whole, half)
    keep_in_halves(half)
    assert half.stat().st_size < 0.52 * whole.stat().st_size
    crops = [resize(portrait[80:190, 190:300], (24, 24))]
    (wanted,), (got,) = (FaceModel(str(path), backend=backend)(crops) for path in (whole, half))
    np.testing.assert_allclose(got.sr.astype(int), wanted.sr.astype(int), atol=2)
    np.testing.assert_allclose(got.heatmap_confidence, wanted.heatmap_confidence, atol=0.01)


def test_equal_weights_are_stored_once_and_small_ones_stay(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(16, 16, 3, 3)).astype(np.float32)
    bias = np.linspace(0, 1, 16, dtype=np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "first", "bias"], ["features"], pads=[1] * 4),
        helper.make_node("Conv", ["features", "second", "bias"], ["out"], pads=[1] * 4),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 16, 8, 8]) for name in ("image", "out")]
    tensors = [numpy_helper.from_array(values, name) for name, values in (("first", weights), ("second", weights))]
    graph = helper.make_graph(nodes, "twice", ports[:1], ports[1:], [*tensors, numpy_helper.from_array(bias, "bias")])
    path = tmp_path / "twice.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    image = {"image": np.random.default_rng(1).normal(size=(1, 16, 8, 8)).astype(np.float32)}
    wanted = np.asarray(open_session(path).run(None, image)[0])
    keep_in_halves(path)
    got = np.asarray(open_session(path).run(None, image)[0])
    np.testing.assert_allclose(got, wanted, atol=2e-3 * np.abs(wanted).max())
    kept = {tensor.name: tensor.data_type for tensor in onnx.load(str(path)).graph.initializer}
    assert kept == {"first.half": TensorProto.FLOAT16, "bias": TensorProto.FLOAT}
