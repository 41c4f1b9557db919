"""`dicface export`."""

from pathlib import Path

import pytest

from dicface.checkpoints.networks import save_network
from dicface.networks.dic import DICNetwork
from tests.support.command import dicface
from tests.support.networks import TINY


@pytest.mark.slow
def test_export_compares_with_torch(tmp_path: Path) -> None:
    save_network(DICNetwork(TINY), tmp_path / "a.safetensors")
    result = dicface("export", tmp_path / "a.safetensors", "-o", tmp_path / "a.onnx")
    assert result.returncode == 0, result.stderr
    assert "on 48 faces it differs from torch by at most" in result.stdout
    assert (tmp_path / "a.onnx").exists()
