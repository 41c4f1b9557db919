"""`dicface export`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dicface.checkpoints.networks import save_network
from dicface.networks.dic import DICNetwork
from dicface.runtime.face_model import FaceModel
from tests.support.command import dicface
from tests.support.networks import TINY


@pytest.mark.slow
def test_the_papers_network_is_exported_and_compared_with_torch(tmp_path: Path) -> None:
    save_network(DICNetwork(replace(TINY, stem="paper", steps=1)), tmp_path / "a.safetensors")
    result = dicface("export", tmp_path / "a.safetensors", "-o", tmp_path / "a.onnx")
    assert result.returncode == 0, result.stderr
    assert "on 8 faces it differs from torch by at most" in result.stdout
    model = FaceModel(str(tmp_path / "a.onnx"), backend="onnxruntime")
    assert model.lr_sizes == (16, 16)
    (restored,) = model([np.zeros((16, 16, 3), np.uint8)])
    assert restored.sr.shape == (1, 128, 128, 3)
    content = (tmp_path / "a.onnx").read_bytes()
    assert b"site-packages" not in content, "the exporter's stack traces tell where it ran"


def test_an_output_of_another_kind_is_refused(tmp_path: Path) -> None:
    result = dicface("export", tmp_path / "absent.safetensors", "-o", tmp_path / "a.txt")
    assert (result.returncode, result.stderr) == (2, "dicface: expected an output ending in .onnx, got 'a.txt'\n")
