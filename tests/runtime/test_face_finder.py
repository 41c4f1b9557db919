"""The finder's file, and the shipped finder on a real face."""

import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import torch

from dicface.checkpoints.networks import load_network, load_run, save_network
from dicface.errors import CheckpointError
from dicface.export import graphs as export
from dicface.export.graphs import FinderGraph, comparison_faces, export_locator_checked
from dicface.faces.second_look import look_again
from dicface.images.pixels import resize
from dicface.networks.face_finder import Finder, FinderConfig, FinderOutput, Peaks, decode_peaks
from dicface.runtime import face_finder as finder_module
from dicface.runtime import proposals as proposals_module
from dicface.runtime.face_finder import FaceFinder
from dicface.runtime.models import find_model
from dicface.runtime.proposals import Proposal

# The landmarks' box of the portrait's face, in pixels of 512.
X, Y, SIDE = 226.0, 135.0, 105.0


@pytest.fixture(scope="module")
def shipped() -> FaceFinder:
    return FaceFinder()


def is_the_face(proposal: Proposal, scale: float, left: float = 0, top: float = 0) -> bool:
    x, y = ((proposal.box[k] + proposal.box[k + 2]) / 2 - corner for k, corner in enumerate((left, top)))
    near = max(abs(x - X * scale), abs(y - Y * scale)) < 0.25 * SIDE * scale
    return near and 0.7 < max(proposal.box[2:] - proposal.box[:2]) / (SIDE * scale) < 1.45


@pytest.mark.parametrize("face_px", [12, 14, 18, 25, 36, 50, 105, 200])
def test_the_face_is_found_first_at_any_size(shipped: FaceFinder, portrait: np.ndarray, face_px: int) -> None:
    scale = face_px / SIDE
    side = round(512 * scale)
    photo = resize(portrait, (side, side))
    assert is_the_face(look_again(shipped, photo, shipped(photo))[0], side / 512)


def test_small_faces_can_be_left_out(shipped: FaceFinder, small_photo: np.ndarray) -> None:
    assert any(is_the_face(place, 121 / 512) for place in shipped(small_photo, 16))
    assert not any(is_the_face(place, 121 / 512) for place in shipped(small_photo, 80))


def test_a_photo_larger_than_a_tile_is_looked_through_everywhere(
    shipped: FaceFinder, small_photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = np.full((300, 500, 3), 100, np.uint8)
    photo[170:291, 370:491] = small_photo
    photo[30:151, 100:221] = small_photo
    monkeypatch.setattr(finder_module, "_TILE_PX", 160)
    found = shipped(photo)
    for left, top in ((100, 30), (370, 170)):
        assert sum(is_the_face(proposal, 121 / 512, left, top) for proposal in found) == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (65, 33)])
def test_photos_of_any_shape_are_taken(shipped: FaceFinder, size: tuple[int, int]) -> None:
    assert shipped(np.zeros((*size, 3), np.uint8)) == []


class Exported(NamedTuple):
    """An untrained network and its file, with their largest differences by output."""

    network: Finder
    path: Path
    differences: dict[str, float]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.manual_seed(0)
    network = Finder(FinderConfig(width=4, depth=1)).eval()
    path = tmp_path_factory.mktemp("finder") / "a.onnx"
    return Exported(network, path, export_locator_checked(network, path, comparison_faces(None)))


@pytest.fixture(scope="module")
def everywhere(exported: Exported) -> FaceFinder:
    """Sees a face of 12x12 px in every cell."""
    model = onnx.load(exported.path)
    bias = np.array([5, 0, 0, *[math.log2(12 / 20)] * 2, *[0] * 10], np.float32)
    head = {"network.head.weight": None, "network.head.bias": bias}
    for weights in model.graph.initializer:
        if weights.name in head:
            values = head.pop(weights.name)
            replaced = np.zeros(weights.dims, np.float32) if values is None else values
            weights.CopyFrom(onnx.numpy_helper.from_array(replaced, weights.name))
    assert head == {}
    file = exported.path.with_name("everywhere.onnx")
    onnx.save(model, file)
    return FaceFinder(str(file))


@pytest.mark.slow
def test_boxes_are_in_pixels_of_the_photo(everywhere: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    """65 x 70 px become 33 x 35 and 17 x 18 when reduced; cells whose 4x4 pixels lie beyond the photo are left out."""
    monkeypatch.setattr(proposals_module, "non_maximum_suppression", lambda boxes, scores: np.arange(len(boxes)))
    boxes = np.array([proposal.box for proposal in everywhere(np.zeros((65, 70, 3), np.uint8))])
    sides = boxes[:, 2] - boxes[:, 0]
    assert sorted(set(sides.round(3).tolist())) == [12, 24, 48]
    rows = [sorted(set(((boxes[:, 1] + boxes[:, 3]) / 2)[sides.round(3) == side].tolist())) for side in (12, 24, 48)]
    assert rows == [list(range(2, 67, 4)), list(range(4, 69, 8)), list(range(8, 73, 16))]


def test_threads_may_share_it(shipped: FaceFinder, small_photo: np.ndarray) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(shipped, [small_photo] * 6))
    scores = [[proposal.score for proposal in proposals] for proposals in found]
    assert all(those == scores[0] for those in scores)


@pytest.mark.slow
def test_a_file_gives_what_torch_gives_and_is_read_back(exported: Exported, tmp_path: Path) -> None:
    network, path, differences = exported
    assert differences.keys() == {"score", "box", "points"}
    assert max(differences.values()) < 1e-4
    save_network(network, tmp_path / "a.safetensors")
    again = load_run(tmp_path / "a.safetensors")
    assert isinstance(again, Finder)
    # 41 x 30 px are padded to 64 x 32, and a border pixel is repeated.
    photo = comparison_faces(None, 1)[0, :30, :41]
    padded = np.pad(photo, ((0, 2), (0, 23), (0, 0)), mode="edge")
    image = torch.from_numpy(padded.transpose(2, 0, 1)[None]).float() / 255
    with torch.inference_mode():
        # Without the cells whose centre is in the padding.
        scores, boxes, points = (part[0, ..., :8, :11].numpy() for part in FinderGraph(again)(image))
    found = FaceFinder(str(path), min_score=0.0)(photo)
    best = np.unravel_index(scores.argmax(), scores.shape)
    assert found[0].score == pytest.approx(float(scores.max()), abs=1e-5)
    assert found[0].box == pytest.approx(boxes[:, *best], rel=1e-4)
    assert found[0].points.reshape(-1) == pytest.approx(points[:, *best], rel=1e-4)


@pytest.mark.slow
def test_a_file_whose_boxes_differ_is_not_written(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubled(output: FinderOutput) -> Peaks:
        peaks = decode_peaks(output)
        return peaks._replace(boxes=2 * peaks.boxes)

    monkeypatch.setattr(export, "decode_peaks", doubled)
    # The file of the network as it is stands for an export that goes wrong.
    monkeypatch.setattr(export, "export_locator", lambda _, part: shutil.copyfile(exported.path, part))
    with pytest.raises(CheckpointError, match=r"by less than 0\.001, got {'score': \S+, 'box': 1\d\d\."):
        export_locator_checked(exported.network, tmp_path / "a.onnx", comparison_faces(None, 1))
    assert list(tmp_path.iterdir()) == []


def test_other_models_are_refused() -> None:
    with pytest.raises(CheckpointError, match="expected a face finder with outputs score, box and points"):
        FaceFinder(str(find_model("lite")))
    with pytest.raises(CheckpointError, match="expected a network that restores faces, got a face finder"):
        load_network(find_model("finder", ".safetensors", "finder"))
