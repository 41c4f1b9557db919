"""Losses, worked by hand."""

import math

import torch

from dicface.data.batches import target_heatmaps
from dicface.networks.dic import DICOutput
from dicface.training.losses import LossConfig, dic_loss, heatmap_loss


def test_an_empty_heatmap_costs_pi() -> None:
    targets = target_heatmaps(torch.tensor([[[64.0, 64.0]]]))
    loss = heatmap_loss(torch.zeros(1, 2, 1, 32, 32), targets)
    assert math.isclose(float(loss), math.pi, rel_tol=1e-3)


def test_every_step_counts_with_its_own_error() -> None:
    hr, heatmaps = torch.zeros(1, 3, 128, 128), torch.zeros(1, 68, 32, 32)
    sr = torch.stack([torch.full((1, 3, 128, 128), 0.3), torch.full((1, 3, 128, 128), 0.1)], dim=1)
    found = torch.stack([torch.full((1, 68, 32, 32), 0.2), torch.zeros(1, 68, 32, 32)], dim=1)
    loss = dic_loss(DICOutput(sr, found), hr, heatmaps, LossConfig())
    assert math.isclose(float(loss.image), 0.4, rel_tol=1e-5)
    assert math.isclose(float(loss.heatmap), 0.04, rel_tol=1e-5)
    assert math.isclose(float(loss.total), 0.404, rel_tol=1e-5)


def test_the_released_sum_takes_the_last_image_at_every_step() -> None:
    hr, heatmaps = torch.zeros(1, 3, 128, 128), torch.zeros(1, 68, 32, 32)
    sr = torch.stack([torch.full((1, 3, 128, 128), 0.3), torch.full((1, 3, 128, 128), 0.1)], dim=1)
    loss = dic_loss(DICOutput(sr, torch.zeros(1, 2, 68, 32, 32)), hr, heatmaps, LossConfig(image_steps="released"))
    assert math.isclose(float(loss.image), 0.2, rel_tol=1e-5)
