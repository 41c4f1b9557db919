"""Which backend and which provider are taken, on machines that this one is not."""

import pytest

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


def test_backends() -> None:
    assert choose_backend(CUDA, True, never).backend == "onnxruntime"
    assert choose_backend(CPU, False, never).backend == "onnxruntime"
    assert choose_backend(CPU, True, lambda: ["FP32", "BF16"]).backend == "openvino"
    assert choose_backend(CPU, True, lambda: ["FP32", "INT8"]).backend == "onnxruntime"


def test_the_model_says_what_runs_it() -> None:
    assert FaceModel("lite", "onnxruntime").how_it_runs == "lite runs in onnxruntime (CPUExecutionProvider, float32)"
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
        FaceModel("lite", "onnxruntime")
