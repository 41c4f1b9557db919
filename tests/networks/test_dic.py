"""What holds for the network whatever its weights."""

import dataclasses

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dicface.errors import ConfigError
from dicface.networks.dic import DIC, LITE, DICConfig, DICNetwork
from tests.support.networks import TINY, TINY_U

PAPER_TINY = DICConfig(steps=3, features=4, groups=2, fusion_blocks=1, hourglass_width=8)


@pytest.fixture(params=[TINY, PAPER_TINY, TINY_U], ids=["any-size", "paper", "u"])
def network(request: pytest.FixtureRequest) -> DICNetwork:
    torch.manual_seed(0)
    return DICNetwork(request.param).eval()


def test_authors_size_and_cost() -> None:
    with torch.device("meta"):
        network = DICNetwork(DIC).eval()
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == 21.80
    assert round(sum(p.numel() for p in network.landmark.parameters()) / 1e6, 2) == 12.00
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 16, 16, device="meta"))
    assert round(counter.get_total_flops() / 1e9, 1) == 90.7


def test_lite_stays_small() -> None:
    network = DICNetwork(LITE).eval()
    assert sum(p.numel() for p in network.parameters()) <= 4e6
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 64, 64))
    assert counter.get_total_flops() <= 6e9


def test_a_batch_equals_its_faces_one_by_one(network: DICNetwork) -> None:
    lr = torch.rand(3, 3, 16, 16)
    with torch.inference_mode():
        together = network(lr)
        for face in range(3):
            alone = network(lr[face : face + 1])
            torch.testing.assert_close(together.sr[face], alone.sr[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.heatmaps[face], alone.heatmaps[0], atol=1e-5, rtol=0)


def test_two_calls_give_the_same(network: DICNetwork) -> None:
    lr = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        first, second = network(lr), network(lr)
    assert torch.equal(first.sr, second.sr)
    assert torch.equal(first.heatmaps, second.heatmaps)


def test_the_last_image_teaches_the_landmark_branch(network: DICNetwork) -> None:
    network(torch.rand(1, 3, 16, 16)).sr[:, -1].square().sum().backward()
    for name, parameter in network.landmark.named_parameters():
        assert parameter.grad is not None, name
    assert network.landmark.stem[0].weight.grad.abs().max() > 0


def test_the_last_heatmaps_teach_the_stem(network: DICNetwork) -> None:
    network(torch.rand(1, 3, 16, 16)).heatmaps[:, -1].square().sum().backward()
    for name, parameter in network.stem.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_number_of_steps_is_honoured(network: DICNetwork, steps: int) -> None:
    lr = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        output = network(lr, steps=steps)
        longer = network(lr, steps=steps + 1)
    assert output.sr.shape == (2, steps, 3, 128, 128)
    assert output.heatmaps.shape == (2, steps, 68, 32, 32)
    torch.testing.assert_close(longer.sr[:, :steps], output.sr)


@pytest.mark.parametrize("side", [8, 13, 16, 33, 64])
def test_any_size_goes_in(side: int) -> None:
    network = DICNetwork(TINY).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 3, side, side)).sr.shape == (1, 2, 3, 128, 128)


def test_the_network_is_told_the_size() -> None:
    torch.manual_seed(0)
    network = DICNetwork(TINY).eval()
    # A flat crop enlarges to the same grid from any side, so only the plane can tell the two apart.
    with torch.inference_mode():
        small, large = (network(torch.full((1, 3, side, side), 0.4)).sr for side in (8, 64))
    assert (small - large).abs().max() > 1e-6


def test_helens_194_points_have_components_of_their_own() -> None:
    network = DICNetwork(dataclasses.replace(TINY, keypoints=194)).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 16, 16)).heatmaps.shape == (1, 2, 194, 32, 32)


def test_landmarks_without_components_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected keypoints to be 68 \(iBUG\) or 194 \(Helen\), got 5"):
        dataclasses.replace(TINY, keypoints=5)
