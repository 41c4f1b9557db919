"""The recovery branch: stem, recovery block, reconstruction."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from dicface.images.pixels import FACE_PX
from dicface.networks.blocks import LEAKY_SLOPE, PReLU, conv_prelu, deconv_prelu
from dicface.networks.fusion import ComponentPaths
from dicface.networks.phases import enlarge, merge, phase_groups, reduce
from dicface.networks.resize import resize_bicubic

GRID_SIZE = 64


class StemOutput(NamedTuple):
    """What every step starts from.

    Attributes:
        features: (N, C, 32, 32) float; (N, width, 16, 16) for the U.
        base: (N, 3, 128, 128) float, the plain enlargement that the residuals are added to, in the frame of the input.
        skips: features of larger sides that only the U's reconstruction takes.
    """

    features: Tensor
    base: Tensor
    skips: tuple[Tensor, ...] = ()


class PaperStem(nn.Module):
    """The paper's stem: 16x16 only; convolution and pixel shuffle, over a bilinear enlargement.

    Source: the paper's recovery branch, sizes from the released code.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv = conv_prelu(3, 4 * features, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, lr: Tensor) -> StemOutput:
        """(N, 3, 16, 16) float, means subtracted -> `StemOutput`."""
        base = nn.functional.interpolate(lr, scale_factor=8, mode="bilinear", align_corners=False)
        return StemOutput(self.shuffle(self.conv(lr)), base)


def any_size_grid(lr: Tensor) -> Tensor:
    """A crop of any side S on a fixed grid, with a plane that says S.

    The same 64x64 pixels mean different things when they came from 12 and from 60. Source: ADR 0002.

    Args:
        lr: (N, 3, S, S) float, means subtracted.

    Returns:
        (N, 4, 64, 64) float.
    """
    grid = resize_bicubic(lr, GRID_SIZE)
    side = torch.ones_like(lr[:1, :1, :1, :]).sum()
    plane = torch.log2(side / GRID_SIZE).expand_as(grid[:, :1])
    return torch.cat([grid, plane], dim=1)


class AnySizeStem(nn.Module):
    """Stem for crops of any side S from 8 to 64, over a bicubic enlargement. Source: ADR 0002."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv = conv_prelu(4, features, 3, padding=1)
        self.down = conv_prelu(features, features, 4, stride=2, padding=1)

    def forward(self, lr: Tensor) -> StemOutput:
        """(N, 3, S, S) float, means subtracted -> `StemOutput`."""
        return StemOutput(self.down(self.conv(any_size_grid(lr))), resize_bicubic(lr, FACE_PX))


class DenseMerge(nn.Sequential):
    """1x1 convolution and PReLU over several features, as if concatenated; inference sums instead (ADR 0021)."""

    def __init__(self, features: int, count: int) -> None:
        super().__init__(*conv_prelu(features * count, features, 1))

    @property
    def conv(self) -> nn.Conv2d:
        """The convolution."""
        return cast(nn.Conv2d, self[0])

    @property
    def activation(self) -> nn.Module:
        """What follows it."""
        return self[1]

    def forward(self, input: Sequence[Tensor]) -> Tensor:  # noqa: A002 - nn.Sequential's name
        """`count` times (N, C, H, W) float -> (N, C, H, W) float."""
        return super().forward(torch.cat(list(input), dim=1))


class _Unit(NamedTuple):
    """What a convolution and the activation after it learn, and the latter."""

    weight: Tensor
    bias: Tensor
    activation: PReLU


def _unit(layers: nn.Module) -> _Unit:
    conv, activation = cast(nn.Sequential, layers)
    assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d)
    assert isinstance(activation, PReLU)
    assert conv.bias is not None
    return _Unit(conv.weight, conv.bias, activation)


class RecoveryBlock(nn.Module):
    """Feedback block: low-resolution features projected up and down again, densely connected.

    Source: the paper's recovery branch, which takes the feedback block from SRFBN (Li et al., CVPR 2019).
    """

    def __init__(self, inputs: int, features: int, groups: int, stride: int, fusion: nn.Module | None) -> None:
        super().__init__()
        kernel, padding = stride + 4, 2
        self.geometry = kernel, stride, padding
        self.compress_in = conv_prelu(inputs, features, 1)
        self.fusion = fusion
        self.up = nn.ModuleList(deconv_prelu(features, features, kernel, stride, padding) for _ in range(groups))
        self.down = nn.ModuleList(conv_prelu(features, features, kernel, stride, padding) for _ in range(groups))
        self.merge_low = nn.ModuleList(conv_prelu(features * (g + 1), features, 1) for g in range(1, groups))
        self.merge_high = nn.ModuleList(DenseMerge(features, g + 1) for g in range(1, groups))
        self.compress_out = conv_prelu(features * groups, features, 1)

    def forward(self, features: Tensor, heatmaps: Tensor | None) -> Tensor:
        """Refine trunk features.

        Args:
            features: (N, inputs, 32, 32) float.
            heatmaps: (N, K, 32, 32) float, for the fusion; a block without one ignores them.

        Returns:
            (N, features, 32, 32) float.
        """
        low = self.compress_in(features)
        if self.fusion is not None:
            low = self.fusion(low, heatmaps)
        if features.is_cpu and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return self.project_in_phases(low)
        return self.project(low)

    @torch.no_grad()
    def continue_from(self, first: "RecoveryBlock") -> None:
        """Take the weights of the first step's block, so that this one gives the same result for any state.

        What it has besides starts neutral: the state counts nothing, and the fusion passes features through (exactly
        with the attention of components or with concatenation, as long as the first activation's slope is not
        negative). It all learns from there.

        Args:
            first: a block of the same sizes without fusion, whose inputs are the first of this one's.
        """
        mine = dict(self.named_parameters())
        for name, weight in first.named_parameters():
            if mine[name].shape == weight.shape:
                mine[name].copy_(weight)
            else:
                mine[name].zero_()[:, : weight.shape[1]] = weight
        if self.fusion is not None:
            assert isinstance(self.fusion, ComponentPaths)
            self.fusion.pass_through()
            # The leaky ReLU inside the fusion comes on top.
            _unit(self.compress_in).activation.weight.div_(LEAKY_SLOPE)

    def project(self, low: Tensor) -> Tensor:
        """The paper's layers, one after the other: (N, features, 32, 32) float -> the same."""
        lows, highs = [low], []
        for group, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            highs.append(up(low if group == 0 else self.merge_low[group - 1](torch.cat(lows, dim=1))))
            lows.append(down(highs[0] if group == 0 else self.merge_high[group - 1](highs)))
        return self.compress_out(torch.cat(lows[1:], dim=1))

    def project_in_phases(self, low: Tensor) -> Tensor:
        """`project` with enlarged features that stay phases: the same result and gradients, sooner (ADR 0030)."""
        low = low.contiguous(memory_format=torch.channels_last)
        groups = phase_groups(*self.geometry)
        lows: list[Tensor] = [low]
        highs: list[list[Tensor]] = []
        for group, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            merged = low if group == 0 else self.merge_low[group - 1](torch.cat(lows, dim=1))
            weight, bias, activation = _unit(up)
            highs.append([activation(phase) for phase in enlarge(merged, weight, bias, groups)])
            high = highs[0]
            if group:
                weight, bias, activation = _unit(self.merge_high[group - 1])
                high, highs = merge(highs, weight, bias, activation.weight)
            weight, bias, activation = _unit(down)
            lows.append(activation(reduce(high, weight, bias, groups)))
        return self.compress_out(torch.cat(lows[1:], dim=1))


class Reconstruction(nn.Module):
    """Trunk features to the image residual: x4 transposed convolution, PReLU, 3x3 convolution.

    Source: the paper's recovery branch, sizes from the released code.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.up = deconv_prelu(features, features, 8, stride=4, padding=2)
        self.conv = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, features: Tensor, skips: tuple[Tensor, ...] = ()) -> Tensor:
        """(N, C, 32, 32) float -> (N, 3, 128, 128) float, to be added to the plain enlargement; `skips` are the U's."""
        return self.conv(self.up(features))
