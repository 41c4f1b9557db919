"""Embedded models are what their cards say, and every backend gives what torch gives."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from dicface.checkpoints.networks import load_network
from dicface.errors import CheckpointError, UnknownModelError, UsageError
from dicface.export.graphs import compare_with_torch
from dicface.images.pixels import resize, to_network
from dicface.runtime import face_model
from dicface.runtime.backends import FaceOutput, OnnxRuntimeBackend, OpenVinoBackend, TorchBackend
from dicface.runtime.face_model import MAX_BATCH, FaceModel
from dicface.runtime.models import embedded_models, find_model
from dicface.runtime.providers import BackendName

SIZES = (8, 13, 16, 31, 48, 64)


@pytest.fixture(scope="module")
def faces(portrait: np.ndarray) -> list[np.ndarray]:
    """The portrait's face at several sizes, two slightly different crops each."""
    crops = [portrait[74:194, 164:284], portrait[78:190, 168:280]]
    return [np.stack([resize(np.ascontiguousarray(crop), (side, side)) for crop in crops]) for side in SIZES]


@pytest.mark.parametrize("name", embedded_models("restoration"))
def test_onnx_names_and_shapes_are_the_contract(name: str) -> None:
    graph = onnx.load(find_model(name)).graph
    shapes = {
        port.name: [side.dim_value or side.dim_param for side in port.type.tensor_type.shape.dim]
        for port in (*graph.input, *graph.output)
    }
    assert list(shapes) == ["lr", "sr", "heatmaps"]
    assert shapes["lr"] == ["faces", 3, "side", "side"]
    side = 256 if name == "lite-256" else 128
    assert shapes["sr"][2:] == [3, side, side]
    assert shapes["heatmaps"][2:] == [68, side // 4, side // 4]


@pytest.mark.slow
@pytest.mark.parametrize("name", embedded_models("restoration"))
def test_onnx_equals_torch_on_a_face(name: str, faces: list[np.ndarray]) -> None:
    network = load_network(find_model(name, ".safetensors"))
    some = faces[::3] if name == "lite-256" else faces[::2]
    result = compare_with_torch(network, find_model(name), some)
    assert result.faces == 2 * len(some)
    assert result.passed, result


@pytest.mark.slow
def test_openvino_stays_within_its_precision(faces: list[np.ndarray]) -> None:
    path = find_model("lite")
    reference, other = OnnxRuntimeBackend(path), OpenVinoBackend(path)
    for crops in faces:
        lr = to_network(crops)
        wanted, got = reference(lr), other(lr)
        # In bfloat16 the image itself has steps of a whole grey level near white.
        assert np.abs(wanted.sr - got.sr).mean() < 1.5 / 255
        assert np.abs(wanted.sr - got.sr).max() < 0.1


def test_torch_backend_equals_onnx(faces: list[np.ndarray]) -> None:
    lr = to_network(faces[2])
    torch_result = TorchBackend(find_model("lite", ".safetensors"))(lr)
    onnx_result = OnnxRuntimeBackend(find_model("lite"))(lr)
    np.testing.assert_allclose(torch_result.sr, onnx_result.sr, atol=1e-4)


@pytest.mark.slow
def test_crops_of_mixed_sizes_keep_their_order(faces: list[np.ndarray]) -> None:
    model = FaceModel("lite", backend="onnxruntime")
    crops = [crop for pair in zip(*faces, strict=True) for crop in pair]
    together = model(crops)
    for crop, result in zip(crops, together, strict=True):
        (alone,) = model([crop])
        assert np.abs(alone.sr.astype(int) - result.sr).max() <= 1


@pytest.mark.slow
def test_more_crops_than_a_batch_holds(faces: list[np.ndarray]) -> None:
    results = FaceModel("lite", backend="onnxruntime")([faces[0][0]] * (MAX_BATCH + 1))
    assert len(results) == MAX_BATCH + 1
    assert np.abs(results[0].sr.astype(int) - results[-1].sr).max() <= 1


def test_landmarks_lie_on_the_face(faces: list[np.ndarray]) -> None:
    (result,) = FaceModel("lite", backend="onnxruntime")([faces[3][0]])
    left_eye, right_eye, mouth = (
        result.landmarks[-1][part].mean(axis=0) for part in (slice(36, 42), slice(42, 48), slice(48, 68))
    )
    # Read off the picture of this crop at 128 px.
    assert np.linalg.norm(left_eye - (41, 29)) < 5
    assert np.linalg.norm(right_eye - (88, 31)) < 5
    assert np.linalg.norm(mouth - (64, 75)) < 5


def test_unknown_names_and_backends() -> None:
    with pytest.raises(UnknownModelError, match=r"expected one of lite.* or a run's folder, got 'nope'"):
        FaceModel("nope")
    with pytest.raises(UsageError, match="expected a backend, one of auto, onnxruntime, openvino, torch, got 'gpu'"):
        FaceModel("lite", backend="gpu")  # pyright: ignore[reportArgumentType] - what a caller may well try


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no model")
    for backend in ("onnxruntime", "openvino"):
        with pytest.raises(CheckpointError, match="expected an ONNX model"):
            FaceModel(str(tmp_path / "a.onnx"), backend=backend)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_only_onnx_is_read_whatever_the_file_is_called(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], backend: BackendName
) -> None:
    """OpenVINO would also take its own format, TensorFlow's, Paddle's and more, and tell stderr that it tried."""
    (tmp_path / "a.onnx").write_text('<?xml version="1.0"?><net name="m" version="11"><layers/><edges/></net>')
    with pytest.raises(CheckpointError, match="expected an ONNX model, could not load") as refused:
        FaceModel(str(tmp_path / "a.onnx"), backend=backend)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    port = onnx.helper.make_tensor_value_info
    identity = onnx.helper.make_node("Identity", ["image"], ["out"])
    graph = onnx.helper.make_graph(
        [identity], "g", [port("image", onnx.TensorProto.FLOAT, [1])], [port("out", onnx.TensorProto.FLOAT, [1])]
    )
    opset = onnx.helper.make_opsetid("", 20)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10), tmp_path / "a.onnx")
    with pytest.raises(CheckpointError, match=r"inputs \['image'\] and outputs \['out'\]"):
        FaceModel(str(tmp_path / "a.onnx"), backend="onnxruntime")


def test_a_crop_of_a_wrong_size_is_refused() -> None:
    with pytest.raises(UsageError, match="lite takes square crops of 8 to 64 px, got 70x70"):
        FaceModel("lite", backend="onnxruntime")([np.zeros((70, 70, 3), np.uint8)])


@pytest.mark.slow
def test_a_face_is_the_same_to_the_bit_in_any_batch(portrait: np.ndarray) -> None:
    """On this the sharing of batches between photos rests (ADR 25)."""
    run = OnnxRuntimeBackend(find_model("lite"))
    for side, counts in ((8, (3,)), (13, (2, 5)), (64, (3,))):
        crops = [np.ascontiguousarray(portrait[70 + k : 190 + k, 160:280]) for k in range(max(counts))]
        lr = to_network(np.stack([resize(crop, (side, side)) for crop in crops]))
        alone = [run(face[None]) for face in lr]
        for count in counts:
            together = run(lr[:count])
            for kind in ("sr", "heatmaps"):
                expected = np.concatenate([getattr(one, kind) for one in alone[:count]])
                np.testing.assert_array_equal(getattr(together, kind), expected, err_msg=f"{count} of {side} px")


def test_callers_share_batches_where_company_changes_nothing(
    faces: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers whose crops wait while the network is busy, and what they are given then."""
    monkeypatch.setattr(face_model, "RUNS_AT_ONCE", 1)
    model, runs = FaceModel(backend="onnxruntime"), list[int]()
    started, go_on = threading.Event(), threading.Event()
    run = model._backend

    class Watched:
        name, runs_on, may_mix = run.name, run.runs_on, run.may_mix
        lr_sizes, face_px = run.lr_sizes, run.face_px

        def __call__(self, lr: np.ndarray) -> FaceOutput:
            runs.append(len(lr))
            started.set()
            assert go_on.wait(20)
            return run(lr)

    expected = [model([faces[2][k]])[0].sr for k in (0, 1)]
    assert model._is_same_in_any_batch()
    model._backend = Watched()
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(model, [faces[1][0]])]
        assert started.wait(20)
        futures += [pool.submit(model, [faces[2][k]]) for k in (0, 1)]
        while len(model._runs._waiting) < 2:
            assert not threading.Event().wait(0.001)
        go_on.set()
        _, *results = [future.result(60)[0].sr for future in futures]
    assert runs[0] == 1
    assert runs[-1] == 2
    np.testing.assert_array_equal(results, expected)


@pytest.mark.slow
def test_torch_openvino_and_accelerators_do_not_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """In torch a face's last digit depends on its batch, in OpenVINO on some processors; accelerators are untested."""
    assert not FaceModel(backend="torch")._is_same_in_any_batch()
    assert not FaceModel(backend="openvino")._is_same_in_any_batch()
    model = FaceModel(backend="onnxruntime")
    monkeypatch.setattr(model._backend, "may_mix", False)
    assert not model._is_same_in_any_batch()


def test_a_model_of_256_px_says_so(portrait: np.ndarray) -> None:
    model = FaceModel("lite-256", backend="onnxruntime")
    assert (model.lr_sizes, model.face_px) == ((32, 256), 256)
    (result,) = model([portrait[45:185, 145:285]])
    assert result.sr.shape == (2, 256, 256, 3)
    left_eye, right_eye = (result.landmarks[-1][part].mean(axis=0) for part in (slice(36, 42), slice(42, 48)))
    # Read off the picture of this crop at 256 px.
    assert np.linalg.norm(left_eye - (107, 103)) < 10
    assert np.linalg.norm(right_eye - (186, 109)) < 10
    with pytest.raises(UsageError, match="takes square crops of 32 to 256 px, got 31x31"):
        model([np.zeros((31, 31, 3), np.uint8)])
