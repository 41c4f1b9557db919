"""The landmark model for sharp faces: what its file must be, and what it finds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dicface.checkpoints.networks import load_hourglass, save_network
from dicface.errors import CheckpointError, UnknownModelError, UsageError
from dicface.export.graphs import LandmarkGraph, comparison_faces, export_locator_checked
from dicface.faces.geometry import Box
from dicface.faces.landmarks import locate
from dicface.landmarks import MIRROR_68, decode_heatmaps
from dicface.networks.stacked_hourglass import StackedHourglass, StackedHourglassConfig
from dicface.runtime.face_model import FaceModel
from dicface.runtime.landmark_model import LANDMARK_BATCH, LandmarkModel
from dicface.runtime.models import find_model
from tests.support.portrait import PORTRAIT_POINTS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[StackedHourglass, Path]:
    """A small untrained hourglass and its ONNX file."""
    torch.manual_seed(0)
    network = StackedHourglass(StackedHourglassConfig(width=8, stacks=2)).eval()
    path = tmp_path_factory.mktemp("landmarks") / "tiny.onnx"
    export_locator_checked(network, path, comparison_faces(None))
    return network, path


@pytest.mark.slow
def test_the_file_finds_what_torch_finds(tiny: tuple[StackedHourglass, Path]) -> None:
    network, path = tiny
    faces = comparison_faces(None, LANDMARK_BATCH + 3)
    image = torch.from_numpy(faces.transpose(0, 3, 1, 2)).float() / 255
    with torch.inference_mode():
        plain, mirrored = (LandmarkGraph(network)(faces)[0].numpy() for faces in (image, image.flip(-1)))
    returned = decode_heatmaps(mirrored)[:, MIRROR_68] * [-1, 1] + [127, 0]
    found = LandmarkModel(str(path))(faces)
    peaks = (plain.max(axis=(-2, -1)) + mirrored.max(axis=(-2, -1))[:, MIRROR_68]) / 2
    np.testing.assert_allclose(found.heatmap_confidence, peaks, atol=1e-4)
    np.testing.assert_allclose(found.points, (decode_heatmaps(plain) + returned) / 2, atol=0.1)


@pytest.mark.slow
def test_the_mirror_image_has_the_mirrored_landmarks(tiny: tuple[StackedHourglass, Path]) -> None:
    faces = comparison_faces(None)
    model = LandmarkModel(str(tiny[1]))
    returned = model(np.ascontiguousarray(faces[:, :, ::-1])).points[:, MIRROR_68] * [-1, 1] + [127, 0]
    np.testing.assert_allclose(returned, model(faces).points, atol=0.1)


@pytest.mark.slow
def test_no_faces_have_no_landmarks(tiny: tuple[StackedHourglass, Path]) -> None:
    found = LandmarkModel(str(tiny[1]))(np.empty((0, 128, 128, 3), np.uint8))
    assert found.points.shape == (0, 68, 2)


@pytest.mark.slow
def test_other_sizes_are_refused(tiny: tuple[StackedHourglass, Path]) -> None:
    with pytest.raises(UsageError, match=r"expected faces of shape \(N, 128, 128, 3\), got \(1, 64, 64, 3\)"):
        LandmarkModel(str(tiny[1]))(np.zeros((1, 64, 64, 3), np.uint8))


@pytest.mark.slow
def test_models_are_not_taken_for_one_another(tiny: tuple[StackedHourglass, Path]) -> None:
    with pytest.raises(CheckpointError, match="expected a landmark model with input image"):
        LandmarkModel(str(find_model("lite")))
    with pytest.raises(CheckpointError, match="expected a face model with input lr"):
        FaceModel(str(tiny[1]), backend="onnxruntime")
    with pytest.raises(UnknownModelError, match="expected one of lite, lite-256, a model file"):
        FaceModel("landmarks-hr")


@pytest.mark.slow
def test_a_saved_hourglass_is_read_back(tiny: tuple[StackedHourglass, Path], tmp_path: Path) -> None:
    network = tiny[0]
    save_network(network, tmp_path / "a.safetensors")
    again = load_hourglass(tmp_path / "a.safetensors")
    assert again.config == network.config
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in network.state_dict().items())
    with pytest.raises(CheckpointError, match="expected a stacked hourglass, got a network that restores faces"):
        load_hourglass(find_model("lite", ".safetensors"))


@pytest.mark.parametrize("box", [Box(178, 88, 268, 178), Box(168, 80, 278, 190)], ids=["tight", "loose"])
def test_the_portraits_landmarks_are_found(portrait: np.ndarray, box: Box) -> None:
    """To a tenth of the distance between the eyes (44 px), from a box that is only about right."""
    found = locate(LandmarkModel(), portrait, box)
    for point, place in PORTRAIT_POINTS.items():
        assert np.linalg.norm(found.points[point] - place) < 4.4, point
    assert found.heatmap_confidence.mean() > 0.6
