"""Other people's networks for aligned 512 px faces."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicface.errors import CheckpointError, UsageError
from dicface.runtime.face_restorer import AlignedFaceRestorer
from tests.support.face_restorers import write_face_restorer

FACE = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)


def test_pixels_are_rgb_in_minus_one_to_one(tmp_path: Path) -> None:
    network = AlignedFaceRestorer(write_face_restorer(tmp_path / "a.onnx"))
    assert (network.name, network.has_fidelity) == ("a.onnx", False)
    # Negated values are those of the negative.
    np.testing.assert_array_equal(network(FACE), 255 - FACE)
    np.testing.assert_array_equal(network(FACE, fidelity=0), 255 - FACE)


@pytest.mark.parametrize("kind", ["vector", "scalar"])
def test_fidelity_goes_to_the_second_input(tmp_path: Path, kind: str) -> None:
    network = AlignedFaceRestorer(write_face_restorer(tmp_path / "a.onnx", fidelity=kind))
    assert network.has_fidelity
    np.testing.assert_array_equal(network(FACE, fidelity=1), 255 - FACE)
    assert (network(FACE, fidelity=0) == 128).all()
    assert abs(network(FACE, fidelity=0.5).astype(float) - (127.5 + (127.5 - FACE) / 2)).max() <= 1


@pytest.mark.parametrize("wrong", [{"shape": (1, 3, 256, 256)}, {"shape": (1, 1, 512, 512)}, {"shape": (3, 512)}])
def test_other_networks_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = write_face_restorer(tmp_path / "a.onnx", **wrong)
    with pytest.raises(
        CheckpointError, match=r"expected a face restorer with an image input .* got 'a.onnx' with input"
    ):
        AlignedFaceRestorer(path)


def test_other_files_and_faces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected an ONNX file as `large_faces`, there is none at"):
        AlignedFaceRestorer(tmp_path / "none.onnx")
    network = AlignedFaceRestorer(write_face_restorer(tmp_path / "a.onnx"))
    with pytest.raises(UsageError, match=r"expected a face of \(512, 512, 3\) uint8, got uint8 \(128, 128, 3\)"):
        network(FACE[:128, :128])
