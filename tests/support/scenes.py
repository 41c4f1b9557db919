"""Scenes, and what a face finder might say about them."""

import math

import torch

from dicface.data.scenes import Scenes
from dicface.networks.face_finder import FinderOutput

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
