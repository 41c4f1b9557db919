"""The learning rate follows its schedule, and gradients are clipped."""

import math

import pytest
import torch

from dicface.training.config import OptimiserConfig
from dicface.training.task import clip_gradients, lr_lambda


def test_cosine_warms_up_then_falls() -> None:
    config = OptimiserConfig(warmup_steps=100)
    assert lr_lambda(0, config, 1000) == pytest.approx(1 / 100)
    assert lr_lambda(100, config, 1000) == 1
    assert lr_lambda(550, config, 1000) == pytest.approx(0.5)
    assert lr_lambda(1000, config, 1000) == pytest.approx(0)


def test_halving_halves_at_its_steps() -> None:
    config = OptimiserConfig(schedule="halving", halve_at=(300, 500))
    assert [lr_lambda(step, config, 1000) for step in (299, 300, 500)] == [1, 0.5, 0.25]


def test_constant_linear_warms_up_stays_and_falls() -> None:
    config = OptimiserConfig(schedule="constant-linear", warmup_steps=10, decay_steps=4)
    rates = [lr_lambda(step, config, 20) for step in range(22)]
    assert rates == [*(pytest.approx(n / 10) for n in range(1, 11)), 1, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0]


@pytest.mark.parametrize(("steps", "start"), [(1000, 800), (4, 3), (1, 0)])
def test_the_fall_is_the_last_fifth_by_default(steps: int, start: int) -> None:
    config = OptimiserConfig(schedule="constant-linear")
    assert lr_lambda(start, config, steps) == 1
    assert lr_lambda(start + 1, config, steps) < 1
    assert lr_lambda(steps, config, steps) == 0


@pytest.mark.parametrize(("max_norm", "norm"), [(0.0, 5.0), (1.0, 1.0), (9.0, 5.0)])
def test_gradients_are_clipped_to_a_norm(max_norm: float, norm: float) -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([3.0, 4.0])
    clip_gradients(torch.optim.SGD([weight], lr=1.0), max_norm)
    assert math.isclose(float(weight.grad.norm()), norm, rel_tol=1e-5)
