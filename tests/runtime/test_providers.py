"""Which backend and which provider are taken, on machines that this one is not."""

import logging

import pytest

from dicface import LandmarkModel, Restorer
from dicface.errors import UsageError
from dicface.runtime.face_model import FaceModel
from dicface.runtime.providers import choose_backend, choose_provider

CPU, CUDA, COREML = "CPUExecutionProvider", "CUDAExecutionProvider", "CoreMLExecutionProvider"


def never() -> list[str]:
    raise AssertionError("OpenVINO was asked although it does not matter")


@pytest.mark.parametrize(
    ("available", "asked", "expected"),
    [
        ([CPU], "", CPU),
        (["AzureExecutionProvider", CPU], "", CPU),
        (["TensorrtExecutionProvider", CUDA, CPU], "", CUDA),
        (["DmlExecutionProvider", CPU], "", "DmlExecutionProvider"),
        ([COREML, CPU], "", CPU),
        ([COREML, CPU], "coreml", COREML),
        ([CUDA, CPU], "cpu", CPU),
    ],
)
def test_providers(available: list[str], asked: str, expected: str) -> None:
    assert choose_provider(available, {"DICFACE_PROVIDER": asked} if asked else {}) == expected


def test_a_provider_that_is_not_there_is_no_silent_cpu() -> None:
    with pytest.raises(UsageError, match="DICFACE_PROVIDER=cuda is set, but the installed ONNX Runtime has only cpu"):
        choose_provider([CPU], {"DICFACE_PROVIDER": "cuda"})
    with pytest.raises(UsageError, match="one of cpu, cuda, directml, coreml, got 'gpu'"):
        choose_provider([CPU], {"DICFACE_PROVIDER": "gpu"})


def test_an_argument_comes_before_the_environment() -> None:
    assert choose_provider([CUDA, CPU], {"DICFACE_PROVIDER": "cuda"}, provider="cpu") == CPU
    assert choose_provider([COREML, CPU], {}, provider="coreml") == COREML
    with pytest.raises(UsageError, match="`provider` cuda was asked for, but the installed ONNX Runtime has only cpu"):
        choose_provider([CPU], {}, provider="cuda")
    with pytest.raises(UsageError, match=r"expected `provider` to be one of auto, cpu, .*, got 'gpu'"):
        choose_provider([CPU], {}, provider="gpu")  # pyright: ignore[reportArgumentType] - what a caller may try


def test_the_provider_reaches_every_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICFACE_PROVIDER", "nonsense")
    assert "CPUExecutionProvider" in FaceModel(backend="onnxruntime", provider="cpu", threads=1).how_it_runs
    LandmarkModel(provider="cpu")
    Restorer(backend="onnxruntime", provider="cpu")
    with pytest.raises(UsageError, match="expected DICFACE_PROVIDER to be one of cpu"):
        LandmarkModel()


def test_a_backend_refuses_a_provider_that_it_lacks() -> None:
    with pytest.raises(UsageError, match="the openvino backend runs on the CPU; leave out `provider`, got 'cuda'"):
        FaceModel(backend="openvino", provider="cuda")
    with pytest.raises(UsageError, match=r"expected a `provider` that torch has here, .*, got 'coreml'"):
        FaceModel(backend="torch", provider="coreml")
    with pytest.raises(UsageError, match=r"call torch\.set_num_threads"):
        FaceModel(backend="torch", threads=2)


def test_what_was_chosen_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dicface"):
        FaceModel(backend="onnxruntime", provider="cpu")
    assert caplog.messages == ["lite runs in onnxruntime (CPUExecutionProvider, float32)"]


def test_backends() -> None:
    assert choose_backend(CUDA, never, has_openvino=True).backend == "onnxruntime"
    assert choose_backend(CPU, never, has_openvino=False).backend == "onnxruntime"
    assert choose_backend(CPU, lambda: ["FP32", "BF16"], has_openvino=True).backend == "openvino"
    assert choose_backend(CPU, lambda: ["FP32", "INT8"], has_openvino=True).backend == "onnxruntime"


def test_the_model_says_what_runs_it() -> None:
    assert (
        FaceModel("lite", backend="onnxruntime").how_it_runs
        == "lite runs in onnxruntime (CPUExecutionProvider, float32)"
    )
    chosen = FaceModel("lite")
    assert chosen.how_it_runs.startswith(f"lite runs in {chosen.backend} (")
    assert "): " in chosen.how_it_runs


def test_a_provider_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # This ONNX Runtime has no CUDA: told that it had, it would load the model on the CPU.
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [CUDA, CPU])
    with (
        pytest.warns(UserWarning, match=CUDA),
        pytest.raises(UsageError, match=f"expected ONNX Runtime to start {CUDA}"),
    ):
        FaceModel("lite", backend="onnxruntime")
