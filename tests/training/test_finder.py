"""What the finder is told, and how it is measured."""

import math
from pathlib import Path
from typing import Literal

import pytest
import torch

from dicface.data.packs import read_pack
from dicface.errors import ConfigError
from dicface.training.config import FinderRun
from dicface.training.finder import FinderTask, finder_loss, make_targets
from dicface.training.tables import FinderRunConfig
from tests.support.packs import write_pack
from tests.support.scenes import FACE, IMAGES, answer, scenes


def test_targets_are_those_of_the_nearest_face() -> None:
    far = [1.0, 98.0, 102.0, 12.0, 12.0]
    targets = make_targets(scenes([FACE, far]), answer().logits)
    assert (targets.peaks == 1).nonzero().tolist() == [[1, 10, 5], [1, 25, 24]]
    assert targets.peaks[0].max() == 0
    assert len(targets.cells) == len(targets.weights) == len(targets.boxes) == len(targets.points)
    at = [cell.tolist() for cell in targets.cells].index([1, 10, 5])
    assert targets.boxes[at].tolist() == pytest.approx([0, 0, math.log2(24 / 20), math.log2(28 / 20)])
    beside = [cell.tolist() for cell in targets.cells].index([1, 10, 6])
    assert targets.boxes[beside, :2].tolist() == [-1, 0]
    assert targets.points[at, :2].tolist() == pytest.approx([-6 / 24, -4 / 28])


def test_the_right_place_and_size_cost_least() -> None:
    right = finder_loss(answer((1, 10, 5, 6, 0)), scenes([FACE]))
    elsewhere = finder_loss(answer((1, 10, 25, 6, 0)), scenes([FACE]))
    other_scene = finder_loss(answer((0, 10, 5, 6, 0)), scenes([FACE]))
    nowhere = finder_loss(answer(), scenes([FACE]))
    assert min(elsewhere, other_scene, nowhere) > 5 * right
    wrong_size, wrong_points = answer((1, 10, 5, 6, 0)), answer((1, 10, 5, 6, 0))
    wrong_size.boxes[:, 2:] += 1
    wrong_points.points[:] += 0.2
    assert finder_loss(wrong_size, scenes([FACE])) > right + 0.9
    assert finder_loss(wrong_points, scenes([FACE])) > right + 0.9


def test_no_face_at_all_costs_finite_and_little() -> None:
    assert 0 <= float(finder_loss(answer(), scenes([]))) < 0.01


def test_an_ignored_face_costs_neither_way() -> None:
    there = finder_loss(answer((1, 10, 5, 6, 0)), scenes([], [FACE]))
    not_there = finder_loss(answer(), scenes([], [FACE]))
    assert there == pytest.approx(float(not_there), abs=1e-3)
    assert finder_loss(answer((1, 10, 5, 6, 0)), scenes([])) > not_there + 1


def test_the_first_weights_are_those_that_the_config_names() -> None:
    """He-normal convolutions have a variance of 2 by their inputs, torch's of a third by them."""
    spreads: list[float] = []
    drawings: tuple[Literal["framework", "he-normal"], ...] = ("framework", "he-normal")
    for drawn in drawings:
        torch.manual_seed(0)
        task = FinderTask(FinderRun(run=FinderRunConfig(initial_weights=drawn)))
        first = next(layer for layer in task.network.sixteenth.modules() if isinstance(layer, torch.nn.Conv2d))
        inputs = first.weight[0].numel()
        spreads.append(float(first.weight.detach().std()) * inputs**0.5)
        assert float(task.network(IMAGES).logits.detach().sigmoid().max()) < 0.1
    assert spreads == pytest.approx([3**-0.5, 2**0.5], rel=0.05)


def test_scenes_take_no_degradation_of_ones_own(tmp_path: Path) -> None:
    pack = read_pack(write_pack(tmp_path / "faces.parquet", 2))
    with pytest.raises(ConfigError, match=r"expected no degradation of the caller's own for run\.task 'finder'"):
        FinderTask(FinderRun()).batches(pack, None, lambda faces, side, generator: faces)
