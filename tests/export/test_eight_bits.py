"""ONNX files whose weights are kept in 8 bits."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dicface import FaceModel
from dicface.export.eight_bits import keep_in_eight_bits, round_weights
from dicface.images.pixels import resize
from dicface.runtime.models import find_model
from dicface.runtime.providers import BackendName
from dicface.runtime.sessions import open_session


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_quarter_of_the_size_gives_the_same_face(backend: BackendName, portrait: np.ndarray, tmp_path: Path) -> None:
    whole, rounded = find_model("lite"), tmp_path / "rounded.onnx"
    shutil.copyfile(whole, rounded)
    keep_in_eight_bits(rounded)
    onnx.checker.check_model(str(rounded))
    assert rounded.stat().st_size < 0.27 * whole.stat().st_size
    crops = [resize(portrait[80:190, 190:300], (24, 24))]
    (wanted,), (got,) = (FaceModel(str(path), backend=backend)(crops) for path in (whole, rounded))
    difference = np.abs(got.sr.astype(int) - wanted.sr.astype(int))
    assert difference.mean() < 1
    assert difference.max() <= 16
    np.testing.assert_allclose(got.landmarks, wanted.landmarks, atol=1)


@pytest.mark.parametrize("shape", [(5, 9, 3, 3), (9, 5, 1, 2), (6, 4), (7,)])
def test_weights_are_rounded_by_at_most_half_a_scale_of_their_channel(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    values[0] = 0
    weights, scales = round_weights(values)
    assert weights.dtype == np.int8
    assert weights.shape == values.shape
    assert scales.size == min(shape[:2])
    assert (np.abs(weights * scales - values) <= scales * 0.501).all()


def test_equal_weights_are_stored_once_and_small_ones_stay(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(16, 16, 3, 3)).astype(np.float32)
    bias = np.linspace(0, 1, 16, dtype=np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "first", "bias"], ["features"], name="layer", pads=[1] * 4, group=1),
        helper.make_node("Conv", ["features", "second", "bias"], ["out"], pads=[1] * 4),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 16, 8, 8]) for name in ("image", "out")]
    tensors = [numpy_helper.from_array(values, name) for name, values in (("first", weights), ("second", weights))]
    graph = helper.make_graph(nodes, "twice", ports[:1], ports[1:], [*tensors, numpy_helper.from_array(bias, "bias")])
    path = tmp_path / "twice.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    image = {"image": np.random.default_rng(1).normal(size=(1, 16, 8, 8)).astype(np.float32)}
    wanted = np.asarray(open_session(path).run(None, image)[0])
    keep_in_eight_bits(path)
    got = np.asarray(open_session(path).run(None, image)[0])
    np.testing.assert_allclose(got, wanted, atol=0.02 * np.abs(wanted).max())
    kept = onnx.load(str(path)).graph
    types = {tuple(tensor.dims): tensor.data_type for tensor in kept.initializer}
    assert types == {(16, 16, 3, 3): TensorProto.INT8, (16, 1, 1, 1): TensorProto.FLOAT, (16,): TensorProto.FLOAT}
    assert len(kept.initializer) == 3
    assert [[each.name for each in node.attribute] for node in kept.node if node.op_type == "Conv"] == [["pads"]] * 2
