"""Whole photos by a network, in tiles."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from dicface.errors import CheckpointError, UsageError
from dicface.images.pixels import resize
from dicface.runtime import background
from dicface.runtime.background import OVERLAP_PX, BackgroundModel, enlarge_to, tile_starts
from dicface.runtime.spandrel import import_spandrel
from tests.support.enlargers import write_enlarger


@pytest.fixture
def photo(portrait: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(portrait[:233, :271])


@pytest.mark.parametrize("scale", [2, 4])
def test_tiles_give_the_same_as_the_whole(
    tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    network = BackgroundModel(write_enlarger(tmp_path / "a.onnx", scale=scale))
    assert network.scale == scale
    monkeypatch.setattr(background, "TILE_PX", 1000)
    whole = network(photo)
    assert whole.shape == (233 * scale, 271 * scale, 3)
    for side in (100, 128, 256):
        monkeypatch.setattr(background, "TILE_PX", side)
        tiled = network(photo)
        # The rim of a tile sees zeros where the photo goes on; it must not be used.
        assert np.abs(tiled.astype(int) - whole).max() <= 1, side


@pytest.mark.parametrize("scale", [2, 4])
def test_a_network_of_spandrel_gives_the_same_in_tiles_as_in_one_piece(
    tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    import_spandrel()
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    # Four convolutions of 3x3: it looks 4 px far.
    torch.save(Compact(num_feat=8, num_conv=2, upscale=scale).state_dict(), tmp_path / "compact.pth")
    network = BackgroundModel(tmp_path / "compact.pth")
    assert network.scale == scale
    part = np.ascontiguousarray(photo[:150, :190])
    monkeypatch.setattr(background, "TILE_PX", 1000)
    whole = network(part)
    assert whole.shape == (150 * scale, 190 * scale, 3)
    assert np.abs(whole.astype(int) - resize(part, (190 * scale, 150 * scale))).max() > 1, "it is the network's"
    for side in (100, 128):
        monkeypatch.setattr(background, "TILE_PX", side)
        assert np.abs(network(part).astype(int) - whole).max() <= 1, side


@pytest.mark.slow
def test_where_tiles_disagree_the_transition_is_smooth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a view wider than the overlap tiles differ, but there is no step between them."""
    network = BackgroundModel(write_enlarger(tmp_path / "a.onnx", taps=121))
    monkeypatch.setattr(background, "TILE_PX", 128)
    flat = np.full((128, 208, 3), 200, np.uint8)
    tiled = network(flat).astype(int)
    monkeypatch.setattr(background, "TILE_PX", 1000)
    steps = np.abs(np.diff(tiled, axis=1)).max()
    assert np.abs(tiled - network(flat)).max() > 10
    assert steps <= 8


def test_a_network_of_one_size_takes_any_photo(tmp_path: Path, photo: np.ndarray) -> None:
    fixed = BackgroundModel(write_enlarger(tmp_path / "a.onnx", side=128))
    free = BackgroundModel(write_enlarger(tmp_path / "b.onnx"))
    assert np.abs(fixed(photo).astype(int) - free(photo)).max() <= 1
    small = photo[100:150, 100:170]
    made = fixed(small)
    assert made.shape == (100, 140, 3)
    # At the lower and right edge the repeated pixels are seen, not zeros.
    np.testing.assert_array_equal(made[:90, :130], free(small)[:90, :130])


@pytest.mark.slow
def test_a_larger_photo_takes_no_more_memory_than_its_result(tmp_path: Path) -> None:
    network = BackgroundModel(write_enlarger(tmp_path / "a.onnx"))

    def beside_the_result(height: int) -> int:
        photo = np.full((height, 300, 3), 90, np.uint8)
        tracemalloc.start()
        made = network(photo)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most - made.nbytes

    # What the result of the taller photo takes more, 9 MB, would be seen.
    assert beside_the_result(3000) < beside_the_result(600) + (1 << 20)


def test_tiles_overlap_enough_and_cover_all() -> None:
    for length in range(1, 900, 7):
        starts = tile_starts(length, 128)
        ends = [start + 128 for start in starts]
        assert starts[0] == 0
        assert ends[-1] == max(length, 128)
        assert all(end - start >= OVERLAP_PX for end, start in zip(ends, starts[1:], strict=False))


def test_the_size_that_is_wanted_is_made(tmp_path: Path, photo: np.ndarray) -> None:
    network = BackgroundModel(write_enlarger(tmp_path / "a.onnx"))
    small = photo[:60, :80]
    np.testing.assert_array_equal(enlarge_to(small, (160, 120), network), network(small))
    np.testing.assert_array_equal(enlarge_to(small, (240, 180), network), resize(network(small), (240, 180)))
    np.testing.assert_array_equal(enlarge_to(small, (80, 60), network), small)
    np.testing.assert_array_equal(enlarge_to(small, (160, 120), None), resize(small, (160, 120)))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected an existing \.onnx, \.safetensors or \.pth file as `background`"):
        BackgroundModel(tmp_path / "none.onnx")
    with pytest.raises(CheckpointError, match=r"enlarges 2 to 8 times, 'a.onnx' makes 64 px of 64"):
        BackgroundModel(write_enlarger(tmp_path / "a.onnx", scale=1))
