"""Which rows the table has, on machines that this one is not."""

from pathlib import Path

import pytest

from dicface.benchmark.cases import BenchmarkModel, Case, Machine, MeasuredBackend, embedded, embedded_names, list_cases
from dicface.errors import UnknownModelError, UsageError

FILES: dict[MeasuredBackend, Path] = {
    "onnxruntime": Path("a.onnx"),
    "openvino": Path("a.onnx"),
    "torch": Path("a.safetensors"),
}
MODEL = BenchmarkModel("a", "restoration", FILES, 4.0)


def described(cases: list[Case]) -> list[str]:
    return [f"{case.backend} {case.how} {case.batch}" for case in cases]


def test_a_base_install_has_onnxruntime_alone() -> None:
    assert described(list_cases([MODEL], Machine(("onnxruntime",)), (8, 1))) == [
        "onnxruntime float32 1",
        "onnxruntime float32 8",
    ]


def test_bfloat16_where_the_processor_has_it() -> None:
    machine = Machine(("onnxruntime", "openvino", "torch"), bfloat16=True)
    assert described(list_cases([MODEL], machine, (1,))) == [
        "onnxruntime float32 1",
        "openvino float32 1",
        "openvino bfloat16 1",
        "torch float32 1",
    ]


def test_torch_on_cuda_has_every_variant() -> None:
    cases = list_cases([MODEL], Machine(("torch",), cuda=True), (1,))
    assert len(cases) == len(set(cases)) == 8
    assert "torch bfloat16, compiled, channels-last 1" in described(cases)


def test_embedded_models_and_files(tmp_path: Path) -> None:
    assert embedded_names() == ["lite", "lite-256", "landmarks-hr", "finder"]
    assert set(embedded("lite").files) == {"onnxruntime", "openvino", "torch"}
    assert set(embedded("landmarks-hr").files) == set(embedded("finder").files) == {"onnxruntime"}
    (tmp_path / "mine.safetensors").touch()
    mine = embedded(str(tmp_path / "mine.safetensors"))
    assert (mine.name, set(mine.files), mine.gflop) == ("mine", {"torch"}, None)
    with pytest.raises(UsageError, match="no backend among onnxruntime runs mine"):
        list_cases([mine], Machine(("onnxruntime",)))
    with pytest.raises(UnknownModelError):
        embedded("nothing")
    with pytest.raises(UnknownModelError, match="got 'features'"):
        embedded("features")
