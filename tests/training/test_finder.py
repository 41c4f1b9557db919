"""What the finder is told, and how it is measured."""

import math

import numpy as np
import pytest
import torch

from dicface.data.scenes import Scenes
from dicface.evaluation.detection import Found, match_faces
from dicface.networks.face_finder import FinderOutput, probable
from dicface.training.config import TrainConfig, from_mapping
from dicface.training.finder import FinderTask, finder_loss

IMAGES = torch.zeros(2, 3, 128, 128)


def scenes(faces: list[list[float]], doubtful: list[list[float]] | None = None) -> Scenes:
    return Scenes(IMAGES, torch.tensor(faces).reshape(-1, 4), torch.tensor(doubtful or []).reshape(-1, 4))


def answer(*places: tuple[int, int, int, float, float]) -> FinderOutput:
    """Logits of -8 but at places: scene, row, column, logit, side in pixels."""
    logits, sizes = torch.full((2, 32, 32), -8.0), torch.zeros(2, 32, 32)
    for number, row, column, logit, side in places:
        logits[number, row, column] = logit
        sizes[number, row, column] = math.log2(side / 20)
    return FinderOutput(logits, sizes)


# Centres of cells: column 5 is 22 px, row 10 is 42 px.
FACE = [1.0, 22.0, 42.0, 24.0]


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


def test_a_face_is_hit_once_at_its_place_and_size() -> None:
    found = match_faces(*probable(answer((1, 10, 5, 4, 24), (1, 10, 7, 3, 24), (0, 3, 3, 2, 20))), scenes([FACE]))
    assert found.hits.tolist() == [True, False, False]
    assert found.chances.tolist() == sorted(found.chances, reverse=True)
    assert match_faces(*probable(answer((1, 10, 5, 4, 60))), scenes([FACE])).hits.tolist() == [False]
    assert match_faces(*probable(answer((1, 10, 5, 4, 24))), scenes([], [FACE])).hits.tolist() == []


def test_what_was_found_is_joined() -> None:
    one = match_faces(*probable(answer((1, 10, 5, 4, 24))), scenes([FACE]))
    none = match_faces(*probable(answer()), scenes([]))
    joined = Found.joined([one, none, one])
    assert (joined.hits.tolist(), joined.faces) == ([True, True], 2)
    assert np.all(joined.chances == one.chances[0])


def test_the_first_weights_are_those_that_the_config_names() -> None:
    """He-normal convolutions have a variance of 2 by their inputs, torch's of a third by them."""
    spreads: list[float] = []
    for drawn in ("framework", "he-normal"):
        torch.manual_seed(0)
        task = FinderTask(from_mapping(TrainConfig, {"run": {"task": "finder", "initial_weights": drawn}}))
        first = next(layer for layer in task.network.down.modules() if isinstance(layer, torch.nn.Conv2d))
        inputs = first.weight[0].numel()
        spreads.append(float(first.weight.detach().std()) * inputs**0.5)
        assert float(task.network(IMAGES).logits.detach().max()) == pytest.approx(-4)
    assert spreads == pytest.approx([3**-0.5, 2**0.5], rel=0.05)
