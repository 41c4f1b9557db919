"""What leads from one exported network to another of the same configuration, and back to graphs between them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dicface.errors import CheckpointError
from dicface.export.twins import twin_of
from dicface.runtime.sessions import open_session
from dicface.runtime.sharp_twins import SharpTwin, mixed_graph, read_twin, write_twin


def write_graph(path: Path, weights: dict[str, np.ndarray]) -> None:
    """Two convolutions, one after the other."""
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["features"], pads=[1] * 4),
        helper.make_node("Conv", ["features", "second"], ["out"], pads=[1] * 4),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("image", "out")]
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "twins", ports[:1], ports[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A network, and the same after its second layer has changed."""
    folder, draw = tmp_path_factory.mktemp("graphs"), np.random.default_rng(0)
    first = draw.normal(size=(4, 3, 3, 3)).astype(np.float32)
    second = draw.normal(size=(3, 4, 3, 3)).astype(np.float32)
    sharper = second + draw.normal(0, 0.1, second.shape).astype(np.float32)
    paths = [folder / "faithful.onnx", folder / "sharp.onnx"]
    for path, last in zip(paths, (second, sharper), strict=True):
        write_graph(path, {"first": first, "second": last})
    return paths


def test_the_whole_way_leads_to_the_other_network(graphs: list[Path], tmp_path: Path) -> None:
    image = np.random.default_rng(1).random((1, 3, 8, 8), dtype=np.float32)
    twin = twin_of(*graphs)
    assert twin.counts.tolist() == [3 * 4 * 3 * 3], "the first layer is the same"
    write_twin(tmp_path / "twin.npz", twin)
    mixed = mixed_graph(graphs[0].read_bytes(), read_twin(tmp_path / "twin.npz"), 1.0)
    (made,) = open_session(graphs[0], graph=mixed).run(None, {"image": image})
    faithful, sharp = (np.asarray(open_session(graph).run(None, {"image": image})[0]) for graph in graphs)
    assert np.abs(sharp - faithful).max() > 0.1
    # Differences are stored in float16.
    assert np.asarray(made) == pytest.approx(sharp, abs=1e-2)


def test_no_way_is_the_same_file_and_half_of_it_lies_between(graphs: list[Path]) -> None:
    content, twin = graphs[0].read_bytes(), twin_of(*graphs)
    assert mixed_graph(content, twin, 0.0) == content
    half = mixed_graph(content, twin, 0.5)
    assert len(half) == len(content)
    offset, count = int(twin.offsets[0]), int(twin.counts[0])
    before, after = (np.frombuffer(each, "<f4", count, offset) for each in (content, half))
    assert after - before == pytest.approx(0.5 * twin.differences[:count].astype(np.float32), abs=1e-6)
    untouched = np.ones(len(content), bool)
    for first, number in zip(twin.offsets, twin.counts, strict=True):
        untouched[first : first + 4 * number] = False
    same = np.frombuffer(content, np.uint8) == np.frombuffer(half, np.uint8)
    assert same[untouched].all()


def test_weights_that_are_stored_twice_change_twice(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    before, after = (draw.normal(size=(3, 3, 3, 3)).astype(np.float32) for _ in range(2))
    paths = [tmp_path / "faithful.onnx", tmp_path / "sharp.onnx"]
    for path, weights in zip(paths, (before, after), strict=True):
        write_graph(path, {"first": weights, "second": weights})
    twin = twin_of(*paths)
    assert twin.offsets[0] < twin.offsets[1]
    mixed = onnx.load_from_string(mixed_graph(paths[0].read_bytes(), twin, 1.0))
    for tensor in mixed.graph.initializer:
        assert numpy_helper.to_array(tensor) == pytest.approx(after, abs=1e-2), tensor.name


def test_networks_of_other_configurations_are_refused(graphs: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    write_graph(other, {"first": np.zeros((5, 3, 3, 3), np.float32), "second": np.zeros((3, 5, 3, 3), np.float32)})
    with pytest.raises(CheckpointError, match="expected two files of the same network"):
        twin_of(graphs[0], other)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_other_files_are_no_twins(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "twin.npz"
    if content is None:
        write_twin(path, SharpTwin(np.zeros(1, np.int64), np.full(1, 9, np.int64), np.zeros(3, np.float16)))
    else:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match="expected the file of a sharp twin"):
        read_twin(path)
