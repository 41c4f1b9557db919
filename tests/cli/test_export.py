"""`dicface export`."""

from pathlib import Path

import pytest

from tests.support.command import dicface


@pytest.mark.slow
def test_export_compares_with_torch(tmp_path: Path) -> None:
    from dicface.runtime.models import find_model

    result = dicface("export", find_model("lite", ".safetensors"), "-o", tmp_path / "a.onnx")
    assert result.returncode == 0, result.stderr
    assert "on 48 faces it differs from torch by at most" in result.stdout
    assert (tmp_path / "a.onnx").exists()
