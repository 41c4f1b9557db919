"""The recovery branch: stem, recovery block, reconstruction."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from dicface.images.pixels import FACE_PX
from dicface.networks import phases, phases_at_once
from dicface.networks.blocks import LEAKY_SLOPE, PReLU, conv_prelu, deconv_prelu
from dicface.networks.fusion import ComponentPaths
from dicface.networks.resize import resize_bicubic

GRID_PX = 64


class StemOutput(NamedTuple):
    """Output of the stem, which every step starts from.

    Attributes:
        features: (N, C, 32, 32) float; (N, width, 16, 16) for the U.
        base: (N, 3, 128, 128) float, the plain enlargement that the residuals are added to.
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


def any_size_grid(lr: Tensor, grid_px: int = GRID_PX, fold: int = 1) -> Tensor:
    """A crop of any side S on a fixed grid, with a plane that holds S.

    The network needs S to tell the enlargement of 12 px from that of 60 px. Source: ADR 2.

    Args:
        lr: (N, 3, S, S) float, means subtracted.
        grid_px: side G of the grid.
        fold: squares of fold x fold pixels are folded into channels, so that a fine grid is a small raster.

    Returns:
        (N, 3 * fold ** 2 + 1, G / fold, G / fold) float.
    """
    grid = resize_bicubic(lr, grid_px)
    if fold > 1:
        grid = nn.functional.pixel_unshuffle(grid, fold)
    side = torch.ones_like(lr[:1, :1, :1, :]).sum()
    plane = torch.log2(side / grid_px).expand_as(grid[:, :1])
    return torch.cat([grid, plane], dim=1)


class AnySizeStem(nn.Module):
    """Stem for crops of any side S from 8 to 64, over a bicubic enlargement. Source: ADR 2."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv = conv_prelu(4, features, 3, padding=1)
        self.down = conv_prelu(features, features, 4, stride=2, padding=1)

    def forward(self, lr: Tensor) -> StemOutput:
        """(N, 3, S, S) float, means subtracted -> `StemOutput`."""
        return StemOutput(self.down(self.conv(any_size_grid(lr))), resize_bicubic(lr, FACE_PX))


class DenseMerge(nn.Sequential):
    """1x1 convolution and PReLU of the concatenation of several features; exported graphs sum instead (ADR 21)."""

    def __init__(self, features: int, count: int) -> None:
        super().__init__(*conv_prelu(features * count, features, 1))

    @property
    def conv(self) -> nn.Conv2d:
        """The convolution."""
        return cast(nn.Conv2d, self[0])

    @property
    def activation(self) -> nn.Module:
        """The activation after it."""
        return self[1]

    def forward(self, input: Sequence[Tensor]) -> Tensor:  # noqa: A002 - nn.Sequential's name
        """`count` times (N, C, H, W) float -> (N, C, H, W) float."""
        return super().forward(torch.cat(list(input), dim=1))


class _Unit(NamedTuple):
    """Parameters of a convolution and its activation, and the activation."""

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
        learns = torch.is_grad_enabled() and not torch.compiler.is_compiling()
        return self.project_in_phases(low, at_once=not low.is_cpu) if learns else self.project(low)

    @torch.no_grad()
    def continue_from(self, first: "RecoveryBlock") -> None:
        """Copy the weights of the first step's block, so that this block gives the same result for any state.

        Weights of the state are zero, and the fusion passes features through (exactly for component attention and
        concatenation, if the first activation's slope is not negative).

        Args:
            first: a block of the same sizes without fusion, whose inputs are the first inputs of this block.
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
            # The leaky ReLU inside the fusion is applied in addition.
            _unit(self.compress_in).activation.weight.div_(LEAKY_SLOPE)

    def project(self, low: Tensor) -> Tensor:
        """The up- and down-projections by the paper's layers: (N, features, 32, 32) float -> the same."""
        lows, highs = [low], []
        for group, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            highs.append(up(low if group == 0 else self.merge_low[group - 1](torch.cat(lows, dim=1))))
            lows.append(down(highs[0] if group == 0 else self.merge_high[group - 1](highs)))
        return self.compress_out(torch.cat(lows[1:], dim=1))

    def project_in_phases(self, low: Tensor, *, at_once: bool) -> Tensor:
        """`project` in polyphase form: equal result and gradients, faster (ADR 30).

        Args:
            low: (N, features, 32, 32) float.
            at_once: in few, large operations, for accelerators; otherwise in small ones, for processors' caches.
        """
        form = phases_at_once if at_once else phases
        low = low.contiguous(memory_format=torch.channels_last)
        lows: list[Tensor] = [low]
        highs: list[list[Tensor]] = []
        for group, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            merged = low if group == 0 else self.merge_low[group - 1](torch.cat(lows, dim=1))
            weight, bias, activation = _unit(up)
            highs.append([activation(phase) for phase in form.enlarge(merged, weight, bias, self.geometry)])
            high = highs[0]
            if group:
                weight, bias, activation = _unit(self.merge_high[group - 1])
                high, highs = form.merge(highs, weight, bias, activation.weight)
            weight, bias, activation = _unit(down)
            lows.append(activation(form.reduce(high, weight, bias, self.geometry)))
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
