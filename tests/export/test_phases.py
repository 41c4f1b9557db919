"""Enlarged features that stay phases: the same function of fixed weights."""

import copy
import itertools

import pytest
import torch
from torch import nn

from dicface.export.phases import PhaseUp, keep_phases, parts_of
from dicface.networks.blocks import conv_prelu, deconv_prelu
from dicface.networks.phases import phase_groups
from dicface.networks.recovery import RecoveryBlock
from tests.support.networks import bend


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
def test_a_recovery_block_is_the_same_in_phases(stride: int) -> None:
    torch.manual_seed(0)
    block = RecoveryBlock(5, 4, 3, stride, fusion=None)
    bend(block)
    changed = copy.deepcopy(block)
    keep_phases(changed)
    features = torch.randn(2, 5, 6, 7)
    with torch.inference_mode():
        torch.testing.assert_close(changed(features, None), block(features, None), atol=1e-6, rtol=1e-5)


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


@pytest.mark.parametrize("wrong", [conv_prelu(2, 2, 7, 4, 2), deconv_prelu(2, 2, 8, 4, 1), conv_prelu(2, 2, 3)])
def test_what_does_not_reduce_by_its_stride_is_refused(wrong: nn.Sequential) -> None:
    parts_of(conv_prelu(2, 2, 6, 2, 2))
    with pytest.raises(AssertionError, match="Conv"):
        parts_of(wrong)
