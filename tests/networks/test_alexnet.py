"""LPIPS on AlexNet: numbers of the reference implementation, and some that are worked out by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dicface.networks.alexnet import LPIPS
from tests.support.lpips import INDICES, random_lpips


@pytest.fixture(scope="module")
def network() -> LPIPS:
    """Untrained weights of a seed."""
    alexnet, linear = random_lpips()
    network = LPIPS()
    with torch.no_grad():
        for depth, (index, layer) in enumerate(zip(INDICES, network.convolutions, strict=True)):
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            layer.weight.copy_(alexnet[f"features.{index}.weight"])
            layer.bias.copy_(alexnet[f"features.{index}.bias"])
            network.get_parameter(f"linear.{depth}.weight").copy_(linear[f"lin{depth}.model.1.weight"])
    return network


def images(side: int) -> tuple[Tensor, Tensor]:
    """Two images of noise and two gradients, (2, 3, side, side) float in [0, 1]."""
    noise = np.random.default_rng(1).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    y, x = np.mgrid[:side, :side]
    planes = ([x, y, (x + y) // 2], [y, side - 1 - x, x])
    gradients = np.stack([np.stack(one, axis=-1) * 255 // side for one in planes])
    first, second = (torch.from_numpy(one.transpose(0, 3, 1, 2).astype(np.float32)) / 255 for one in (noise, gradients))
    return first, second


def test_distances_are_those_of_the_reference(network: LPIPS) -> None:
    """Recorded with lpips 0.1.4 and torchvision 0.29.1, whose networks had the same weights."""
    noise, gradients = images(64)
    with torch.inference_mode():
        assert network(noise, gradients).tolist() == pytest.approx([1.3069988, 1.3800296], abs=1e-5)
        assert network(noise, noise.flip(0)).tolist() == pytest.approx([0.8801494] * 2, abs=1e-5)
        assert network(gradients, gradients.flip(0)).tolist() == pytest.approx([1.3065919] * 2, abs=1e-5)


@torch.inference_mode()
def test_an_image_is_no_distance_away_from_itself_and_as_far_there_as_back(network: LPIPS) -> None:
    for side in (31, 128):
        noise, gradients = images(side)
        assert network(noise, noise).tolist() == [0, 0]
        there, back = network(noise, gradients), network(gradients, noise)
        assert there.tolist() == pytest.approx(back.tolist(), rel=1e-6)
        assert (there > 0.1).all()
        alone = torch.cat([network(noise[:1], gradients[:1]), network(noise[1:], gradients[1:])])
        assert alone.tolist() == pytest.approx(there.tolist(), rel=1e-5)


def by_hand(linear: list[tuple[float, float]]) -> LPIPS:
    """A network that passes red and green through every layer: channel 0 is 3 without red and 4 with, 1 by green.

    Args:
        linear: of every layer, the weights of both channels.
    """
    network = LPIPS()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for depth, weights in enumerate(linear):
            kernel = network.get_parameter(f"convolutions.{depth}.weight")
            centre = kernel.shape[2] // 2
            for channel in (0, 1):
                kernel[channel, channel, centre, centre] = 1
                network.get_parameter(f"linear.{depth}.weight")[0, channel] = weights[channel]
        # Shifted and scaled, red lies in -0.97 / 0.458 to 1.03 / 0.458, green in -0.912 / 0.448 to 1.088 / 0.448.
        first, bias = network.get_parameter("convolutions.0.weight"), network.get_parameter("convolutions.0.bias")
        first[0, 0, 5, 5], bias[0] = 0.458 / 2, 3 + 0.97 / 2
        first[1, 1, 5, 5], bias[1] = 0.448 / 2, 3 + 0.912 / 2
    return network


def test_of_even_colours_the_distance_is_known() -> None:
    """Directions (4, 3) / 5 and (3, 4) / 5: squares of 0.04 in both channels, weighted and summed over layers."""
    linear = [(0.1, 0.2), (0.3, 0.4), (0.5, 0.6), (0.7, 0.8), (0.9, 1.0)]
    red, green = torch.zeros(2, 1, 3, 64, 64).unbind()
    red[:, 0], green[:, 1] = 1, 1
    with torch.inference_mode():
        assert by_hand(linear)(red, green).item() == pytest.approx(0.04 * 5.5, rel=1e-5)
        for depth, (one, other) in enumerate(linear):
            alone = [weights if at == depth else (0.0, 0.0) for at, weights in enumerate(linear)]
            assert by_hand(alone)(red, green).item() == pytest.approx(0.04 * (one + other), rel=1e-5)
        # Brightness of both is no direction: black, (3, 3), and yellow, (4, 4), are alike.
        assert by_hand(linear)(torch.zeros_like(red), red + green).item() == pytest.approx(0, abs=1e-10)


def test_the_distance_is_the_mean_over_places() -> None:
    """Half of the image is another colour; of the first layer's 15 columns, whose taps are at 3, 7, ..., six are."""
    red, green = torch.zeros(2, 1, 3, 64, 64).unbind()
    red[:, 0], green[:, 1] = 1, 1
    half = torch.cat([red[..., :36], green[..., 36:]], dim=3)
    with torch.inference_mode():
        distance = by_hand([(1, 2), *[(0, 0)] * 4])(half, red)
    assert distance.item() == pytest.approx(0.04 * 3 * 6 / 15, rel=1e-5)
