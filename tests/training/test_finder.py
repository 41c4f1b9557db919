"""What the finder is told, and how it is measured."""

import math

import numpy as np
import pytest
import torch

from dicface.data.scenes.labels import Scenes
from dicface.networks.face_finder import FinderOutput, decode_peaks
from dicface.training.config import TrainConfig, from_mapping
from dicface.training.finder import FinderTask, Found, finder_loss, make_targets, match_faces

IMAGES = torch.zeros(2, 3, 128, 128)
# Of scene 1: centre 22, 42 (that of row 10, column 5), 24 px wide, 28 px high.
FACE = [1.0, 22.0, 42.0, 24.0, 28.0]
POINTS = [[16.0, 38.0], [28.0, 38.0], [22.0, 44.0], [18.0, 50.0], [26.0, 50.0]]


def scenes(faces: list[list[float]], ignored: list[list[float]] | None = None) -> Scenes:
    points = torch.tensor([POINTS] * len(faces)).reshape(-1, 5, 2)
    rows = (torch.tensor(these).reshape(-1, 5) for these in (faces, ignored or []))
    wanted, others = rows
    return Scenes(IMAGES, wanted, points, others)


def answer(*places: tuple[int, int, int, float, float]) -> FinderOutput:
    """Logits of -8 but at places: scene, row, column, logit, octaves by which the width differs from 24 px."""
    logits, boxes, points = torch.full((2, 32, 32), -8.0), torch.zeros(2, 4, 32, 32), torch.zeros(2, 10, 32, 32)
    boxes[:, 2], boxes[:, 3] = math.log2(24 / 20), math.log2(28 / 20)
    points[:] = ((torch.tensor(POINTS) - torch.tensor([22.0, 42.0])) / torch.tensor([24.0, 28.0])).reshape(10, 1, 1)
    for number, row, column, logit, wider in places:
        logits[number, row, column] = logit
        boxes[number, 2, row, column] += wider
        # Boxes about the face's centre, wherever the cell is.
        boxes[number, 0, row, column], boxes[number, 1, row, column] = 5 - column, 10 - row
    return FinderOutput(logits, boxes, points)


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


def test_a_face_is_hit_once_at_its_place_and_size() -> None:
    found = match_faces(decode_peaks(answer((1, 10, 5, 4, 0), (1, 10, 9, 3, 0), (0, 3, 3, 2, 0))), scenes([FACE]))
    # The second peak's box is that of the first, and is suppressed.
    assert sorted(zip(found.scores.round(3).tolist(), found.hits.tolist(), strict=True)) == [
        (pytest.approx(0.881, abs=1e-3), False),
        (pytest.approx(0.982, abs=1e-3), True),
    ]
    assert match_faces(decode_peaks(answer((1, 10, 5, 4, 1.5))), scenes([FACE])).hits.tolist() == [False]
    assert match_faces(decode_peaks(answer((1, 10, 5, 4, 0))), scenes([], [FACE])).hits.tolist() == []


def test_what_was_found_is_joined() -> None:
    one = match_faces(decode_peaks(answer((1, 10, 5, 4, 0))), scenes([FACE]))
    none = match_faces(decode_peaks(answer()), scenes([]))
    joined = Found.joined([one, none, one])
    assert (joined.hits.tolist(), joined.faces) == ([True, True], 2)
    assert np.all(joined.scores == one.scores[0])


def test_the_first_weights_are_those_that_the_config_names() -> None:
    """He-normal convolutions have a variance of 2 by their inputs, torch's of a third by them."""
    spreads: list[float] = []
    for drawn in ("framework", "he-normal"):
        torch.manual_seed(0)
        task = FinderTask(from_mapping(TrainConfig, {"run": {"task": "finder", "initial_weights": drawn}}))
        first = next(layer for layer in task.network.sixteenth.modules() if isinstance(layer, torch.nn.Conv2d))
        inputs = first.weight[0].numel()
        spreads.append(float(first.weight.detach().std()) * inputs**0.5)
        assert float(task.network(IMAGES).logits.detach().sigmoid().max()) < 0.1
    assert spreads == pytest.approx([3**-0.5, 2**0.5], rel=0.05)
