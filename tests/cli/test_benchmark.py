"""`dicface benchmark`."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from dicface.cli.evaluation import benchmark
from dicface.errors import BenchmarkError
from tests.support.command import dicface


@pytest.mark.slow
def test_benchmark_says_what_failed_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(request: dict[str, Any]) -> dict[str, float]:
        if "peak" in request:
            return {"float32": 200.0, "bfloat16": 400.0}
        raise BenchmarkError("a measurement failed: no memory [/tmp/a]")

    monkeypatch.setattr("dicface.benchmark.run._ask", fail)
    with pytest.raises(typer.Exit) as ended:
        benchmark(model=["finder"], batch="1", json_file=tmp_path / "a.json")
    assert ended.value.exit_code == 1
    said = "finder, onnxruntime, float32, batch 1: a measurement failed: no memory [/tmp/a]"
    assert said in capsys.readouterr().err
    result = json.loads((tmp_path / "a.json").read_text())
    assert (result["rows"], result["failures"]) == ([], [said])


def test_benchmark_refuses_wrong_calls(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    result = dicface("benchmark", "--json", tmp_path / "a.json")
    assert result.returncode == 2
    assert "a.json' exists; add --overwrite" in result.stderr
    result = dicface("benchmark", "--batch", "1,two")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected --batch as whole numbers with commas between, got '1,two'\n"
    result = dicface("benchmark", "--batch", "0")
    assert result.returncode == 2
    assert result.stderr == "dicface: expected --batch from 1 up, got '0'\n"
