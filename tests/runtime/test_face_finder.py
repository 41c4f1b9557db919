"""The finder's file, and the shipped finder on a real face."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from dicface.checkpoints.networks import load_network, load_run, save_network
from dicface.errors import CheckpointError
from dicface.export import graphs as export
from dicface.export.graphs import FinderGraph, comparison_faces, export_locator, export_locator_checked
from dicface.images.pixels import resize
from dicface.networks.face_finder import Finder, FinderConfig, FinderOutput, probable
from dicface.runtime import face_finder as finder_module
from dicface.runtime.face_finder import FaceFinder, Place
from dicface.runtime.models import find_model

# The landmarks' box of the portrait's face, in pixels of 512.
X, Y, SIDE = 226.0, 135.0, 105.0


@pytest.fixture(scope="module")
def shipped() -> FaceFinder:
    return FaceFinder()


def is_the_face(place: Place, scale: float) -> bool:
    near = max(abs(place.x - X * scale), abs(place.y - Y * scale)) < 0.25 * SIDE * scale
    return near and 0.7 < place.side / (SIDE * scale) < 1.45


@pytest.mark.parametrize("face_px", [16, 18, 25, 36, 50, 105, 200])
def test_the_face_is_found_first_at_any_size(shipped: FaceFinder, portrait: np.ndarray, face_px: int) -> None:
    scale = face_px / SIDE
    side = round(512 * scale)
    assert is_the_face(shipped(resize(portrait, (side, side)))[0], side / 512)


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
    best = sorted(shipped(photo)[:2], key=lambda place: place.x)
    corners = ((100, 30), (370, 170))
    for place, (left, top) in zip(best, corners, strict=True):
        assert is_the_face(place._replace(x=place.x - left, y=place.y - top), 121 / 512)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (65, 33)])
def test_photos_of_any_shape_are_taken(shipped: FaceFinder, size: tuple[int, int]) -> None:
    assert shipped(np.zeros((*size, 3), np.uint8)) == []


@pytest.fixture
def everywhere(tmp_path: Path) -> FaceFinder:
    """Sees a face in every cell, 0.02 px small."""
    network = Finder(FinderConfig(width=2, depth=1)).eval()
    last = network.head[-1]
    assert isinstance(last, torch.nn.Conv2d)
    assert last.bias is not None
    torch.nn.init.zeros_(last.weight)
    last.bias.data = torch.tensor([5.0, -10.0])
    export_locator(network, tmp_path / "everywhere.onnx")
    return FaceFinder(str(tmp_path / "everywhere.onnx"))


def test_places_and_sides_are_in_pixels_of_the_photo(everywhere: FaceFinder) -> None:
    """65 px become 33 and 17 when reduced, of which the last stands for one. A centre beyond the edge is put on it."""
    places = everywhere(np.zeros((65, 70, 3), np.uint8))
    # No window about a place may be larger than what is made of 8 px, or empty.
    assert sorted({place.side for place in places}) == [8, 16, 32]
    rows = [sorted({place.y for place in places if place.side == side}) for side in (8, 16, 32)]
    assert rows == [[*range(2, 65, 4), 65], [*range(4, 65, 8), 65], [*range(8, 65, 16), 65]]


def test_threads_may_share_it(shipped: FaceFinder, small_photo: np.ndarray) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(shipped, [small_photo] * 6))
    assert all(places == found[0] for places in found)


def test_a_file_gives_what_torch_gives_and_is_read_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Finder(FinderConfig(width=4, depth=1)).eval()
    differences = export_locator_checked(network, tmp_path / "a.onnx", comparison_faces(None))
    assert differences.keys() == {"probability", "side"}
    assert max(differences.values()) < 1e-4
    save_network(network, tmp_path / "a.safetensors")
    again = load_run(tmp_path / "a.safetensors")
    assert isinstance(again, Finder)
    # 41 x 30 px are padded to 48 x 32, and a border pixel is repeated.
    photo = comparison_faces(None, 1)[0, :30, :41]
    padded = np.pad(photo, ((0, 2), (0, 7), (0, 0)), mode="edge")
    image = torch.from_numpy(padded.transpose(2, 0, 1)[None]).float() / 255
    with torch.inference_mode():
        # Without the cells whose centre is in the padding.
        chances, sides = (part[0, :8, :11].numpy() for part in FinderGraph(again)(image))
    found = FaceFinder(str(tmp_path / "a.onnx"), least_chance=0.0)(photo)
    best = np.unravel_index(chances.argmax(), chances.shape)
    assert found[0].chance == pytest.approx(float(chances.max()), abs=1e-5)
    assert (found[0].y, found[0].x) == (min(4 * best[0] + 2, 30), min(4 * best[1] + 2, 41))
    assert found[0].side == pytest.approx(float(sides[best]), rel=1e-4)


def test_a_file_whose_sides_differ_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(output: FinderOutput) -> tuple[torch.Tensor, torch.Tensor]:
        chances, sides = probable(output)
        return chances, 2 * sides if torch.compiler.is_exporting() else sides

    monkeypatch.setattr(export, "probable", doubled)
    network = Finder(FinderConfig(width=2, depth=1)).eval()
    with pytest.raises(CheckpointError, match=r"differ from torch by less than 0.001, got .*side"):
        export_locator_checked(network, tmp_path / "a.onnx", comparison_faces(None, 1))
    assert list(tmp_path.iterdir()) == []


def test_other_models_are_refused() -> None:
    with pytest.raises(CheckpointError, match="expected a face finder with outputs probability and side"):
        FaceFinder(str(find_model("lite")))
    with pytest.raises(CheckpointError, match="expected a network that restores faces, got a face finder"):
        load_network(find_model("finder", ".safetensors", "finder"))
