"""The networks as they are exported: other layers, the same function."""

import dataclasses

import pytest
import torch
from torch import nn

from dicface.export.fold import for_inference, shuffled_convolution
from dicface.networks.blocks import PReLU, deconv_prelu
from dicface.networks.dic import DICConfig, DICNetwork
from tests.support.networks import TINY, bend

PAPER_TINY = DICConfig(steps=3, features=4, groups=3, fusion_blocks=1, hourglass_width=8)


@pytest.mark.parametrize("stride", [2, 4])
def test_a_transposed_convolution_is_a_shuffled_one(stride: int) -> None:
    torch.manual_seed(0)
    deconv, _ = deconv_prelu(3, 5, 2 * stride, stride, stride // 2)
    unit = nn.Sequential(deconv, nn.LeakyReLU(0.1))
    image = torch.randn(2, 3, 6, 7)
    with torch.inference_mode():
        torch.testing.assert_close(shuffled_convolution(unit)(image), unit(image), atol=1e-6, rtol=0)


@pytest.mark.parametrize("config", [TINY, dataclasses.replace(TINY, groups=3), PAPER_TINY], ids=["tiny", "3", "paper"])
def test_the_exported_network_computes_the_same(config: DICConfig) -> None:
    torch.manual_seed(0)
    network = DICNetwork(config).eval()
    bend(network)
    folded = for_inference(network)
    lr = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        wanted, got = network(lr), folded(lr)
    torch.testing.assert_close(got.sr, wanted.sr, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(got.heatmaps, wanted.heatmaps, atol=1e-4, rtol=1e-4)


def test_the_exported_network_holds_none_of_the_slow_layers() -> None:
    network = DICNetwork(TINY).eval()
    kinds = {type(module) for module in for_inference(network).modules()}
    assert not kinds & {PReLU, nn.PReLU, nn.ConvTranspose2d}
    # The network itself is left as it was.
    assert {PReLU, nn.ConvTranspose2d} <= {type(module) for module in network.modules()}
    assert all(parameter.requires_grad for parameter in network.parameters())
