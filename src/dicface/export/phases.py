"""Enlarged features that stay phases (`networks/phases.py`), of weights that no longer change.

The same function as modules of their own, for graphs that are exported (ADR 0021).
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from dicface.networks.phases import Border, PhaseGroup, geometry, phase_groups
from dicface.networks.recovery import DenseMerge, RecoveryBlock


def parts_of(unit: nn.Module) -> tuple[nn.Conv2d | nn.ConvTranspose2d, Tensor, Tensor, nn.Module]:
    """A convolution, its weight, its bias, and the activation after it.

    The convolution has to be square, ungrouped and undilated, and to reduce or enlarge by exactly its stride.
    """
    conv, activation = cast(nn.Sequential, unit)
    assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d)
    assert conv.bias is not None
    kernel, stride, padding = geometry(conv)
    shape = {*conv.kernel_size}, {*conv.stride}, {*conv.padding}, {*conv.dilation}, {*conv.output_padding}
    assert (*shape, conv.groups) == ({kernel}, {stride}, {padding}, {1}, {0}, 1), conv
    assert kernel - 2 * padding == stride, conv
    return conv, conv.weight.detach(), conv.bias.detach(), activation


def fixed_convolution(weight: Tensor, bias: Tensor | None, border: Border, groups: int = 1) -> nn.Module:
    """A convolution with the weights given.

    Args:
        weight: (outputs, inputs / groups, h, w) float.
        bias: (outputs,) float, or none.
        border: zeros that are added on each side.
        groups: of channels that meet only each other.
    """
    outputs, inputs, *size = weight.shape
    conv = nn.Conv2d(inputs * groups, outputs, (size[0], size[1]), bias=bias is not None, groups=groups)
    conv.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return nn.Sequential(nn.ZeroPad2d(border), conv) if any(border) else conv


class _Sum(nn.Module):
    """The sum of one convolution for each feature, and an activation: nothing is copied side by side first.

    Args:
        weights, borders: of each convolution, see `fixed_convolution`.
        bias: of the sum.
        activation: of the sum.
        groups: see `fixed_convolution`.
    """

    def __init__(
        self, weights: Sequence[Tensor], borders: Sequence[Border], bias: Tensor, activation: nn.Module, groups: int = 1
    ) -> None:
        super().__init__()
        # The first adds the bias for all.
        biases = [bias, *[None] * (len(weights) - 1)]
        each = zip(weights, biases, borders, strict=True)
        self.parts = nn.ModuleList(fixed_convolution(*one, groups) for one in each)
        self.activation = activation

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """(N, inputs, H, W) float for each convolution -> (N, outputs, H, W) float."""
        total, *others = (part(feature) for part, feature in zip(self.parts, features, strict=True))
        for other in others:
            total = total + other
        return self.activation(total)


class PhaseUp(nn.Module):
    """A transposed convolution and its activation, to phases: one convolution for each group of them.

    Args:
        unit: the two, see `parts_of`.
    """

    def __init__(self, unit: nn.Module) -> None:
        super().__init__()
        deconv, weight, bias, self.activation = parts_of(unit)
        convs: list[nn.Module] = []
        for group in phase_groups(*geometry(deconv)):
            # A convolution counts its taps the other way round, and outputs before inputs.
            kernels = [kernel.flip(2, 3).transpose(0, 1) for kernel in group.kernels(weight)]
            left, right, above, below = group.border()
            border = Border(right, left, below, above)
            convs.append(fixed_convolution(torch.cat(kernels), bias.repeat(group.count), border))
        self.convs = nn.ModuleList(convs)

    def forward(self, features: Tensor) -> list[Tensor]:
        """(N, inputs, H, W) float -> (N, phases * outputs, H, W) float for each group."""
        return [self.activation(conv(features)) for conv in self.convs]


class PhaseMerge(nn.Module):
    """A `DenseMerge` of phases: each meets the same weights.

    Args:
        merge: of the enlarged features.
        groups: of the phases that they come in.
    """

    def __init__(self, merge: DenseMerge, groups: Sequence[PhaseGroup]) -> None:
        super().__init__()
        _, weight, bias, activation = parts_of(merge)
        weights = weight.split(len(weight), dim=1)
        borders = [Border()] * len(weights)
        self.sums = nn.ModuleList(
            _Sum([one.repeat(count, 1, 1, 1) for one in weights], borders, bias.repeat(count), activation, count)
            for count in (group.count for group in groups)
        )

    def forward(self, features: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Several times what `PhaseUp` gives -> the same once."""
        return [total(parts) for total, parts in zip(self.sums, zip(*features, strict=True), strict=True)]


def phase_down(unit: nn.Module) -> nn.Module:
    """A convolution with a stride and its activation, from phases: what `PhaseUp` gives -> (N, outputs, H, W) float.

    Args:
        unit: the two, see `parts_of`.
    """
    conv, weight, bias, activation = parts_of(unit)
    groups = phase_groups(*geometry(conv))
    weights = [torch.cat(group.kernels(weight), dim=1) for group in groups]
    return _Sum(weights, [group.border() for group in groups], bias, activation)


def keep_phases(block: RecoveryBlock) -> None:
    """Change a recovery block, whose weights no longer change, so that its enlarged features are phases only."""
    (shape,) = {geometry(parts_of(unit)[0]) for unit in (*block.up, *block.down)}
    groups = phase_groups(*shape)
    block.up = nn.ModuleList(PhaseUp(unit) for unit in block.up)
    block.down = nn.ModuleList(phase_down(unit) for unit in block.down)
    block.merge_high = nn.ModuleList(PhaseMerge(cast(DenseMerge, merge), groups) for merge in block.merge_high)
