"""The networks as they are exported: other layers, the same function."""

import dataclasses
import itertools

import pytest
import torch
from torch import nn

from dicface.networks.blocks import deconv_prelu
from dicface.networks.dic import DICConfig, DICNetwork
from dicface.networks.inference import for_inference
from dicface.networks.phases import PhaseUp, phase_groups, shuffled_convolution
from dicface.networks.recovery import RecoveryBlock
from tests.conftest import TINY

PAPER_TINY = DICConfig(steps=3, features=4, groups=3, fusion_blocks=1, hourglass_width=8)


def _bent(block: nn.Module) -> None:
    """Give every activation a slope of its own."""
    for module in block.modules():
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, -0.3, 0.5)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
def test_a_recovery_block_is_the_same_in_phases(stride: int) -> None:
    torch.manual_seed(0)
    block = RecoveryBlock(5, 4, 3, stride, fusion=None)
    _bent(block)
    features = torch.randn(2, 5, 6, 7)
    with torch.inference_mode():
        torch.testing.assert_close(for_inference(block)(features, None), block(features, None), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("stride", [2, 8])
def test_phases_are_the_pixels_a_stride_apart(stride: int) -> None:
    torch.manual_seed(0)
    unit = deconv_prelu(3, 4, stride + 4, stride, 2)
    image = torch.randn(2, 3, 6, 7)
    groups, row, column = phase_groups(stride + 4, stride, 2), 0, 0
    with torch.inference_mode():
        whole, phases = unit(image), PhaseUp(unit)(image)
    for group, phase in zip(groups, phases, strict=True):
        height, width = len(group.rows), len(group.columns)
        grid = phase.reshape(2, height, width, 4, 6, 7)
        for r, c in itertools.product(range(height), range(width)):
            wanted = whole[..., row + r :: stride, column + c :: stride]
            torch.testing.assert_close(grid[:, r, c], wanted, atol=1e-6, rtol=0)
        column = (column + width) % stride
        row += height if column == 0 else 0
    assert (row, column) == (stride, 0)


def test_the_authors_enlargement_is_nine_groups_without_zeros() -> None:
    groups = phase_groups(12, 8, 2)
    assert [group.count for group in groups] == [4, 8, 4, 8, 16, 8, 4, 8, 4]
    taps = sum(group.count * len(group.rows[0]) * len(group.columns[0]) for group in groups)
    assert taps == 12 * 12


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
    _bent(network)
    folded = for_inference(network)
    lr = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        wanted, got = network(lr), folded(lr)
    torch.testing.assert_close(got.sr, wanted.sr, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(got.heatmaps, wanted.heatmaps, atol=1e-4, rtol=1e-4)


def test_the_exported_network_holds_none_of_the_slow_layers() -> None:
    network = DICNetwork(TINY).eval()
    kinds = {type(module) for module in for_inference(network).modules()}
    assert not kinds & {nn.PReLU, nn.ConvTranspose2d}
    # The network itself is left as it was.
    assert {nn.PReLU, nn.ConvTranspose2d} <= {type(module) for module in network.modules()}
    assert all(parameter.requires_grad for parameter in network.parameters())
