"""Enlarged features as their phases: what a stride puts side by side stays in channels.

Of an image enlarged s times, every s-th pixel from row r and column c on is an image of the size before, the phase
(r, c). A transposed convolution of stride s computes each phase from its input by an ordinary small convolution, and a
convolution of stride s adds up small convolutions of the phases. So between the two nothing needs to lie in the order
of the large image (ADR 0021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast

import torch
from torch import Tensor, nn

from dicface.networks.recovery import DenseMerge, RecoveryBlock

Taps = dict[int, int]
"""How phases of one row or column meet the small image: the kernel's tap for each shift in its pixels, ascending."""


@dataclass(frozen=True)
class PhaseGroup:
    """Phases that meet the same pixels of the small image, each through other taps; counted row by row.

    Attributes:
        rows, columns: of each row and column of phases.
    """

    rows: list[Taps]
    columns: list[Taps]

    @property
    def count(self) -> int:
        """Number of phases."""
        return len(self.rows) * len(self.columns)

    def kernels(self, weight: Tensor) -> list[Tensor]:
        """Each phase's part (A, B, h, w) of a kernel (A, B, k, k)."""
        return [
            weight[:, :, list(rows.values())][..., list(columns.values())]
            for rows in self.rows
            for columns in self.columns
        ]

    def border(self) -> tuple[int, int, int, int]:
        """How far the pixels lie outside the small image: left, right, above, below."""
        columns, rows = list(self.columns[0]), list(self.rows[0])
        return -columns[0], columns[-1], -rows[0], rows[-1]


def phase_groups(kernel: int, stride: int, padding: int) -> list[PhaseGroup]:
    """All phases of an enlargement.

    With 12, 8 and 2, they are 9 groups: rows 0 and 1, 2 to 5, and 6 and 7, and the same of columns.

    Args:
        kernel, stride, padding: of the convolution, or transposed convolution, between the small and the large image.
    """
    shifts = range(-(kernel // stride), kernel // stride + 1)
    taps: list[Taps] = [
        {shift: tap for shift in shifts if 0 <= (tap := phase + padding + shift * stride) < kernel}
        for phase in range(stride)
    ]
    runs = [list(run) for _, run in groupby(taps, key=list)]
    return [PhaseGroup(rows, columns) for rows in runs for columns in runs]


def _convolution(
    weight: Tensor, bias: Tensor | None, border: tuple[int, int, int, int] = (0, 0, 0, 0), groups: int = 1
) -> nn.Module:
    """A convolution of fixed weights; `border` is what it adds on the left, the right, above and below."""
    outputs, inputs, *size = weight.shape
    conv = nn.Conv2d(inputs * groups, outputs, (size[0], size[1]), bias=bias is not None, groups=groups)
    conv.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return nn.Sequential(nn.ZeroPad2d(border), conv) if any(border) else conv


class _Sum(nn.Module):
    """The sum of one convolution for each feature, and an activation: nothing is copied side by side first."""

    def __init__(self, parts: list[nn.Module], activation: nn.Module) -> None:
        super().__init__()
        self.parts, self.activation = nn.ModuleList(parts), activation

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        total, *others = (part(feature) for part, feature in zip(self.parts, features, strict=True))
        for other in others:
            total = total + other
        return self.activation(total)


class PhaseUp(nn.Module):
    """A transposed convolution and its activation, to phases: one convolution for each group of them.

    Args:
        unit: the two; the convolution square, ungrouped, undilated and enlarging by exactly its stride.
    """

    def __init__(self, unit: nn.Sequential) -> None:
        super().__init__()
        deconv, self.activation = cast(nn.ConvTranspose2d, unit[0]), unit[1]
        assert deconv.bias is not None
        # A convolution counts its taps the other way round, and outputs before inputs.
        weight, bias, parts = deconv.weight.detach(), deconv.bias.detach(), list[nn.Module]()
        for group in phase_groups(deconv.kernel_size[0], deconv.stride[0], int(deconv.padding[0])):
            left, right, above, below = group.border()
            kernels = [kernel.flip(2, 3).transpose(0, 1) for kernel in group.kernels(weight)]
            border = (right, left, below, above)
            parts.append(_convolution(torch.cat(kernels), bias.repeat(group.count), border))
        self.parts = nn.ModuleList(parts)

    def forward(self, features: Tensor) -> list[Tensor]:
        """(N, inputs, H, W) float -> (N, phases * outputs, H, W) float for each group."""
        return [self.activation(part(features)) for part in self.parts]


class PhaseMerge(nn.Module):
    """A `DenseMerge` of phases: each meets the same weights."""

    def __init__(self, merge: DenseMerge, groups: list[PhaseGroup]) -> None:
        super().__init__()
        conv = merge.conv
        assert conv.bias is not None
        weights = conv.weight.detach().split(conv.out_channels, dim=1)
        # The first adds the bias for all.
        biases = [conv.bias.detach(), *[None] * (len(weights) - 1)]
        self.sums = nn.ModuleList(
            _Sum(
                [
                    _convolution(
                        weight.repeat(group.count, 1, 1, 1),
                        None if bias is None else bias.repeat(group.count),
                        groups=group.count,
                    )
                    for weight, bias in zip(weights, biases, strict=True)
                ],
                merge.activation,
            )
            for group in groups
        )

    def forward(self, features: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """`count` times what `PhaseUp` gives -> the same once."""
        return [total(parts) for total, parts in zip(self.sums, zip(*features, strict=True), strict=True)]


def phase_down(unit: nn.Sequential) -> nn.Module:
    """A convolution with a stride and its activation, from phases: what `PhaseUp` gives -> (N, outputs, H, W) float.

    Args:
        unit: the two; the convolution square, ungrouped, undilated and reducing by exactly its stride.
    """
    conv, activation = cast(nn.Conv2d, unit[0]), unit[1]
    assert conv.bias is not None
    groups = phase_groups(conv.kernel_size[0], conv.stride[0], int(conv.padding[0]))
    weight, biases = conv.weight.detach(), [conv.bias.detach(), *[None] * (len(groups) - 1)]
    return _Sum(
        [
            _convolution(torch.cat(group.kernels(weight), dim=1), bias, group.border())
            for group, bias in zip(groups, biases, strict=True)
        ],
        activation,
    )


def keep_phases(block: RecoveryBlock) -> None:
    """Let a recovery block, whose weights no longer change, hold its enlarged features as phases only."""
    first = cast(nn.ConvTranspose2d, cast(nn.Sequential, block.up[0])[0])
    groups = phase_groups(first.kernel_size[0], first.stride[0], int(first.padding[0]))
    block.up = nn.ModuleList(PhaseUp(cast(nn.Sequential, unit)) for unit in block.up)
    block.down = nn.ModuleList(phase_down(cast(nn.Sequential, unit)) for unit in block.down)
    block.merge_high = nn.ModuleList(PhaseMerge(cast(DenseMerge, merge), groups) for merge in block.merge_high)


class _Crop(nn.Module):
    """Cut a border off every side."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, self.border : -self.border, self.border : -self.border]


def shuffled_convolution(unit: nn.Sequential) -> nn.Sequential:
    """A transposed convolution and its activation as one convolution to all phases, and a pixel shuffle.

    The phases are counted from half a stride before a pixel. Then all meet the same 2x2 input pixels, and the half
    stride too many on every side is cut off.

    Args:
        unit: the two; the convolution square, ungrouped, undilated, with a kernel of twice the stride, and enlarging by
            exactly that. The activation acts on each value alone; it comes before the shuffle, where a runtime can fuse
            it.
    """
    deconv, activation = cast(nn.ConvTranspose2d, unit[0]), unit[1]
    inputs, outputs, stride = deconv.in_channels, deconv.out_channels, deconv.stride[0]
    assert deconv.kernel_size[0] == 2 * stride
    assert deconv.bias is not None
    # From (inputs, outputs, down, phase down, across, phase across); a convolution counts its taps the other way round.
    phases = deconv.weight.detach().reshape(inputs, outputs, 2, stride, 2, stride).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    weight, bias = phases.reshape(outputs * stride**2, inputs, 2, 2), deconv.bias.detach()
    conv = _convolution(weight, bias.repeat_interleave(stride**2), (1, 1, 1, 1))
    return nn.Sequential(conv, activation, nn.PixelShuffle(stride), _Crop(stride // 2))
