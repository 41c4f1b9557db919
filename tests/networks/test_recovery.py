"""The later steps' recovery block can go on from the first one's."""

import dataclasses
from typing import Literal

import pytest
import torch

from dicface.errors import ConfigError
from dicface.networks.dic import DICConfig, DICNetwork
from tests.support.networks import TINY

PAPER_TINY = DICConfig(steps=2, features=4, groups=2, fusion_blocks=1, hourglass_width=8)


@pytest.mark.parametrize("attention", ["components", "concatenation", "none"])
@pytest.mark.parametrize("config", [TINY, PAPER_TINY], ids=["any-size", "paper"])
def test_later_steps_begin_by_repeating_the_first(
    config: DICConfig, attention: Literal["components", "concatenation", "none"]
) -> None:
    torch.manual_seed(0)
    network = DICNetwork(dataclasses.replace(config, attention=attention)).eval()
    network.begin_later_steps()
    with torch.inference_mode():
        sr = network(torch.rand(2, 3, 16, 16), 3).sr
    torch.testing.assert_close(sr[:, 1], sr[:, 0], atol=1e-6, rtol=0)
    torch.testing.assert_close(sr[:, 2], sr[:, 0], atol=1e-6, rtol=0)


def test_what_is_new_in_later_steps_learns() -> None:
    torch.manual_seed(0)
    network = DICNetwork(TINY)
    network.begin_later_steps()
    network(torch.rand(2, 3, 16, 16), 2).sr[:, 1].square().sum().backward()
    recovery = network.recovery
    assert recovery.compress_in[0].weight.grad[:, TINY.features :].abs().max() > 0
    for name in ("expand.0.weight", "paths.0.body.2.weight"):
        gradient = recovery.fusion.get_parameter(name).grad
        assert gradient is not None
        assert gradient.abs().max() > 0
    assert network.landmark.stem[0].weight.grad.abs().max() > 0


def test_one_step_has_no_later_ones() -> None:
    network = DICNetwork(dataclasses.replace(TINY, steps=1))
    with pytest.raises(ConfigError, match="expected a network of several steps"):
        network.begin_later_steps()
