"""Scenes with faces and answers of a finder, by hand."""

import math

import torch

from dicface.data.scenes.labels import Scenes
from dicface.networks.face_finder import FinderOutput

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
