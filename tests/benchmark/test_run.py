"""Rows are measured in processes of their own, and compared."""

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from dicface.benchmark import measure, reference, run
from dicface.benchmark.cases import IMAGE_PX, Case, Machine, Model, embedded
from dicface.benchmark.reference import reference_cases
from dicface.benchmark.run import benchmark_faces
from dicface.checkpoints.networks import load_run
from dicface.errors import BenchmarkError
from dicface.networks.dic import DIC

ONE = Machine(("onnxruntime",))


@pytest.mark.parametrize("name", ["lite", "landmarks-hr", "finder"])
def test_a_row_is_measured(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model = embedded(name)
    monkeypatch.setattr(measure, "_BUDGET_S", 0.0)
    request = {
        "kind": model.kind, "path": str(model.files["onnxruntime"]), "side": IMAGE_PX[model.kind],
        "backend": "onnxruntime", "precision": "float32", "compiled": False, "channels_last": False, "batch": 2,
        "faces": None,
    }  # fmt: skip
    row = measure.measure_row(request)
    assert row["ms"] > 0
    assert row["start_up_s"] > 0
    assert row["psnr"] is None


DIC_ANYWHERE = Model("dic", "restoration", {name: Path("d") for name in ("torch", "onnxruntime", "openvino")}, 90.0)
CASES = [
    Case(DIC_ANYWHERE, "torch", "float32", 1),
    Case(DIC_ANYWHERE, "openvino", "float32", 1),
    Case(DIC_ANYWHERE, "openvino", "bfloat16", 1),
    Case(DIC_ANYWHERE, "openvino", "bfloat16", 8),
]
FACES = np.zeros((1, 128, 128, 3), np.uint8)


def answered(monkeypatch: pytest.MonkeyPatch, failing: Sequence[tuple[str, str, int]] = (), calls: int = 0) -> None:
    """Let measurements have known results; the failing ones fail after so many calls."""
    known = {
        ("torch", "float32", 1): (900, 25.0),
        ("openvino", "float32", 1): (300, 25.0),
        ("openvino", "bfloat16", 1): (90, 24.9),
        ("openvino", "bfloat16", 8): (45, 24.8),
    }
    asked: Counter[tuple[str, str, int]] = Counter()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if "peak" in request:
            return {"float32": 200.0, "bfloat16": 2000.0}
        case = request["backend"], request["precision"], request["batch"]
        asked[case] += 1
        if case in failing and asked[case] > calls:
            raise BenchmarkError("a measurement failed: no memory")
        ms, psnr = known[case]
        return {"ms": ms, "start_up_s": 1.0, "peak_mb": 10.0, "psnr": psnr if request["faces"] else None}

    monkeypatch.setattr(run, "_ask", answer)


def test_rows_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch)
    result = run.run_cases(CASES, ONE, FACES, rounds=2)
    reference, plain, half, many = result["rows"]
    assert [row["times_reference"] for row in result["rows"]] == [1, 3, 10, 20]
    assert half["faces_per_s"] == pytest.approx(1000 / 90)
    assert reference["peak_share"] == pytest.approx(0.5)  # 90 GFLOP in 0.9 s of 200 GFLOP/s
    assert half["peak_share"] == pytest.approx(0.5)
    assert plain["psnr_change"] == 0
    assert half["psnr_change"] == pytest.approx(-0.1)
    assert many["psnr_change"] == pytest.approx(-0.2)
    assert result["failures"] == []
    assert "times" in shown(result)


def test_a_case_that_fails_ends_none_but_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, failing=[("torch", "float32", 1), ("openvino", "float32", 1)])
    result = run.run_cases(CASES, ONE, FACES, rounds=2)
    assert result["failures"] == [
        "dic, torch, float32, batch 1: a measurement failed: no memory",
        "dic, openvino, float32, batch 1: a measurement failed: no memory",
    ]
    # There is nothing left to compare the others with.
    assert [(row["ms"], row["times_reference"], row["psnr_change"]) for row in result["rows"]] == [
        (90, None, None),
        (45, None, None),
    ]


def test_a_case_that_fails_later_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, failing=[("torch", "float32", 1)], calls=1)
    result = run.run_cases(CASES, ONE, FACES, rounds=3)
    assert result["failures"] == ["dic, torch, float32, batch 1: a measurement failed: no memory"]
    assert [row["times_reference"] for row in result["rows"]] == [1, 3, 10, 20]


def test_quality_is_measured_in_batches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[int] = []

    def plain(lr: np.ndarray) -> SimpleNamespace:
        sizes.append(len(lr))
        return SimpleNamespace(sr=lr.repeat(8, axis=2).repeat(8, axis=3)[:, None])

    faces = tmp_path / "faces.npy"
    np.save(faces, benchmark_faces(None, 5))
    psnr = [measure._psnr(plain, faces, batch) for batch in (2, 8)]
    assert sizes == [2, 2, 1, 5]
    assert psnr[0] == psnr[1] > 15


def shown(result: dict[str, Any]) -> str:
    """The table in a terminal of usual width."""
    screen = io.StringIO()
    Console(width=80, file=screen).print(run.result_table(result))
    return screen.getvalue()


@pytest.mark.parametrize("reference", [61.3, None])
def test_the_table_can_be_read_in_a_terminal_of_usual_width(reference: float | None) -> None:
    row = {
        "backend": "onnxruntime", "precision": "float32", "compiled": False, "channels_last": False, "batch": 1,
        "faces_per_s": 278.5, "times_reference": reference, "peak_share": 0.56, "psnr_change": -0.002,
        "peak_mb": 1563.0,
    }  # fmt: skip
    rows = [
        {**row, "model": "landmarks-hr", "ms": 1177.3, "start_up_s": 2.29},
        {**row, "model": "lite", "ms": 15.0, "start_up_s": 0.58, "compiled": True, "channels_last": True},
    ]
    lines = [line.split() for line in shown({"peak_gflops": {"float32": 519.0}, "rows": rows}).splitlines()]
    numbers = ["278.5", *([] if reference is None else ["61.3"]), "56%", "-0.002"]
    assert ["landmarks-hr", "onnxruntime", "float32", "1", "1177.3", *numbers, "2.29", "1563"] in lines
    assert ["lite", "onnxruntime", "float32", "1", "15.0", *numbers, "0.58", "1563"] in lines
    # A column that would be empty is not there.
    assert any("times" in line for line in lines) == (reference is not None)


def test_the_reference_runs_everywhere_one_face_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It takes a minute, and smaller networks are exported elsewhere.
    monkeypatch.setattr(reference, "export_onnx", lambda _, path: path.touch())
    cases = reference_cases(tmp_path, Machine(("onnxruntime", "openvino", "torch"), bfloat16=True))
    assert run.REFERENCE in [(case.model.name, case.backend, case.precision, case.batch) for case in cases]
    assert len(cases) == 4
    assert {case.batch for case in cases} == {1}
    assert all(path.is_file() for path in cases[0].model.files.values())
    assert load_run(cases[0].model.files["torch"]).config == DIC


def test_a_measurement_that_fails_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    broken = embedded(str(tmp_path / "broken.onnx"))
    with pytest.raises(BenchmarkError, match=r"a measurement failed: .*expected an ONNX model, could not load"):
        run._ask({
            "kind": "restoration", "path": str(broken.files["onnxruntime"]), "side": 16, "backend": "onnxruntime",
            "precision": "float32", "compiled": False, "channels_last": False, "batch": 1, "faces": None,
        })  # fmt: skip


def test_generated_faces_are_the_same_every_time() -> None:
    faces = benchmark_faces(None, 3)
    assert faces.shape == (3, 128, 128, 3)
    assert np.array_equal(faces, benchmark_faces(None, 3))
