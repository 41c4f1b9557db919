"""What the finder is told, and how it is measured."""

import math
from typing import Literal

import pytest
import torch

from dicface.networks.face_finder import FinderOutput
from dicface.training.config import FinderRun
from dicface.training.finder import FinderTask, finder_loss
from dicface.training.tables import FinderRunConfig
from tests.support.scenes import FACE, IMAGES, answer, scenes


def test_the_right_place_and_size_cost_least() -> None:
    right = finder_loss(answer((1, 10, 5, 6, 24)), scenes([FACE]))
    elsewhere = finder_loss(answer((1, 10, 25, 6, 24)), scenes([FACE]))
    other_scene = finder_loss(answer((0, 10, 5, 6, 24)), scenes([FACE]))
    nowhere = finder_loss(answer(), scenes([FACE]))
    assert max(elsewhere, other_scene, nowhere) > 5 * right
    sizes = answer((1, 10, 5, 6, 24)).sizes
    sizes[1] = math.log2(48 / 20)
    wrong_size = finder_loss(FinderOutput(answer((1, 10, 5, 6, 24)).logits, sizes), scenes([FACE]))
    # An octave off in every cell near the face, instead of log2(24 / 20) in all but its own.
    assert wrong_size > right + 0.2


def test_a_doubtful_face_costs_neither_way() -> None:
    there = finder_loss(answer((1, 10, 5, 6, 24)), scenes([], [FACE]))
    not_there = finder_loss(answer(), scenes([], [FACE]))
    assert there == pytest.approx(float(not_there), abs=1e-3)
    assert finder_loss(answer((1, 10, 5, 6, 24)), scenes([])) > not_there + 1


def test_the_first_weights_are_those_that_the_config_names() -> None:
    """He-normal convolutions have a variance of 2 by their inputs, torch's of a third by them."""
    spreads: list[float] = []
    drawings: tuple[Literal["framework", "he-normal"], ...] = ("framework", "he-normal")
    for drawn in drawings:
        torch.manual_seed(0)
        task = FinderTask(FinderRun(run=FinderRunConfig(initial_weights=drawn)))
        first = next(layer for layer in task.network.down.modules() if isinstance(layer, torch.nn.Conv2d))
        inputs = first.weight[0].numel()
        spreads.append(float(first.weight.detach().std()) * inputs**0.5)
        assert float(task.network(IMAGES).logits.detach().max()) == pytest.approx(-4)
    assert spreads == pytest.approx([3**-0.5, 2**0.5], rel=0.05)
